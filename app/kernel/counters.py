"""Numbers that are given out one after another, each once, also to many who ask at the same instant."""

from __future__ import annotations

from sqlalchemy import BigInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base
from app.kernel.uow import Uow


class Counter(Base):
    """The last number given under a name."""

    __tablename__ = "counter"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)


_NEXT = text(
    "INSERT INTO counter (name, value) VALUES (:name, 1)"
    " ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value"
)


def next_number(uow: Uow, name: str) -> int:
    """The next whole number under `name`, from 1; a unit that is dropped gives its number back, so there are no gaps.

    Whoever asks next under the same name waits until this unit is finished.
    """
    return int(uow.session.execute(_NEXT, {"name": name}).scalar_one())
