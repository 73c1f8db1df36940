"""How often someone may ask: counted in the database, so that many web processes count as one."""

from __future__ import annotations

from sqlalchemy import BigInteger, String, bindparam, delete
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base
from app.kernel.errors import TooMany
from app.kernel.hot import Hot
from app.kernel.inserts import INSERTS
from app.kernel.unit_session import Rows
from app.kernel.uow import Uow


class RateCount(Base):
    """How often `bucket` was used in the window that began at `window_start` (seconds since 1970)."""

    __tablename__ = "rate_count"

    bucket: Mapped[str] = mapped_column(String(120), primary_key=True)
    window_start: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    used: Mapped[int]


_COUNT = {
    dialect: Hot(
        insert(RateCount)
        .values(bucket=bindparam("p_bucket"), window_start=bindparam("p_start", type_=BigInteger()), used=1)
        .on_conflict_do_update(index_elements=["bucket", "window_start"], set_={"used": RateCount.used + 1})
        .returning(RateCount.used)
    )
    for dialect, insert in INSERTS.items()
}


def use(uow: Uow, bucket: str, *, at_most: int, window_seconds: int) -> None:
    """One more use of `bucket` is counted; refuses `too_many` (facts: retry_seconds) beyond `at_most` a window.

    Call it in a unit of its own that is finished before the deed: a refusal must not take the count back. `bucket`
    holds a blind index or an id, never a phone number.
    """
    start, left_seconds = _window(uow, window_seconds)
    counted = _count(uow).first(uow, {"p_bucket": bucket, "p_start": start})
    if counted is not None and counted[0] > at_most:
        uow.session.commit()
        raise TooMany(retry_seconds=left_seconds)


def use_within(uow: Uow, bucket: str, *, at_most: int, window_seconds: int) -> None:
    """One more use of `bucket` is counted in this unit, if it stands; refuses `too_many` beyond `at_most` a window.

    It asks together with the unit's next question, so that is where it may refuse. Of two units at once the second
    waits there for the first.
    """
    start, left_seconds = _window(uow, window_seconds)

    def heard(counted: Rows) -> None:
        if counted[0][0] > at_most:
            raise TooMany(retry_seconds=left_seconds)

    _count(uow).ride(uow, {"p_bucket": bucket, "p_start": start}, heard)


def note(uow: Uow, bucket: str, *, window_seconds: int) -> None:
    """One more use of `bucket` is counted when the unit is finished; refuses nothing."""
    _count(uow).later(uow, {"p_bucket": bucket, "p_start": _window(uow, window_seconds)[0]})


def _count(uow: Uow) -> Hot:
    return _COUNT[uow.session.get_bind().dialect.name]


def _window(uow: Uow, window_seconds: int) -> tuple[int, int]:
    """When the present window began, and for how many seconds it lasts from now."""
    now = int(uow.clock.wall_now().timestamp())
    start = now - now % window_seconds
    return start, start + window_seconds - now


def sweep(uow: Uow) -> None:
    """Forgets windows older than two days."""
    before = int(uow.clock.wall_now().timestamp()) - 2 * 86400
    uow.session.execute(delete(RateCount).where(RateCount.window_start < before))
