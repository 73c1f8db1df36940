"""Messages about somebody who is not on file yet: they wait, and have their effect when the person is."""

from __future__ import annotations

from app.identity import finding
from app.kernel import audit, inbox, peers
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.uow import Uow
from hl7_adapter.ack import Header, read_header
from hl7_adapter.er7 import Message, parse
from hl7_adapter.gate import Door
from hl7_adapter.judging import Case, Outcome, judge

SOURCE = "hl7:"
PARKED = "parked:"
AT_ONCE = 500
NUMBERS_AT_MOST = 50


def park(uow: Uow, item: InboxItem, outcome: Outcome, message: Message, **answered: object) -> None:
    """The message waits for its patient, whose number stands where the fault was found; its sender knows it is kept."""
    place = outcome.place
    for_whom = _waits_for(uow, message.get(place))
    inbox.park(uow, item, for_whom, error_code=outcome.code, error_place=place, **answered)


def finish(uow: Uow, item: InboxItem, outcome: Outcome, **answered: object) -> None:
    """The message is over: what became of it stands in its row."""
    subject_ref, code, place = outcome.subject[:64], outcome.code, outcome.place
    inbox.finish(uow, item, outcome.state, error_code=code, error_place=place, subject_ref=subject_ref, **answered)


def release(uow: Uow, message: Message) -> None:
    """What waited for the message's patients, or for numbers merged into theirs, has its effect now, oldest first.

    One that is refused then stands on the work list: its sender was told that it is kept.
    """
    places = [("PID", 3), ("MRG", 1)]
    fields = [segment.reps(field) for name, field in places for segment in message.segments(name)]
    numbers = [number.get(1) for repetitions in fields for number in repetitions]
    for number in list(dict.fromkeys(numbers))[:NUMBERS_AT_MOST]:
        for item in inbox.parked(uow, _waits_for(uow, number), limit=AT_ONCE):
            _try(uow, item)


def ready(uow: Uow, after: int) -> tuple[list[int], int]:
    """Which of the next parked messages beyond id `after` wait for nobody any more, and beyond which to look next.

    An ADT message releases what waits for its patient; one that parks at the instant at which that message commits is
    not seen by it, nor is one whose patient gets the hospital's number in another way.
    """
    items = inbox.all_parked(uow, PARKED, after=after, limit=AT_ONCE)
    numbers = {item.id: parse(item.body).get(item.error_place).strip() for item in items if item.error_place}
    there = finding.numbers_on_file(uow, "his", set(numbers.values()) - {""})
    found = [item_id for item_id, number in numbers.items() if number in there]
    return found, items[-1].id if len(items) == AT_ONCE else 0


def take(uow: Uow, item_id: int) -> bool:
    """True when the message, which waited still, was tried; of two who take it at once one does."""
    item = inbox.claim_parked(uow, item_id)
    if item is not None:
        _try(uow, item)
    return item is not None


def _try(uow: Uow, item: InboxItem) -> None:
    first = read_header(item.body)
    if not isinstance(first, Header):
        return
    peer = peers.peer_for(uow, *first.sender)
    case = Case(read_header(item.body, peer.charset), peer, item.source.removeprefix(SOURCE))
    outcome = judge(uow, case, Door())
    if outcome.state is InboxState.RECEIVED:
        return
    finish(uow, item, outcome)
    audit.record(uow, "hl7.released", "hl7_message", item.id, outcome=outcome.code or "ok", kind=item.kind)


def _waits_for(uow: Uow, number: str) -> str:
    """A blind index of the hospital's number, so that the waiting list names nobody."""
    return f"{PARKED}{uow.keys.index(number.strip(), 'hl7.parked')}"
