"""The second tap of the same finger: answered as the first one was, and done only once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import String, bindparam, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Instant
from app.kernel.errors import Refused
from app.kernel.hot import Hot
from app.kernel.inserts import INSERTS, insert_into
from app.kernel.unit_session import Rows
from app.kernel.uow import Uow

KEPT = timedelta(hours=48)


class OnceKeyReused(Refused):
    """The same form was sent again with other contents; open the page anew."""

    code = "once_key_reused"
    http_status = 422


class OnceKey(Base):
    """A deed asked for under a key, what was sent (a hash), and where its answer led."""

    __tablename__ = "once_key"

    actor: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    body_hash: Mapped[str] = mapped_column(String(64))
    location: Mapped[str] = mapped_column(String(300), default="")
    asked_at: Mapped[datetime]


_KEY: dict[str, Any] = {"actor": bindparam("p_actor"), "key": bindparam("p_key")}
_KEEP = {
    dialect: Hot(
        insert(OnceKey)
        .values(
            **_KEY, body_hash=bindparam("p_body_hash"), location="", asked_at=bindparam("p_asked_at", type_=Instant())
        )
        .on_conflict_do_nothing(index_elements=["actor", "key"])
        .returning(OnceKey.key)
    )
    for dialect, insert in INSERTS.items()
}
_REMEMBER = Hot(
    update(OnceKey)
    .where(OnceKey.actor == bindparam("p_actor"), OnceKey.key == bindparam("p_key"))
    .values(location=bindparam("p_location"))
)


class DoneBefore(Exception):
    """The deed was done already; its answer led to `location`."""

    def __init__(self, location: str) -> None:
        """`location` is '' when the answer led nowhere."""
        super().__init__(location)
        self.location = location


def begin(uow: Uow, key: str, body_hash: str) -> None:
    """The deed is to be done once under the key: quiet the first time, else `DoneBefore`, or `once_key_reused`.

    Of two that ask at once the second waits for the first's unit. It asks together with the unit's next question, so
    that is where it may refuse.
    """
    keep = _KEEP[uow.session.get_bind().dialect.name]
    facts = {"p_actor": uow.actor.ref, "p_key": key[:64], "p_body_hash": body_hash, "p_asked_at": uow.now()}

    def heard(kept: Rows) -> None:
        if not kept:
            _say_where_it_led(uow, key, body_hash)

    keep.ride(uow, facts, heard)


def _say_where_it_led(uow: Uow, key: str, body_hash: str) -> None:
    known = uow.session.scalars(select(OnceKey).where(OnceKey.actor == uow.actor.ref, OnceKey.key == key[:64])).one()
    if known.body_hash != body_hash:
        raise OnceKeyReused
    raise DoneBefore(known.location)


def is_first(uow: Uow, whose: str, key: str) -> bool:
    """True for whoever is the first to show this key; of two at once, for one. Keys are kept for two days."""
    shown = insert_into(uow, OnceKey).values(actor=whose[:64], key=key[:64], body_hash="", asked_at=uow.now())
    kept = uow.session.scalar(shown.on_conflict_do_nothing(index_elements=["actor", "key"]).returning(OnceKey.key))
    return kept is not None


def remember(uow: Uow, key: str, location: str) -> None:
    """The deed's answer leads to `location`."""
    _REMEMBER.later(uow, {"p_actor": uow.actor.ref, "p_key": key[:64], "p_location": location[:300]})


def sweep(uow: Uow) -> None:
    """Keys older than two days are forgotten."""
    uow.session.execute(delete(OnceKey).where(OnceKey.asked_at < uow.now() - KEPT))
