"""The patient's choices beside paying: asking the insurer anew, paying it all, leaving out what is not covered."""

from __future__ import annotations

from sqlalchemy import select

from app.events import LineDeclined
from app.insurance import cases, consents, errors, remainder, service, subjects, taking_back
from app.insurance.models import SelfPayDecision, Settlement, Split
from app.insurance.states import SettlementState
from app.insurance.subjects import Subject
from app.kernel import audit
from app.kernel.errors import NotFound
from app.kernel.moves import IllegalMove
from app.kernel.uow import Uow
from app.prescription import service as prescriptions
from app.prescription.models import Prescription

UNDER_WAY = (SettlementState.DUE, SettlementState.SETTLING, SettlementState.UNKNOWN, SettlementState.SETTLED)
NOT_CERTAIN = (SettlementState.STUCK, SettlementState.DOUBTFUL)
NOT_UNDONE = (SettlementState.UNKNOWN, SettlementState.UNDOING)


def is_payable(subject: Subject) -> bool:
    """Whether it is to be paid, and may be settled in one way or another."""
    return subject.state in subjects.kind_of(subject).payable


def ask_again(uow: Uow, subject: Subject) -> None:
    """The insurer is asked anew what it would pay; the bill by other figures falls.

    Of a paid bill of which some went back it is asked what it would pay of the rest. Refuses `settlement_under_way`,
    and `illegal_move` for a subject that is not to be paid, or whose fee is no affair of the insurer's.
    """
    case = cases.newest_of(uow, subject)
    if case is not None and case.root_split_id is not None:
        remainder.settle_again(uow, cases.locked(uow, case.id))
        return
    _make_room(uow, subject, "asked_again")
    service.make_split(uow, subject)


def pay_self(uow: Uow, subject: Subject) -> None:
    """All of it is to be paid by the patient, who chose so; refuses as `ask_again`."""
    _make_room(uow, subject, "self_pay")
    service.split_as_self_pay(uow, subject)


def _make_room(uow: Uow, subject: Subject, why: str) -> None:
    uow.session.refresh(subject, with_for_update=True)
    kind, case = subjects.kind_of(subject), cases.newest_of(uow, subject)
    if not is_payable(subject) or (case is None and not kind.is_always_split):
        raise IllegalMove(machine=kind.name, state=subject.state.value, action="bill")
    if case is not None and case.state in UNDER_WAY:
        raise errors.SettlementUnderWay
    service.drop(uow, subject, why=why)
    audit.record(uow, f"settlement.{why}", kind.name, subject.public_id)


def case_for_staff(uow: Uow, public_id: str) -> tuple[Settlement, Subject]:
    """The settlement on the staff's list and what it is for; NotFound."""
    case = uow.session.scalars(select(Settlement).where(Settlement.public_id == public_id)).first()
    if case is None:
        raise NotFound
    return case, subjects.subject_of(uow, case)


def close_case(uow: Uow, public_id: str) -> None:
    """A held or refused settlement was looked at: it is off the staff's list; NotFound, quiet for any other.

    One for which a refund waits stays there until it is settled or all is given back.
    """
    case, _ = case_for_staff(uow, public_id)
    if case.state in remainder.ENDED and case.root_split_id is None:
        cases.let_go(uow, case)
        audit.record(uow, "settlement.close", "settlement", public_id)


def take_back_again(uow: Uow, public_id: str) -> None:
    """The insurer is asked once more to take a settlement back, which stands there as a person made sure.

    For one that it refused to take back, or says nothing certain about; NotFound, quiet for any other.
    """
    case = _going_back(uow, public_id)
    if case.state in NOT_CERTAIN:
        taking_back.reverse_again(uow, case)
        audit.record(uow, "settlement.take_back_again", "settlement", public_id)


def take_back_by_word(uow: Uow, public_id: str) -> None:
    """The insurer's office said that the settlement does not stand: what waits for that goes on; quiet for any other.

    For one that is to be taken back, and for a 2207 that is to be undone; the insurer says nothing certain of either.
    """
    case = _going_back(uow, public_id)
    if case.state in NOT_CERTAIN + NOT_UNDONE:
        audit.record(uow, "settlement.take_back_by_word", "settlement", public_id)
    if case.state in NOT_CERTAIN:
        taking_back.taken_back(uow, case)
    elif case.state in NOT_UNDONE:
        cases.undone(uow, case)


def _going_back(uow: Uow, public_id: str) -> Settlement:
    return cases.locked(uow, case_for_staff(uow, public_id)[0].id)


def decline(uow: Uow, split: Split, line_no: int) -> Prescription | None:
    """The uncovered line is left out: the doctor is told, and the rest goes back to the pharmacist's review.

    The prescription that stands in the old one's place; None when nothing is left. Refuses `line_not_optional`,
    `settlement_under_way`, `illegal_move`.
    """
    line = next((line for line in consents.uncovered(uow, split) if line.line_no == line_no), None)
    prescription = subjects.subject_of(uow, split, is_locked=True)
    if line is None or service.live_split_of(uow, prescription) != split:
        raise errors.LineNotOptional
    assert isinstance(prescription, Prescription)  # only of a prescription is a line left out
    case = cases.newest_of(uow, prescription)
    if case is not None and case.state in UNDER_WAY:
        raise errors.SettlementUnderWay
    consents.keep(uow, split, line, SelfPayDecision.DECLINED)
    rest = prescriptions.leave_out(uow, prescription, line_no)
    uow.publish(LineDeclined(prescription.id, line_no, prescription.patient_id, rest.id if rest else None))
    return rest
