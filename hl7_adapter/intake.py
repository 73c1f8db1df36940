"""Takes one message: kept as it came, its effect and its answer stand or fall together, and a repeat does nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from app.kernel import audit, inbox, message_keys
from app.kernel.inbox import InboxItem, InboxState, digest_of
from app.kernel.message_keys import Direction, KeyKind
from app.kernel.peers import Peer
from app.kernel.unit_session import CannotTurnBack
from app.kernel.uow import Actor, Units, Uow
from hl7_adapter import gate, parking
from hl7_adapter.ack import Header, HeaderProblem, Mode, Verdict, replies
from hl7_adapter.gate import Door, TurnedAway
from hl7_adapter.judging import Case, judge
from hl7_adapter.letters import ANYWHERE, Letter, answer_number, letter, printable
from hl7_adapter.mllp import HangUp
from hl7_adapter.search_keys import numbers_in

_log = logging.getLogger("hl7_adapter.intake")
REUSED = " id reused"
_SETTLED = (InboxState.DONE, InboxState.FILED)

Told = bytes | HangUp | None
"""What goes back: the answer (or two, `ack.each_of`), last words with which the line is closed, or nothing."""


def receive(units: Units, raw: bytes, door: Door = ANYWHERE) -> bytes | None:
    """The answer to `raw`, after everything it did is committed; None for a message that must not be answered.

    In enhanced mode it is two answers, one after the other (`ack.each_of`). Inbox row, effect and answer are one
    transaction. The same bytes again get the stored answer and have no second effect; the same control id with other
    bytes is another message, taken and flagged (or refused, as agreed). A message refused with AE had no effect, so it
    is taken anew when it is sent again.

    Raises HangUp, perhaps with an answer, when the sender may not send here or is paused: then nothing was kept. Raises
    whatever the database raises when it is away: then nothing was kept, nothing may be answered, and the sender still
    has its message.
    """
    (told,) = receive_together(units, [letter(raw, door)])
    if isinstance(told, HangUp):
        raise told
    return told


def receive_together(units: Units, letters: Sequence[Letter]) -> list[Told]:
    """What goes back for each, in one transaction: each effect stands alone in it, and all are committed at once.

    Nearly always all go well, so no way back is kept open for each; where one is needed all begin anew with one.
    Raises what the database raises: then nothing of any of them was kept, and none may be answered.
    """
    try:
        return _together(units, letters, in_one_piece=True)
    except OperationalError:
        raise
    except (CannotTurnBack, DBAPIError) as failure:
        _log.info("taken part by part", extra={"code": type(failure.__cause__ or failure).__name__})
    return _together(units, letters, in_one_piece=False)


def _together(units: Units, letters: Sequence[Letter], *, in_one_piece: bool) -> list[Told]:
    with units.open(Actor("peer", "hl7")) as whole, _held(whole.session) as held:
        whole.session.in_one_piece = in_one_piece
        agreed: dict[tuple[str, str], Peer] = {}
        came = [_let_in(whole, each, agreed) for each in letters]
        new = _kept(whole, [each for each in came if isinstance(each, _Guest)])
        went, ends = [], list[Callable[[], None]]()
        for each in came:
            went.append(_receive(each, new.get(id(each.letter)), ends) if isinstance(each, _Guest) else each)
            held.clear()
            whole.forget()
        _end(ends)
        return went


def _end(ends: list[Callable[[], None]]) -> None:
    """What became of each message is on file: together, unless a repeat among them must find it before."""
    for end in ends:
        end()
    ends.clear()


@contextmanager
def _held(session: Session) -> Iterator[list[object]]:
    """Rows read stay at hand, and are not read again, until the list is cleared: the session alone forgets them."""
    held: list[object] = []
    for when in ("loaded_as_persistent", "pending_to_persistent"):
        event.listen(session, when, lambda _session, row: held.append(row))
    yield held


@dataclass(frozen=True)
class _Guest:
    """A message that may come in: its part of the unit, in which its sender acts, and what is agreed with them."""

    uow: Uow
    letter: Letter
    peer: Peer

    @property
    def name(self) -> tuple[str, str]:
        """What tells its inbox row from every other."""
        return f"hl7:{self.letter.sender}", self.letter.key


def _let_in(whole: Uow, came: Letter, agreed: dict[tuple[str, str], Peer]) -> _Guest | Told:
    actor = Actor("peer", came.sender)
    uow = Uow(whole.session, whole.clock, whole.keys, whole.zone, whole.story, actor, came.request_id)
    if came.head.is_answer:
        _note_unasked(uow, came)
        return None
    peer = agreed.get(came.head.sender) or gate.peer_of(uow, came.head)
    agreed[came.head.sender] = peer
    came = replace(came, read=gate.read_as_agreed(came.raw, came.read, peer))
    away = gate.turned_away(uow, peer, came.raw, came.door)
    if away is None:
        return _Guest(uow, came, peer)
    answers = _answers_to_turned_away(uow, came, peer.ack_mode.value, away)
    return HangUp(*answers) if away.hangs_up else b"".join(answers) or None


def _note_unasked(uow: Uow, came: Letter) -> None:
    """An answer that came by the door for messages is never answered, and is on record with what it says to which."""
    said_so, about = (printable(came.head.message.get(f"MSA-{field}").strip(), 40) for field in (1, 2))
    _log.warning("an answer that nobody waits for", extra={"peer": came.sender, "code": said_so, "item": about})
    audit.record(uow, "hl7.answer_unasked", "hl7_message", about, outcome=said_so, kind=came.kind)


def _kept(whole: Uow, guests: Sequence[_Guest]) -> dict[int, InboxItem]:
    """The rows of those whose key is new, by the identity of their letter: all filed in one round trip."""
    first = {guest.name: guest.letter for guest in reversed(guests)}
    items = [InboxItem(source=source, key=key, kind=came.kind, body=came.raw) for (source, key), came in first.items()]
    made = inbox.receive_new(whole, items) if items else []
    return {id(came): item for came, item in zip(first.values(), made, strict=True) if item is not None}


def _receive(guest: _Guest, made: InboxItem | None, ends: list[Callable[[], None]]) -> Told:
    uow, came = guest.uow, guest.letter
    if made is None:
        _end(ends)
    item = _keep(uow, came, made)
    if _is_settled(item, came.read):
        return (_answer_anew(guest, item) if item.emptied_at else item.answer) or None
    if item.emptied_at:
        _fill_again(guest, item)
    case = Case(came.read, guest.peer, came.sender, is_reused=item.kind.endswith(REUSED))
    return _take(uow, item, (case, came), ends) or None


def _answer_anew(guest: _Guest, item: InboxItem) -> bytes:
    """What a settled message was answered, without what the answer told beside that: it is no longer kept."""
    now, came = guest.uow.now().astimezone(guest.uow.zone), guest.letter
    verdict = Verdict(item.answer_code)
    return b"".join(replies(came.read, guest.peer.ack_mode.value, verdict, control_id=answer_number(), now=now))


def _fill_again(guest: _Guest, item: InboxItem) -> None:
    """A message that was refused, closed by a person and emptied is taken anew, and found by its numbers again."""
    item.refill(guest.letter.raw)
    numbers = [each for each in numbers_in(guest.letter.head.message) if each[0] is not KeyKind.CONTROL]
    message_keys.keep(guest.uow, Direction.IN, item.id, numbers)


def _is_settled(item: InboxItem, read: Header | HeaderProblem) -> bool:
    """True for a repeat whose stored answer stands: it had its effect, or can never have one."""
    if item.state in _SETTLED and not item.error_code:
        return True
    return item.answer is not None and isinstance(read, HeaderProblem)


def _keep(uow: Uow, came: Letter, made: InboxItem | None) -> InboxItem:
    """The message's own inbox row, locked; `made` is the one that was filed for it as new.

    The row's key is the control id; of other bytes under a control id that was used before, with their hash.
    """
    source, raw = f"hl7:{came.sender}", came.raw
    item, is_new = (made, True) if made else _row(uow, (source, came.key), raw, came.kind)
    if not item.says(raw):
        item.repeats -= 1
        item, is_new = _row(uow, (source, f"{came.key}#{digest_of(raw)}"), raw, came.kind + REUSED)
    if is_new:
        message_keys.keep(uow, Direction.IN, item.id, numbers_in(came.head.message))
    if is_new and item.kind.endswith(REUSED):
        audit.record(uow, "hl7.control_id_reused", "hl7_message", item.id)
    return item


def _row(uow: Uow, name: tuple[str, str], raw: bytes, kind: str) -> tuple[InboxItem, bool]:
    item, is_new = inbox.receive(uow, *name, raw, kind=kind)
    if not is_new:
        uow.session.flush()
        uow.session.refresh(item, with_for_update=True)
    return item, is_new


def _take(uow: Uow, item: InboxItem, brought: tuple[Case, Letter], ends: list[Callable[[], None]]) -> bytes:
    case, came = brought
    outcome = judge(uow, case, came.door)
    noted = {"noted": outcome.noted} if outcome.noted else {}
    audit.record(uow, "hl7.receive", "hl7_message", item.id, outcome=outcome.code or "ok", kind=item.kind, **noted)
    if outcome.state is InboxState.DONE and came.head.message_type == "ADT":
        parking.release(uow, came.head.message)
    is_parked = outcome.state is InboxState.RECEIVED
    verdict = Verdict(outcome.answer, () if is_parked else outcome.faults, reply=outcome.reply)
    now = uow.now().astimezone(uow.zone)
    answers = replies(case.read, case.peer.ack_mode.value, verdict, control_id=answer_number(), now=now)
    answer = b"".join(answers)
    told = {"answer": answer, "answer_code": verdict.code, "took_ms": came.took_ms()}
    if is_parked:
        parking.park(uow, item, outcome, came.head.message, **told)
    else:
        ends.append(partial(parking.finish, uow, item, outcome, **told))
    return answer


def _answers_to_turned_away(uow: Uow, came: Letter, mode: Mode, away: TurnedAway) -> tuple[bytes, ...]:
    if away.verdict is None:
        return ()
    now = uow.now().astimezone(uow.zone)
    return replies(came.read, mode, away.verdict, control_id=answer_number(), now=now)
