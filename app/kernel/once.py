"""The second tap of the same finger: answered as the first one was, and done only once."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import String, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base
from app.kernel.errors import Refused
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


def begin(uow: Uow, key: str, body_hash: str) -> str | None:
    """None when the deed is to be done now; else the place its answer led to when it was done.

    Of two that ask at once the second waits for the first's unit. Refuses `once_key_reused`.
    """
    maker = postgresql.insert if uow.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    made = uow.session.scalar(
        maker(OnceKey)
        .values(actor=uow.actor.ref, key=key[:64], body_hash=body_hash, location="", asked_at=uow.now())
        .on_conflict_do_nothing(index_elements=["actor", "key"])
        .returning(OnceKey.key)
    )
    if made is not None:
        return None
    known = uow.session.scalars(select(OnceKey).where(OnceKey.actor == uow.actor.ref, OnceKey.key == key[:64])).one()
    if known.body_hash != body_hash:
        raise OnceKeyReused
    return known.location


def remember(uow: Uow, key: str, location: str) -> None:
    """The deed's answer leads to `location`."""
    uow.session.execute(
        update(OnceKey).where(OnceKey.actor == uow.actor.ref, OnceKey.key == key[:64]).values(location=location[:300])
    )


def sweep(uow: Uow) -> None:
    """Keys older than two days are forgotten."""
    uow.session.execute(delete(OnceKey).where(OnceKey.asked_at < uow.now() - KEPT))
