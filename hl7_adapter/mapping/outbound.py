"""What the hospital system is told: each event of the visit finds the message that tells it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app.kernel.uow import Uow
from app.payment import service as payment
from app.payment.models import Bill, Refund
from app.payment.states import BillState, RefundState
from app.pharmacy import service as pharmacy
from app.prescription import service as prescriptions
from app.prescription.models import Prescription, PrescriptionSource
from app.registration.by_hospital import booked_it
from app.registration.models import Registration
from app.registration.states import RegistrationState
from config import Hl7Settings
from hl7_adapter.er7 import build
from hl7_adapter.mapping import asking, people, timetable
from hl7_adapter.mapping.appointments import appointment, was_booked, was_cancelled_there, was_refused_there
from hl7_adapter.mapping.dispensing import dispensed
from hl7_adapter.mapping.money import Transaction, adjustment, charges
from hl7_adapter.mapping.people import Told
from hl7_adapter.mapping.writing import msh

_Writer = Callable[[Uow, Hl7Settings, Mapping[str, Any]], Told | None]


class EventUnknown(Exception):
    """No message is known for this event; nothing can be sent."""


def write(uow: Uow, settings: Hl7Settings, payload: Mapping[str, Any], control_id: str) -> bytes | None:
    """The message for an outbox payload `{"event": …, ids}` under MSH-10 `control_id`; None when there is none to send.

    Reads only. Raises EventUnknown, and KeyError for a payload without the event's ids.
    """
    writer = WRITERS.get(str(payload["event"]))
    if writer is None:
        raise EventUnknown(payload["event"])
    told = writer(uow, settings, payload)
    if told is None:
        return None
    kind, rows = told
    return build([msh(uow, settings, kind, control_id), *rows])


def _booked(uow: Uow, settings: Hl7Settings, payload: Mapping[str, Any]) -> Told | None:
    """SRM^S01; what the hospital system booked itself (SIU^S12) it need not be told."""
    visit = uow.session.get_one(Registration, payload["registration_id"])
    if booked_it(uow, visit):
        return None
    return ("SRM", "S01", "SRM_S01"), appointment(uow, settings, visit, reason="BOOKED")


def _rescheduled(uow: Uow, settings: Hl7Settings, payload: Mapping[str, Any]) -> Told | None:
    """SRM^S02 with the place as it is now; not for one that went back before this was told."""
    visit = uow.session.get_one(Registration, payload["registration_id"])
    if visit.state == RegistrationState.CANCELLED:
        return None
    return ("SRM", "S02", "SRM_S01"), appointment(uow, settings, visit, reason="MOVED")


def _substituted(uow: Uow, settings: Hl7Settings, payload: Mapping[str, Any]) -> Told | None:
    """SRM^S03 with the doctor who sits now; for a place that was booked, by whomever, and did not go back since."""
    visit = uow.session.get_one(Registration, payload["registration_id"])
    if visit.state == RegistrationState.CANCELLED or not was_booked(uow, visit):
        return None
    return ("SRM", "S03", "SRM_S01"), appointment(uow, settings, visit, reason="SUBSTITUTED")


def _cancelled(uow: Uow, settings: Hl7Settings, payload: Mapping[str, Any]) -> Told | None:
    """SRM^S04; not for a place that was never booked, nor for one the hospital system cancelled or refused itself."""
    visit = uow.session.get_one(Registration, payload["registration_id"])
    if not was_booked(uow, visit) or was_cancelled_there(uow, visit) or was_refused_there(uow, visit):
        return None
    reason = "HOSPITAL" if payload["by_hospital"] else "PATIENT"
    return ("SRM", "S04", "SRM_S01"), appointment(uow, settings, visit, reason=reason)


def _paid(uow: Uow, settings: Hl7Settings, payload: Mapping[str, Any]) -> Told:
    bill = uow.session.get_one(Bill, payload["bill_id"])
    order = payment.settling_order_of(uow, bill.id)
    reference = (order.transaction_id if order else None) or ""
    done = Transaction("PY", reference, bill.paid_at or uow.now(), bill.public_id)
    return ("DFT", "P03", "DFT_P03"), charges(uow, settings, bill, done)


def _refunded(uow: Uow, settings: Hl7Settings, payload: Mapping[str, Any]) -> Told | None:
    """DFT^P03 with credits for what went back, all or part of the bill's lines.

    Money that came twice or too late went back without the bill, and was never told of.
    """
    refund = uow.session.get_one(Refund, payload["refund_id"])
    bill = uow.session.get_one(Bill, refund.bill_id)
    order = payment.settling_order_of(uow, bill.id)
    is_the_bills = refund.payment_order_id in {None, order.id if order else None}
    parts = payment.lines_of_refund(uow, refund.id)
    if refund.state != RefundState.SUCCEEDED or not is_the_bills or not (parts or bill.state == BillState.REFUNDED):
        return None
    done = Transaction("CD", refund.out_refund_no, refund.finished_at or uow.now(), refund.public_id, parts)
    return ("DFT", "P03", "DFT_P03"), charges(uow, settings, bill, done)


def _declined(uow: Uow, settings: Hl7Settings, payload: Mapping[str, Any]) -> Told | None:
    """DFT^P03 with an adjustment; what was prescribed at our desk they have never heard of."""
    written = uow.session.get_one(Prescription, payload["prescription_id"])
    lines = prescriptions.lines_of(uow, written.id)
    line = next((line for line in lines if line.line_no == payload["line_no"]), None)
    if line is None or written.source != PrescriptionSource.HIS:
        return None
    return ("DFT", "P03", "DFT_P03"), adjustment(uow, settings, written, line)


def _collected(uow: Uow, settings: Hl7Settings, payload: Mapping[str, Any]) -> Told | None:
    """RDS^O13; a hand-over that was taken back before it was told of is none."""
    dispense = pharmacy.dispense_of_bag(uow, payload["bag_id"])
    return None if dispense is None else (("RDS", "O13", "RDS_O13"), dispensed(uow, settings, dispense))


WRITERS: dict[str, _Writer] = {
    asking.EVENT: asking.question,
    "PatientFiled": people.filed,
    "PatientChanged": people.changed,
    "PatientInsured": people.changed,
    "RegistrationBooked": _booked,
    "RegistrationRescheduled": _rescheduled,
    "DoctorSubstituted": _substituted,
    "RegistrationCancelled": _cancelled,
    "PatientCheckedIn": people.checked_in,
    "CheckInTakenBack": people.check_in_taken_back,
    "BillPaid": _paid,
    "RefundSucceeded": _refunded,
    "LineDeclined": _declined,
    "BagCollected": _collected,
    timetable.EVENT: timetable.asked,
}
