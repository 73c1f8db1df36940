"""The numbers by which people look for a message: its control id, the patient, the visit, the orders in it."""

from __future__ import annotations

import enum
from collections.abc import Iterable

from sqlalchemy import Index, PrimaryKeyConstraint, Select, String, select
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.crypto import Keyring
from app.kernel.db import Base, choice
from app.kernel.hot import Hot, insert_of
from app.kernel.uow import Uow

VALUE_AT_MOST = 80
KEYS_AT_MOST = 40


class Direction(enum.StrEnum):
    """A message that came `in` (its row is in the inbox) or that goes `out` (in the outbox)."""

    IN = "in"
    OUT = "out"


class KeyKind(enum.StrEnum):
    """What a number is: the message's own `control` id, a `patient`'s, a `visit`'s or an `order`'s."""

    CONTROL = "control"
    PATIENT = "patient"
    VISIT = "visit"
    ORDER = "order"


class MessageKey(Base):
    """One number in one message; a patient's stands here as a blind index, so that this table names nobody.

    Nothing refers to a row of it, and each message brings four: they have no key but what they say.
    """

    __tablename__ = "message_key"
    __table_args__ = (
        PrimaryKeyConstraint("kind", "value", "direction", "item_id"),
        Index("ix_message_key_item", "direction", "item_id"),
    )

    direction: Mapped[Direction] = mapped_column(choice(Direction))
    item_id: Mapped[int]
    kind: Mapped[KeyKind] = mapped_column(choice(KeyKind))
    value: Mapped[str] = mapped_column(String(VALUE_AT_MOST))


def searched(uow: Uow, kind: KeyKind, number: str) -> str:
    """How a number as a person types it stands in the table; '' for none."""
    return _stands(uow.keys, kind, number)


def keep(uow: Uow, direction: Direction, item_id: int, numbers: Iterable[tuple[KeyKind, str]]) -> None:
    """A message that was just stored is found by these numbers (at most 40 of them) from now on."""
    for kind, value in as_they_stand(uow.keys, numbers):
        _KEEP.later(uow, {"direction": direction, "item_id": item_id, "kind": kind, "value": value})


_KEEP = Hot(insert_of(MessageKey, "direction", "item_id", "kind", "value"))


def as_they_stand(keys: Keyring, numbers: Iterable[tuple[KeyKind, str]]) -> list[tuple[KeyKind, str]]:
    """The numbers as the table holds them, each once, at most 40."""
    found = dict.fromkeys((kind, _stands(keys, kind, number)) for kind, number in numbers)
    return [(kind, value) for kind, value in found if value][:KEYS_AT_MOST]


def _stands(keys: Keyring, kind: KeyKind, number: str) -> str:
    number = number.strip()[:VALUE_AT_MOST].strip()
    is_named = kind is KeyKind.PATIENT and number
    return keys.index(number, "message_key.patient") if is_named else number


def items_with(direction: Direction, kind: KeyKind, value: str) -> Select[int]:
    """The keys of the rows in inbox or outbox whose message has this number (as `searched` gives it)."""
    return select(MessageKey.item_id).where(
        MessageKey.direction == direction, MessageKey.kind == kind, MessageKey.value == value
    )


def newest_with(uow: Uow, direction: Direction, kind: KeyKind, value: str) -> int | None:
    """The newest of those rows; None when there is none."""
    return uow.session.scalar(items_with(direction, kind, value).order_by(MessageKey.item_id.desc()).limit(1))
