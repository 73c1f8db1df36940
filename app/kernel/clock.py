"""What time it is in the hospital, and which day that is."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Where all time comes from; both answers are aware and in UTC."""

    def now(self) -> datetime:
        """The hospital's time: holds, queues, reminders, pickup codes."""

    def wall_now(self) -> datetime:
        """The world's time: signatures exchanged with providers, who know nothing of a demo's clock."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, in UTC."""
        return datetime.now(UTC)

    def wall_now(self) -> datetime:
        """The present instant, in UTC."""
        return datetime.now(UTC)


class SteppedClock(SystemClock):
    """A demo hospital's clock: the machine's, moved by the whole seconds that stand in a file all processes read."""

    def __init__(self, file: Path) -> None:
        """Reads `file` at every question; a file that is missing or unreadable means no step."""
        self._file = file

    def now(self) -> datetime:
        """The present instant moved by the file's seconds, in UTC."""
        return super().now() + timedelta(seconds=self._step_seconds())

    def _step_seconds(self) -> int:
        try:
            return int(self._file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0


def hospital_day(instant: datetime, zone: ZoneInfo) -> date:
    """The calendar day of `instant` on the hospital's wall."""
    return instant.astimezone(zone).date()


def at_hospital(day: date, hour_minute: time, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which the hospital's wall clock shows `hour_minute` on `day`."""
    return datetime.combine(day, hour_minute, tzinfo=zone).astimezone(UTC)
