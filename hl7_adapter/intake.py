"""Takes one message: kept as it came, its effect and its answer stand or fall together, and a repeat does nothing."""

from __future__ import annotations

import hashlib
import logging
import time

from sqlalchemy import select

from app.kernel import audit, inbox, message_keys
from app.kernel.ids import new_digits
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.message_keys import Direction
from app.kernel.uow import Actor, Units, Uow
from hl7_adapter import gate, parking
from hl7_adapter.ack import Header, HeaderProblem, Mode, Verdict, read_header, replies
from hl7_adapter.gate import Door, TurnedAway
from hl7_adapter.judging import Case, judge
from hl7_adapter.mllp import HangUp
from hl7_adapter.search_keys import numbers_in

_log = logging.getLogger("hl7_adapter.intake")
_PEER_AT_MOST = 44  # with "hl7:" before it the inbox's `source` has 48 characters
REUSED = " id reused"
_SETTLED = (InboxState.DONE, InboxState.FILED)
_ANYWHERE = Door()


def receive(units: Units, raw: bytes, door: Door = _ANYWHERE) -> bytes | None:
    """The answer to `raw`, after everything it did is committed; None for a message that must not be answered.

    In enhanced mode it is two answers, one after the other (`ack.each_of`). Inbox row, effect and answer are one
    transaction. The same bytes again get the stored answer and have no second effect; the same control id with other
    bytes is another message, taken and flagged (or refused, as agreed). A message refused with AE had no effect, so it
    is taken anew when it is sent again.

    Raises HangUp, perhaps with an answer, when the sender may not send here or is paused: then nothing was kept. Raises
    whatever the database raises when it is away: then nothing was kept, nothing may be answered, and the sender still
    has its message.
    """
    began = time.perf_counter()
    read = read_header(raw)
    head = _head(read)
    if head.is_answer:
        _log.warning("an answer that nobody waits for", extra={"peer": peer_name(head)})
        return None
    with units.open(Actor("peer", peer_name(head)), request_id=_printable(head.control_id, 40)) as uow:
        peer = gate.peer_of(uow, head)
        read = gate.read_as_agreed(raw, read, peer)
        away = gate.turned_away(uow, peer, raw, door)
        if away is None:
            item = _keep(uow, _head(read), raw)
            if not _is_settled(item, read):
                case = Case(read, peer, peer_name(head), is_reused=item.kind.endswith(REUSED))
                item.answer = _take(uow, item, case, door)
                item.took_ms = round((time.perf_counter() - began) * 1000)
            return item.answer or None
        answers = _answers_to_turned_away(uow, read, peer.ack_mode.value, away)
    if away.hangs_up:
        raise HangUp(*answers)
    return b"".join(answers) or None


def _head(read: Header | HeaderProblem) -> Header:
    return read.header if isinstance(read, HeaderProblem) else read


def _is_settled(item: InboxItem, read: Header | HeaderProblem) -> bool:
    """True for a repeat whose stored answer stands: it had its effect, or can never have one."""
    if item.state in _SETTLED and not item.error_code:
        return True
    return item.answer is not None and isinstance(read, HeaderProblem)


def peer_name(head: Header) -> str:
    """The sender as `application|facility` of MSH-3 and MSH-4, shortened to what fits, still one for each sender."""
    name = _printable("|".join(head.sender), 1000)
    if len(name) <= _PEER_AT_MOST:
        return name
    return f"{name[: _PEER_AT_MOST - 9]}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _keep(uow: Uow, head: Header, raw: bytes) -> InboxItem:
    """The message's own inbox row, locked.

    The row's key is the control id; of other bytes under a control id that was used before, with their hash. Line
    ends after the last segment say nothing: senders add and drop them between one try and the next.
    """
    source = f"hl7:{peer_name(head)}"
    digest = hashlib.sha256(_said(raw)).hexdigest()
    key = _printable(head.control_id, 200) or digest
    kind = _printable(f"{head.message_type}^{head.event}", 30)
    known = uow.session.scalar(select(InboxItem.body).where(InboxItem.source == source, InboxItem.key == key))
    if known is not None and _said(known) != _said(raw):
        key, kind = f"{key}#{digest}", kind + REUSED
    item, is_new = inbox.receive(uow, source, key, raw, kind=kind)
    if not is_new:
        uow.session.flush()
        uow.session.refresh(item, with_for_update=True)
    if _said(item.body) != _said(raw):  # other bytes came under the same id at this very moment, and were first
        item.repeats -= 1
        item, is_new = inbox.receive(uow, source, f"{key}#{digest}", raw, kind=kind + REUSED)
    if is_new:
        message_keys.keep(uow, Direction.IN, item.id, numbers_in(head.message))
    if is_new and item.kind.endswith(REUSED):
        audit.record(uow, "hl7.control_id_reused", "hl7_message", item.id)
    return item


def _take(uow: Uow, item: InboxItem, case: Case, door: Door) -> bytes:
    outcome = judge(uow, case, door)
    if outcome.state is InboxState.RECEIVED:
        parking.park(uow, item, outcome, _head(case.read).message)
        verdict = Verdict(outcome.answer)
    else:
        place = outcome.faults[0].location if outcome.faults else ""
        inbox.finish(uow, item, outcome.state, error_code=outcome.code, error_place=place)
        item.subject_ref = outcome.subject[:64]
        verdict = Verdict(outcome.answer, outcome.faults, reply=outcome.reply)
    item.answer_code = verdict.code
    audit.record(uow, "hl7.receive", "hl7_message", item.id, outcome=outcome.code or "ok", kind=item.kind)
    if outcome.state is InboxState.DONE and isinstance(case.read, Header) and case.read.message_type == "ADT":
        parking.release(uow, case.read.message)
    number = f"MA{item.id:010d}" + (f"R{item.repeats}" if item.repeats else "")
    now = uow.now().astimezone(uow.zone)
    return b"".join(replies(case.read, case.peer.ack_mode.value, verdict, control_id=number, now=now))


def _answers_to_turned_away(uow: Uow, read: Header | HeaderProblem, mode: Mode, away: TurnedAway) -> tuple[bytes, ...]:
    if away.verdict is None:
        return ()
    now = uow.now().astimezone(uow.zone)
    return replies(read, mode, away.verdict, control_id=f"MT{new_digits(10)}", now=now)


def _said(raw: bytes) -> bytes:
    return raw.rstrip(b"\r\n")


def _printable(text: str, at_most: int) -> str:
    """What a database column and a log line can hold of somebody else's text."""
    return "".join(char if char.isprintable() else "?" for char in text)[:at_most]
