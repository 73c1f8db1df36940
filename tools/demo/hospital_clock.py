"""The demo hospital wakes when its clinics are open, whatever time it is where you sit."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, timezone
from pathlib import Path

CHINA = timezone(timedelta(hours=8))  # Asia/Shanghai has no summer time; a bare machine may have no zone database
OPENS_AT, LAST_START_AT, WAKES_AT = time(8, 30), time(16, 0), time(9, 30)


def set_clock(file: Path, now: datetime) -> tuple[datetime, bool]:
    """What the hospital's wall shows from now on, and whether the clock was moved for it; it never goes back.

    `now` is the machine's time, aware. Outside 08:30 to 16:00 the hospital sleeps on to the next 09:30.
    """
    step = _seconds_in(file)
    shown = (now + timedelta(seconds=step)).astimezone(CHINA)
    if OPENS_AT <= shown.time() < LAST_START_AT:
        return shown, False
    day = shown.date() if shown.time() < OPENS_AT else shown.date() + timedelta(days=1)
    morning = datetime.combine(day, WAKES_AT, tzinfo=CHINA)
    file.write_text(str(step + int((morning - shown).total_seconds())), encoding="ascii")
    return morning, True


def shown_now(file: Path) -> datetime:
    """What the hospital's wall shows now."""
    return (datetime.now(UTC) + timedelta(seconds=_seconds_in(file))).astimezone(CHINA)


def _seconds_in(file: Path) -> int:
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0
