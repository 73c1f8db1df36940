"""What becomes of a message that was kept: its effect, or the reason why it has none."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.exc import IntegrityError, OperationalError

from app.identity.errors import IdentityConflict
from app.kernel.code_tables import Codes
from app.kernel.errors import VisitError
from app.kernel.inbox import InboxState
from app.kernel.peers import Peer, ReusedId, UnknownEvent, UnknownPatient
from app.kernel.unit_session import CannotTurnBack
from app.kernel.uow import Actor, Uow
from hl7_adapter import gate
from hl7_adapter.ack import ErrorAt, Header, HeaderProblem, Reply, answer_code
from hl7_adapter.gate import Door
from hl7_adapter.mapping.agreed import look, silenced_by
from hl7_adapter.mapping.coded import Coded
from hl7_adapter.mapping.inbound import Answered, Effect, effect_of
from hl7_adapter.mapping.patients import file_patient
from hl7_adapter.mapping.refusals import MessageRefused, from_visit

_log = logging.getLogger("hl7_adapter.judging")
_HEADER_CODES = {
    100: "header_not_readable",
    101: "field_missing",
    200: "message_type_unknown",
    201: "event_not_valid",
    202: "processing_id_not_valid",
    203: "version_unknown",
}
# Another message filed the same thing between this one's look and its deed: at the second look it is there.
_CROSSED = (IntegrityError, IdentityConflict)
NOBODY_ON_FILE = "patient_unknown"


@dataclass(frozen=True)
class Outcome:
    """What became of a message; `subject` refers to what it touched, `code` and `faults` say why it was refused.

    One that waits for its patient is RECEIVED and answered AA: it is kept, and its sender has nothing more to do.
    `reply` is what an answer tells beside that, to a query or of a master file; `noted` are places that are not as the
    profile has them, first those for which a filed message has no effect.
    """

    state: InboxState
    subject: str = ""
    code: str = ""
    faults: Sequence[ErrorAt] = ()
    answer: str = "AA"
    reply: Reply | None = None
    noted: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where the first fault is, '' without one."""
        return self.faults[0].location if self.faults else ""


@dataclass(frozen=True)
class Case:
    """A message to be judged: as its head was read, whose it is, and whether its control id was used before."""

    read: Header | HeaderProblem
    peer: Peer
    sender: str
    is_reused: bool = False


def judge(uow: Uow, case: Case, door: Door) -> Outcome:
    """The outcome of the message, whose effect has happened in this unit, whole, or not at all.

    Raises OperationalError when the database is away, CannotTurnBack when this unit is in one piece and must fall.
    """
    outcome = without_effect(case, door)
    if outcome is not None:
        return outcome
    assert isinstance(case.read, Header)
    effect = effect_of(case.read, case.peer)
    assert effect is not None
    seen = look(uow, case.read, case.peer)
    if seen.faults:
        return _not_taken(seen.code, seen.faults, "AE")
    outcome = _with_effect(uow, case, case.read, effect)
    silenced = silenced_by(uow, case.read, case.peer) if outcome.state is InboxState.FILED else ()
    return replace(outcome, noted=(*silenced, *seen.noted))


def without_effect(case: Case, door: Door) -> Outcome | None:
    """The outcome of a message that changes nothing, so that nothing need be looked up; None for any other."""
    if isinstance(case.read, HeaderProblem):
        return _not_taken(_HEADER_CODES[case.read.errors[0].code], case.read.errors)
    refused = _before_its_effect(case, case.read, door)
    if refused is not None:
        return refused
    return None if effect_of(case.read, case.peer) else _without_meaning(case.peer)


def _not_taken(code: str, faults: Sequence[ErrorAt], answer: str = "") -> Outcome:
    return Outcome(InboxState.REFUSED, code=code, faults=faults, answer=answer or answer_code(faults))


def _before_its_effect(case: Case, head: Header, door: Door) -> Outcome | None:
    unknown = gate.stranger(case.peer, door)
    if unknown is not None:
        return _not_taken("sender_unknown", (unknown,))
    if "BHS" in head.message or "FHS" in head.message:
        words = "the batch does not hold as many messages as it says, or has no end; nothing of it was taken"
        return _not_taken("batch_count_differs", (ErrorAt(100, "BTS-1", f"batch_count_differs: {words}"),))
    if len(head.message.segments("MSH")) > 1:
        words = "two messages in one frame; send each in a frame of its own"
        return _not_taken("two_messages", (ErrorAt(100, "MSH[2]", words),))
    if case.is_reused and case.peer.reused_id is ReusedId.REFUSE:
        _log.error("a control id was used again", extra={"peer": case.sender, "code": "control_id_reused"})
        words = "control_id_reused: another message came under this control id; give this one its own"
        return _not_taken("control_id_reused", (ErrorAt(205, "MSH-10", words),), "AE")
    return None


def _without_meaning(peer: Peer) -> Outcome:
    if peer.unknown_event is UnknownEvent.FILED:
        return Outcome(InboxState.FILED)
    words = "event_not_taken: this event has no effect here, and it was agreed to say so"
    return _not_taken("event_not_taken", (ErrorAt(201, "MSH-9.2", words),))


def _with_effect(uow: Uow, case: Case, head: Header, effect: Effect) -> Outcome:
    outcome = _outcome(uow, case, head, (effect,))
    if outcome.code != NOBODY_ON_FILE or case.peer.unknown_patient is UnknownPatient.REFUSE:
        return outcome
    if case.peer.unknown_patient is UnknownPatient.CREATE:
        return _outcome(uow, case, head, (file_patient, effect))
    return Outcome(InboxState.RECEIVED, code=NOBODY_ON_FILE, faults=outcome.faults)


def _outcome(uow: Uow, case: Case, head: Header, effects: Sequence[Effect]) -> Outcome:
    try:
        try:
            subject = _attempt(uow, case, head, effects)
        except _CROSSED:
            subject = _attempt(uow, case, head, effects)
    except (OperationalError, CannotTurnBack):
        raise
    except Exception as failure:  # noqa: BLE001 - whatever a message does, its sender gets an answer
        return _refused(case, failure)
    if isinstance(subject, Answered):
        is_wanted = case.peer.answers_orders or not subject.is_as_agreed
        return Outcome(InboxState.DONE, subject.subject, reply=subject.reply if is_wanted else None)
    return Outcome(InboxState.FILED if subject is None else InboxState.DONE, subject or "")


def _attempt(uow: Uow, case: Case, head: Header, effects: Sequence[Effect]) -> str | Answered | None:
    """The effects with all that follows from them, whole or not at all; gives the last one's."""
    actor = Actor("peer", case.sender)
    part = Uow(uow.session, uow.clock, uow.keys, uow.zone, uow.story, actor, uow.request_id)
    message = Coded(head.message, Codes(part, case.peer.codes))
    subject: str | Answered | None = None
    with uow.session.part():
        for effect in effects:
            subject = effect(part, message, case.sender)
        part.settle()
    return subject


def _refused(case: Case, failure: Exception) -> Outcome:
    told = from_visit(failure) if isinstance(failure, VisitError) else failure
    if isinstance(told, MessageRefused):
        return _not_taken(told.code, (told.fault,))
    _log.error("a message failed inside", exc_info=failure, extra={"code": type(failure).__name__, "peer": case.sender})
    words = "internal_error: nothing was done; it can be sent again"
    return _not_taken("internal_error", (ErrorAt(207, "", words),))
