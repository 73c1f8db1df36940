"""How often someone may ask: counted in the database, so that many web processes count as one."""

from __future__ import annotations

from sqlalchemy import BigInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base
from app.kernel.errors import TooMany
from app.kernel.uow import Uow


class RateCount(Base):
    """How often `bucket` was used in the window that began at `window_start` (seconds since 1970)."""

    __tablename__ = "rate_count"

    bucket: Mapped[str] = mapped_column(String(120), primary_key=True)
    window_start: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    used: Mapped[int]


_COUNT = text(
    "INSERT INTO rate_count (bucket, window_start, used) VALUES (:bucket, :start, 1)"
    " ON CONFLICT (bucket, window_start) DO UPDATE SET used = rate_count.used + 1 RETURNING used"
)
_USED = text("SELECT used FROM rate_count WHERE bucket = :bucket AND window_start = :start")
_SWEEP = text("DELETE FROM rate_count WHERE window_start < :before")


def use(uow: Uow, bucket: str, *, at_most: int, window_seconds: int) -> None:
    """One more use of `bucket` is counted; refuses `too_many` (facts: retry_seconds) beyond `at_most` a window.

    Call it in a unit of its own that is finished before the deed: a refusal must not take the count back. `bucket`
    holds a blind index or an id, never a phone number.
    """
    start, left_seconds = _window(uow, window_seconds)
    used = uow.session.execute(_COUNT, {"bucket": bucket, "start": start}).scalar_one()
    if used > at_most:
        uow.session.commit()
        raise TooMany(retry_seconds=left_seconds)


def refuse_beyond(uow: Uow, bucket: str, *, at_most: int, window_seconds: int) -> None:
    """Quiet while `bucket` was used less than `at_most` times in this window; counts nothing, refuses `too_many`."""
    start, left_seconds = _window(uow, window_seconds)
    if (uow.session.execute(_USED, {"bucket": bucket, "start": start}).scalar() or 0) >= at_most:
        raise TooMany(retry_seconds=left_seconds)


def note(uow: Uow, bucket: str, *, window_seconds: int) -> None:
    """One more use of `bucket` is counted when the unit is finished; refuses nothing."""
    uow.session.execute(_COUNT, {"bucket": bucket, "start": _window(uow, window_seconds)[0]})


def _window(uow: Uow, window_seconds: int) -> tuple[int, int]:
    """When the present window began, and for how many seconds it lasts from now."""
    now = int(uow.clock.wall_now().timestamp())
    start = now - now % window_seconds
    return start, start + window_seconds - now


def sweep(uow: Uow) -> None:
    """Forgets windows older than two days."""
    uow.session.execute(_SWEEP, {"before": int(uow.clock.wall_now().timestamp()) - 2 * 86400})
