"""What follows what in the visit, in the order of the visit; read this to know the flow.

Followers run inside the unit that published the event and fall with it. Where nothing follows, the line says why.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from app import events
from app.analytics import followers as analytics
from app.insurance import followers as insurance
from app.invoice import followers as invoice
from app.kernel import outbox
from app.kernel.ids import new_public_id
from app.kernel.uow import Story, Uow
from app.ledger import followers as ledger
from app.notifications import followers as notifications
from app.payment import followers as payment
from app.payment.models import Bill
from app.pharmacy import followers as pharmacy
from app.prescription import followers as prescription
from app.queueing import followers as queueing
from app.registration import deciding, settling, waitlist
from app.registration import followers as registration_merging
from app.registration import service as registration
from app.reports import followers as reports
from app.revisit import followers as revisit

URGENT = (
    events.PatientFiled,
    events.RegistrationBooked,
    events.RegistrationRescheduled,
    events.RegistrationCancelled,
)
"""What the hospital system is told before all else: a patient on the phone waits for what it says."""


def ask_hospital(uow: Uow, filed: events.PatientFiled) -> None:
    """Where it was agreed, the hospital system is asked for the patient's number before it is told of the patient."""
    if uow.actor.kind == "peer":
        return
    facts = {"event": "PatientSought", "patient_id": filed.patient_id}
    lane = _lane(filed.patient_id)
    outbox.post(uow, "hospital", f"PatientSought:{filed.patient_id}", facts, lane=lane, is_urgent=True)


def tell_hospital(uow: Uow, event: object) -> None:
    """The hospital system is told of `event` after the unit stands; in order for each patient, each event once."""
    facts = _facts(event)
    patient_id = facts.get("patient_id") or uow.session.get_one(Bill, facts["bill_id"]).patient_id
    _post(uow, event, str(next(iter(facts.values()))), patient_id)


def tell_hospital_each_time(
    uow: Uow, again: events.RegistrationRescheduled | events.PatientCheckedIn | events.CheckInTakenBack
) -> None:
    """The hospital system is told of what can happen to one visit more than once, each time."""
    _post(uow, again, f"{again.registration_id}:{again.nth}", again.patient_id)


def tell_hospital_of_change(uow: Uow, changed: events.PatientChanged | events.PatientInsured) -> None:
    """The hospital system is told of each change to a patient, but of none that it told us."""
    if uow.actor.kind != "peer":
        _post(uow, changed, f"{changed.patient_id}:{new_public_id()}", changed.patient_id)


def tell_hospital_of_new_doctor(uow: Uow, substituted: events.DoctorSubstituted) -> None:
    """The hospital system is told of every doctor who stands in, also of one who did before."""
    _post(uow, substituted, f"{substituted.registration_id}:{new_public_id()}", substituted.patient_id)


def tell_hospital_afterwards(uow: Uow, paid: events.BillPaid) -> None:
    """What the payment brought about comes first: a place that a patient waits for must not wait for its bill."""
    uow.publish(events.PaymentFollowed(paid.bill_id, paid.patient_id))


def tell_hospital_of_payment(uow: Uow, paid: events.PaymentFollowed) -> None:
    """The hospital system is told of the paid bill."""
    facts = {"event": events.BillPaid.__name__, "bill_id": paid.bill_id, "patient_id": paid.patient_id}
    outbox.post(uow, "hospital", f"{facts['event']}:{paid.bill_id}", facts, lane=_lane(paid.patient_id))


def _facts(event: object) -> dict[str, Any]:
    return {field.name: getattr(event, field.name) for field in fields(event)}  # type: ignore[arg-type]


def _post(uow: Uow, event: object, key: str, patient_id: int) -> None:
    name = type(event).__name__
    facts, is_urgent = {"event": name, **_facts(event)}, isinstance(event, URGENT)
    outbox.post(uow, "hospital", f"{name}:{key}", facts, lane=_lane(patient_id), is_urgent=is_urgent)


def keep_order_when_merged(uow: Uow, merged: events.PatientsMerged) -> None:
    """What the hospital system is still to be told of both records goes out as one patient's, in order."""
    outbox.join_lanes(uow, "hospital", _lane(merged.merged_patient_id), _lane(merged.patient_id))


def _lane(patient_id: int) -> str:
    return f"patient-{patient_id}"


STORY: Story = {
    events.PatientFiled: (ask_hospital, tell_hospital),
    events.PatientChanged: (tell_hospital_of_change,),
    events.PatientsMerged: (
        registration_merging.follow_when_merged,
        queueing.follow_when_merged,
        prescription.follow_when_merged,
        insurance.follow_when_merged,
        payment.follow_when_merged,
        pharmacy.follow_when_merged,
        invoice.follow_when_merged,
        reports.follow_when_merged,
        revisit.follow_when_merged,
        notifications.follow_when_merged,
        keep_order_when_merged,
    ),
    events.PatientBound: (revisit.remind_when_bound,),
    events.ChannelScanned: (),  # the scan's own row is all that is counted
    events.RegistrationHeld: (insurance.split_when_held, payment.open_bill_when_held),
    events.RegistrationBooked: (
        waitlist.serve_when_booked,
        revisit.stop_when_booked,
        deciding.ask_when_booked,
        analytics.count_when_booked,
        tell_hospital,
    ),
    events.PlaceConfirmed: (notifications.tell_when_confirmed,),
    events.RegistrationMoved: (notifications.tell_when_moved,),
    events.DoctorSubstituted: (notifications.tell_when_substituted, tell_hospital_of_new_doctor),
    events.RegistrationRescheduled: (deciding.ask_when_rescheduled, tell_hospital_each_time),
    events.WaitlistOffered: (notifications.tell_when_offered,),
    events.WaitlistLapsed: (notifications.tell_when_lapsed,),
    events.RegistrationExpired: (
        insurance.let_go_when_expired,
        payment.void_bill_when_expired,
        revisit.reopen_when_given_back,
        notifications.tell_when_expired,
    ),
    events.RegistrationCancelled: (
        insurance.let_go_when_cancelled,
        payment.void_bill_when_cancelled,
        payment.refund_when_cancelled,
        revisit.reopen_when_given_back,
        notifications.tell_when_cancelled,
        tell_hospital,
    ),
    events.FeePaidTooLate: (payment.refund_when_too_late,),
    events.RegistrationMissed: (revisit.reopen_when_given_back,),
    events.PatientCheckedIn: (
        queueing.note_told_when_checked_in,
        notifications.tell_when_checked_in,
        analytics.count_when_checked_in,
        tell_hospital_each_time,
    ),
    events.CheckInTakenBack: (tell_hospital_each_time,),
    events.PatientCalled: (queueing.note_wait_when_called, notifications.tell_when_called),
    events.ReturnDue: (notifications.tell_when_return_due,),
    events.ConsultationEnded: (revisit.finish_when_seen,),
    events.PrescriptionIssued: (analytics.count_when_prescribed,),
    events.PrescriptionReturned: (),  # the doctor finds it on the desk's list; nothing was built on it yet
    events.PrescriptionApproved: (insurance.split_when_approved,),
    events.PrescriptionVoided: (
        insurance.void_when_voided,
        payment.void_bill_when_voided,
        payment.refund_when_voided,
        pharmacy.cancel_bag_when_voided,
    ),
    events.LineDeclined: (tell_hospital,),
    events.PatientInsured: (tell_hospital_of_change,),
    events.SplitMade: (prescription.mark_billed_when_split, payment.open_bill_when_split),
    events.SplitDropped: (payment.void_bill_when_dropped,),
    events.SplitSettled: (ledger.insure_when_settled,),
    events.SplitReversed: (ledger.uninsure_when_reversed,),
    events.SettlementMade: (
        settling.note_when_settled,
        payment.complete_bill_when_settled,
        payment.refund_when_resettled,
    ),
    events.SettlementFailed: (payment.return_cash_when_not_settled, payment.try_again_when_not_resettled),
    events.SettlementReversed: (payment.tell_provider_when_reversed, payment.refund_when_reversed),
    events.BillOpened: (pharmacy.file_bag_when_billed, notifications.tell_when_billed),
    events.MoneyReceived: (ledger.receive_when_received,),
    events.CashPaid: (settling.keep_when_cash_paid, insurance.settle_when_cash_paid),
    events.BillPaid: (
        registration.confirm_when_paid,
        prescription.mark_paid_when_paid,
        pharmacy.prepare_bag_when_paid,
        invoice.issue_when_paid,
        ledger.earn_when_paid,
        notifications.tell_when_paid,
        tell_hospital_afterwards,
    ),
    events.PaymentFollowed: (tell_hospital_of_payment,),
    events.RefundRequested: (pharmacy.cancel_bag_when_refund_requested, ledger.give_back_when_requested),
    events.RefundSucceeded: (
        invoice.red_letter_when_refunded,
        ledger.arrive_back_when_succeeded,
        notifications.tell_when_refunded,
        tell_hospital,
    ),
    events.BagQueued: (),  # the pharmacy sees it in its own queue; the patient is told when it is ready
    events.BagReady: (notifications.tell_when_ready,),
    events.BagCollected: (
        prescription.mark_dispensed_when_collected,
        notifications.tell_when_collected,
        analytics.count_when_collected,
        tell_hospital,
    ),
    events.InvoiceIssued: (),  # the payment's message already leads to the bill, which shows its invoice
    events.ReportArrived: (notifications.tell_when_reported,),
    events.FollowUpPlanned: (),  # its reminders are rows with their own time
    events.ReminderDue: (notifications.tell_when_reminded,),
    events.RevisitBooked: (analytics.count_when_revisit_booked,),
}
