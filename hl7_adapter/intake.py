"""Takes one message: kept as it came, its effect and its answer stand or fall together, and a repeat does nothing."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, OperationalError

from app.identity.errors import IdentityConflict
from app.kernel import audit, inbox
from app.kernel.errors import VisitError
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.uow import Actor, Units, Uow
from hl7_adapter.ack import ErrorAt, Header, HeaderProblem, answer_code, build_ack, read_header
from hl7_adapter.mapping.inbound import Effect, effect_of
from hl7_adapter.mapping.refusals import MessageRefused, from_visit

_log = logging.getLogger("hl7_adapter.intake")
_PEER_AT_MOST = 44  # with "hl7:" before it the inbox's `source` has 48 characters
_HEADER_CODES = {
    100: "header_not_readable",
    101: "field_missing",
    200: "message_type_unknown",
    201: "event_not_valid",
    202: "processing_id_not_valid",
    203: "version_unknown",
}
REUSED = " id reused"
# Another message filed the same thing between this one's look and its deed: at the second look it is there.
_CROSSED = (IntegrityError, IdentityConflict)
_SETTLED = (InboxState.DONE, InboxState.FILED)


@dataclass(frozen=True)
class _Outcome:
    """What became of a message; `subject` refers to what it touched, `code` and `faults` say why it was refused."""

    state: InboxState
    subject: str = ""
    code: str = ""
    faults: Sequence[ErrorAt] = ()


def receive(units: Units, raw: bytes) -> bytes | None:
    """The answer to `raw`, after everything it did is committed; None for a message that must not be answered.

    Inbox row, effect and answer are one transaction. The same bytes again get the stored answer and have no second
    effect; the same control id with other bytes is another message, taken and flagged. A message refused with AE had
    no effect, so it is taken anew when it is sent again. Raises when the database is away: then nothing was kept,
    nothing may be answered, and the sender still has its message.
    """
    read = read_header(raw)
    head = read.header if isinstance(read, HeaderProblem) else read
    if head.is_answer:
        _log.warning("an answer that nobody waits for", extra={"peer": peer_name(head)})
        return None
    with units.open(Actor("peer", peer_name(head)), request_id=_printable(head.control_id, 40)) as uow:
        item = _keep(uow, head, raw)
        if (item.state in _SETTLED and not item.error_code) or (
            item.answer is not None and isinstance(read, HeaderProblem)
        ):
            return item.answer
        return _take(uow, item, read)


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
    if is_new and item.kind.endswith(REUSED):
        audit.record(uow, "hl7.control_id_reused", "hl7_message", item.id)
    return item


def _take(uow: Uow, item: InboxItem, read: Header | HeaderProblem) -> bytes:
    outcome = _judge(uow, read)
    answer = answer_code(outcome.faults)
    place = outcome.faults[0].location if outcome.faults else ""
    inbox.finish(uow, item, outcome.state, error_code=outcome.code, error_place=place)
    item.subject_ref = outcome.subject[:64]
    number = f"MA{item.id:010d}" + (f"R{item.repeats}" if item.repeats else "")
    item.answer = build_ack(read, answer, outcome.faults, control_id=number, now=uow.now().astimezone(uow.zone))
    audit.record(uow, "hl7.receive", "hl7_message", item.id, outcome=outcome.code or "ok", kind=item.kind)
    return item.answer


def _judge(uow: Uow, read: Header | HeaderProblem) -> _Outcome:
    if isinstance(read, HeaderProblem):
        fault = read.errors[0]
        return _Outcome(InboxState.REFUSED, code=_HEADER_CODES[fault.code], faults=read.errors)
    if len(read.message.segments("MSH")) > 1:
        words = "two messages in one frame; send each in a frame of its own"
        return _Outcome(InboxState.REFUSED, code="two_messages", faults=(ErrorAt(100, "MSH[2]", words),))
    effect = effect_of(read)
    if effect is None:
        return _Outcome(InboxState.FILED)
    try:
        try:
            subject = _attempt(uow, effect, read)
        except _CROSSED:
            subject = _attempt(uow, effect, read)
    except OperationalError:
        raise
    except Exception as failure:  # noqa: BLE001 - whatever a message does, its sender gets an answer
        return _refused(uow, failure)
    return _Outcome(InboxState.FILED if subject is None else InboxState.DONE, subject or "")


def _attempt(uow: Uow, effect: Effect, head: Header) -> str | None:
    """The effect with all that follows from it, in a savepoint: whole, or not at all."""
    part = Uow(uow.session, uow.clock, uow.keys, uow.zone, uow.story, uow.actor, uow.request_id)
    with uow.session.begin_nested():
        subject = effect(part, head.message, uow.actor.ref)
        part.settle()
    return subject


def _refused(uow: Uow, failure: Exception) -> _Outcome:
    told = from_visit(failure) if isinstance(failure, VisitError) else failure
    if isinstance(told, MessageRefused):
        return _Outcome(InboxState.REFUSED, code=told.code, faults=(told.fault,))
    _log.error(
        "a message failed inside", exc_info=failure, extra={"code": type(failure).__name__, "peer": uow.actor.ref}
    )
    fault = ErrorAt(207, "", "internal_error: nothing was done; it can be sent again")
    return _Outcome(InboxState.REFUSED, code="internal_error", faults=(fault,))


def _said(raw: bytes) -> bytes:
    return raw.rstrip(b"\r\n")


def _printable(text: str, at_most: int) -> str:
    """What a database column and a log line can hold of somebody else's text."""
    return "".join(char if char.isprintable() else "?" for char in text)[:at_most]
