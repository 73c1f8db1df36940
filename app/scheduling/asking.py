"""Asking the hospital system for its doctors' time, where it does not tell of it by itself: one question at a time."""

from __future__ import annotations

from datetime import timedelta

from app.kernel import outbox
from app.kernel.outbox import OutboxState
from app.kernel.uow import Uow

TOPIC, EVENT, LANE = "hospital", "SlotsAsked", "slots"
_UNDER_WAY = (OutboxState.WAITING, OutboxState.SENDING)


def ask(uow: Uow, *, every: timedelta, days: int) -> int:
    """The hospital system will be asked for its doctors' time in so many days, today first; 1 when it was not yet.

    Time is cut into pieces of `every`, and each has one question, however many processes ask. A question that is under
    way is waited for.
    """
    nth = int(uow.now().timestamp() // every.total_seconds())
    key = f"{EVENT}:{nth}"
    before = outbox.newest_in(uow, TOPIC, LANE)
    if before is not None and (before.state in _UNDER_WAY or before.key == key):
        return 0
    outbox.post(uow, TOPIC, key, {"event": EVENT, "nth": nth, "days": days}, lane=LANE)
    return 1
