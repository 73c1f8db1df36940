"""The outside world's time: seconds since 1970 inside, China's wall clock on the wire."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))


def now() -> float:
    """The present moment in seconds since 1970."""
    return time.time()


def rfc3339(seconds: float) -> str:
    """Write an instant as WeChat Pay does, e.g. `2026-03-01T09:30:00+08:00`."""
    return datetime.fromtimestamp(int(seconds), CHINA).isoformat()


def parse_rfc3339(text: str) -> float:
    """Read an instant with its offset; ValueError when it is none or names no offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("an instant needs its offset")
    return moment.astimezone(UTC).timestamp()


def wall_clock(seconds: float, pattern: str = "%Y-%m-%d %H:%M:%S") -> str:
    """Write an instant for people in China."""
    return datetime.fromtimestamp(seconds, CHINA).strftime(pattern)
