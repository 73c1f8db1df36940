"""How the exchange is doing, in lines for a terminal: what waits, who is away, what was refused and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from app.kernel import message_health, message_search, peers
from app.kernel.message_health import Alarm, AlarmCode
from app.kernel.message_search import Reason, Wanted
from app.kernel.uow import Uow


@dataclass(frozen=True)
class Status:
    """What there is to say, and whether a person is needed."""

    lines: tuple[str, ...]
    is_ill: bool


def told_of(uow: Uow, since: datetime | None) -> Status:
    """The exchange now, with the refusals that came since; dead letters of any age."""
    alarms = message_health.alarms(uow)
    refused = message_search.refusals(uow, Wanted(since=since))
    dead = message_search.failures(uow, Wanted())
    lines = [
        *(_alarm(each) for each in alarms),
        *_waiting(uow),
        *(f"paused: {peer.name} ({peer.application}|{peer.facility})" for peer in peers.peers(uow) if peer.is_paused),
        *_reasons(uow, "refused", refused),
        *_reasons(uow, "dead", dead),
    ]
    return Status(tuple(lines), bool(alarms or refused or dead))


def _alarm(alarm: Alarm) -> str:
    if alarm.code is AlarmCode.TOO_OLD:
        return f"ALARM the oldest message for {alarm.peer or 'a receiver'} has waited for {alarm.seconds} s"
    return f"ALARM {alarm.peer} has not answered for {alarm.seconds} s: {alarm.error}"


def _waiting(uow: Uow) -> Iterator[str]:
    backlog = [each for each in message_health.backlog(uow) if each.waiting]
    for each in backlog:
        yield f"waiting: {each.waiting} for {each.peer or each.topic}, the oldest for {each.oldest_seconds} s"
    if not backlog:
        yield "waiting: none"
    if parked := message_health.answers(uow).parked:
        yield f"kept until their patient is on file: {parked}"


def _reasons(uow: Uow, what: str, reasons: list[Reason]) -> Iterator[str]:
    if not reasons:
        yield f"{what}: none"
    for each in reasons:
        error = " ".join(part for part in (each.error, each.place) if part)
        last = f"{each.last_at.astimezone(uow.zone):%Y-%m-%d %H:%M:%S}"
        yield f"{what}: {each.count:>5} × {error} in {each.kind.strip('^') or 'no type'} of {each.peer}, last {last}"
