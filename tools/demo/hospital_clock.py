"""The demo hospital wakes when its clinics are open, whatever time it is where you sit."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, timezone
from pathlib import Path

CHINA = timezone(timedelta(hours=8))  # Asia/Shanghai has no summer time; a bare machine may have no zone database
# While a session goes on and still has places ahead; else the hospital sleeps on to the next time of waking.
AWAKE = ((time(8, 30), time(11, 0)), (time(13, 0), time(16, 0)))
WAKES_AT = (time(9, 30), time(13, 45))


def set_clock(file: Path, now: datetime) -> tuple[datetime, bool]:
    """What the hospital's wall shows from now on, and whether the clock was moved for it; it never goes back.

    `now` is the machine's time, aware. When no clinic is open the hospital sleeps on to the next 09:30 or 13:45.
    """
    step = _seconds_in(file)
    shown = (now + timedelta(seconds=step)).astimezone(CHINA)
    if any(opens <= shown.time() < closes for opens, closes in AWAKE):
        return shown, False
    days = (shown.date(), shown.date() + timedelta(days=1))
    wakings = (datetime.combine(day, wakes, tzinfo=CHINA) for day in days for wakes in WAKES_AT)
    waking = next(each for each in wakings if each > shown)
    file.write_text(str(step + int((waking - shown).total_seconds())), encoding="ascii")
    return waking, True


def shown_now(file: Path) -> datetime:
    """What the hospital's wall shows now."""
    return (datetime.now(UTC) + timedelta(seconds=_seconds_in(file))).astimezone(CHINA)


def _seconds_in(file: Path) -> int:
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0
