"""What follows for bills from the other steps of the visit."""

from __future__ import annotations

from app import events
from app.identity.merging import repoint
from app.insurance import service as insurance
from app.insurance import subjects
from app.kernel import hot
from app.kernel.uow import Uow
from app.payment import insured_refunds, mixed_querying, refunds, service
from app.payment.models import Bill, BillLine, Purpose
from app.payment.rules import PAYERS
from app.payment.states import BillState
from app.prescription import service as prescription
from app.registration.models import Registration

FEE_CATEGORY, FEE_UNIT = "registration", "次"


def open_bill_when_held(uow: Uow, held: events.RegistrationHeld) -> None:
    """The registration fee 挂号费 is to be paid while the place is held; a visit without a fee has no bill.

    Nor has one whose fee the insurer is asked about: its bill is opened by what it says.
    """
    if held.fee_fen == 0:
        return
    registration = uow.session.get_one(Registration, held.registration_id)
    if subjects.goes_through_insurer(uow, registration) and insurance.live_split_of(uow, registration) is not None:
        return
    draft = _draft_of_fee(registration)
    fee = hot.made(
        BillLine,
        line_no=1,
        invoice_category=FEE_CATEGORY,
        name=subjects.FEE_NAME,
        quantity=1,
        unit=FEE_UNIT,
        unit_price_fen=held.fee_fen,
        amount_fen=held.fee_fen,
        cash_fen=held.fee_fen,
        fund_fen=0,
        other_fen=0,
        account_fen=0,
    )
    service.open_first_bill(uow, draft, [fee])


def _draft_of_fee(registration: Registration, split_id: int | None = None) -> service.Draft:
    return service.Draft(
        Purpose.REGISTRATION,
        registration.id,
        registration.patient_id,
        account_id=registration.account_id,
        split_id=split_id,
        expires_at=registration.held_until,
    )


def open_bill_when_split(uow: Uow, made: events.SplitMade) -> None:
    """The prescription or the fee is to be paid as it was split; an earlier open bill for it is void."""
    draft, lines = _DRAFTS[made.purpose](uow, made)
    parts = {line.line_no: line for line in insurance.lines_of(uow, made.split_id)}
    for line in lines:
        for payer in PAYERS:
            setattr(line, payer, getattr(parts[line.line_no], payer))
    service.open_bill(uow, draft, lines)


def _of_prescription(uow: Uow, made: events.SplitMade) -> tuple[service.Draft, list[BillLine]]:
    draft = service.Draft(Purpose.PRESCRIPTION, made.subject_id, made.patient_id, split_id=made.split_id)
    return draft, [
        BillLine(
            line_no=drug.line_no,
            invoice_category=drug.category.value,
            name=drug.drug_name,
            spec=drug.spec,
            quantity=drug.quantity,
            unit=drug.unit,
            unit_price_fen=drug.unit_price_fen,
            amount_fen=drug.amount_fen,
        )
        for drug in prescription.lines_of(uow, made.subject_id)
    ]


def _of_registration(uow: Uow, made: events.SplitMade) -> tuple[service.Draft, list[BillLine]]:
    registration = uow.session.get_one(Registration, made.subject_id)
    return _draft_of_fee(registration, made.split_id), [
        BillLine(
            line_no=item.line_no,
            invoice_category=FEE_CATEGORY,
            name=item.name,
            quantity=item.quantity,
            unit=FEE_UNIT,
            unit_price_fen=item.unit_price_fen,
            amount_fen=item.amount_fen,
        )
        for item in subjects.items_of(uow, registration)
    ]


_DRAFTS = {Purpose.PRESCRIPTION.value: _of_prescription, Purpose.REGISTRATION.value: _of_registration}


def void_bill_when_expired(uow: Uow, expired: events.RegistrationExpired) -> None:
    """The hold ran out, so its bill is void; what came in while the insurer is at work on the rest goes back."""
    _void_open(uow, Purpose.REGISTRATION, expired.registration_id, "hold_expired")
    bill = service.newest_bill_of(uow, Purpose.REGISTRATION, expired.registration_id)
    if bill is not None:
        refunds.return_cash(uow, bill, reason="too_late")


def void_bill_when_cancelled(uow: Uow, cancelled: events.RegistrationCancelled) -> None:
    """The place was given back unpaid, so its bill is void."""
    _void_open(uow, Purpose.REGISTRATION, cancelled.registration_id, "cancelled")


def void_bill_when_voided(uow: Uow, voided: events.PrescriptionVoided) -> None:
    """The prescription holds no longer, so its unpaid bill is void."""
    _void_open(uow, Purpose.PRESCRIPTION, voided.prescription_id, "prescription_voided")


def void_bill_when_dropped(uow: Uow, dropped: events.SplitDropped) -> None:
    """A bill of figures that hold no longer is not to be paid."""
    bill = service.bill_of_split(uow, dropped.split_id)
    if bill is not None and service.locked(uow, bill.id).state == BillState.OPEN:
        service.void_bill(uow, bill, why="replaced")


def complete_bill_when_settled(uow: Uow, made: events.SettlementMade) -> None:
    """The patient's part and now the insurer's are in: the bill is paid; quiet where both came in one go."""
    bill = service.bill_of_split(uow, made.split_id)
    if bill is not None and service.locked(uow, bill.id).state == BillState.SETTLING:
        service.complete_bill(uow, bill)


def refund_when_resettled(uow: Uow, made: events.SettlementMade) -> None:
    """What is left of a bill is settled anew, so it is known what goes back of the rest."""
    insured_refunds.follow_settled(uow, made.split_id)


def return_cash_when_not_settled(uow: Uow, failed: events.SettlementFailed) -> None:
    """The insurer's part could not be had, so the patient's goes back."""
    bill = service.bill_of_split(uow, failed.split_id)
    if bill is not None:
        refunds.return_cash(uow, bill, reason="not_settled")


def try_again_when_not_resettled(uow: Uow, failed: events.SettlementFailed) -> None:
    """What is left of a bill could not be settled anew: it is tried again, or given back too."""
    insured_refunds.follow_not_settled(uow, failed.settlement_id, failed.split_id)


def refund_when_too_late(uow: Uow, late: events.FeePaidTooLate) -> None:
    """The fee of a place that could not be had any more goes back."""
    refunds.give_back(uow, uow.session.get_one(Bill, late.bill_id), reason="too_late")


def refund_when_cancelled(uow: Uow, cancelled: events.RegistrationCancelled) -> None:
    """The fee of a place that was given back goes back, also what came in while the insurer is at work on the rest."""
    bill = service.newest_bill_of(uow, Purpose.REGISTRATION, cancelled.registration_id)
    if bill is None:
        return
    refunds.return_cash(uow, bill, reason="cancelled")
    if cancelled.was_paid:
        refunds.give_back(uow, bill, reason="cancelled")


def refund_when_voided(uow: Uow, voided: events.PrescriptionVoided) -> None:
    """What was paid for a prescription that holds no longer goes back, insurance's part to insurance."""
    bill = service.newest_bill_of(uow, Purpose.PRESCRIPTION, voided.prescription_id)
    if bill is not None:
        refunds.return_cash(uow, bill, reason="voided")
        refunds.give_back(uow, bill, reason="voided")


def tell_provider_when_reversed(uow: Uow, gone: events.SettlementReversed) -> None:
    """Insurance's part of what was paid in one go is back: the provider is to be told."""
    mixed_querying.tell_when_reversed(uow, gone)


def refund_when_reversed(uow: Uow, gone: events.SettlementReversed) -> None:
    """Insurance's part is back with it, so the patient's may follow."""
    insured_refunds.follow_reversed(uow, gone.split_id)


def _void_open(uow: Uow, purpose: Purpose, subject_id: int, why: str) -> None:
    bill = service.open_bill_of(uow, purpose, subject_id)
    if bill is not None:
        service.void_bill(uow, bill, why=why)


def follow_when_merged(uow: Uow, merged: events.PatientsMerged) -> None:
    """The merged record's bills are the patient's."""
    repoint(uow, merged, Bill)
