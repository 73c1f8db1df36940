"""The visit told as facts, in the order in which they happen; ids and fen, no personal data.

What follows what stands in `app.story`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PatientFiled:
    """A patient is on file for the first time, from the phone or from the hospital system."""

    patient_id: int


@dataclass(frozen=True)
class PatientChanged:
    """What is on file of a patient was corrected here."""

    patient_id: int


@dataclass(frozen=True)
class PatientsMerged:
    """Two records were one person's: whatever the merged one held is the patient's from now on."""

    patient_id: int
    merged_patient_id: int


@dataclass(frozen=True)
class PatientBound:
    """An account may act for a patient (self, child, parent …)."""

    account_id: int
    patient_id: int


@dataclass(frozen=True)
class ChannelScanned:
    """A poster's code was opened on a phone."""

    channel_id: int


@dataclass(frozen=True)
class RegistrationHeld:
    """A place is kept for a patient until its fee is paid."""

    registration_id: int
    patient_id: int
    fee_fen: int


@dataclass(frozen=True)
class RegistrationBooked:
    """The place is the patient's."""

    registration_id: int
    patient_id: int


@dataclass(frozen=True)
class PlaceConfirmed:
    """The place stands (`nth` 0), or its nth move: the hospital system said yes, or decides on no appointments."""

    registration_id: int
    patient_id: int
    nth: int


@dataclass(frozen=True)
class RegistrationMoved:
    """The hospital gave the patient another time or doctor for the same visit."""

    registration_id: int
    patient_id: int


@dataclass(frozen=True)
class DoctorSubstituted:
    """Another doctor will see the patient (替诊); the place stays the patient's."""

    registration_id: int
    patient_id: int


@dataclass(frozen=True)
class RegistrationRescheduled:
    """The patient moved the visit to another time for the same fee, for the `nth` time."""

    registration_id: int
    patient_id: int
    nth: int


@dataclass(frozen=True)
class WaitlistOffered:
    """A place is kept for a while for somebody on the waiting list."""

    offer_id: int
    patient_id: int


@dataclass(frozen=True)
class WaitlistLapsed:
    """Somebody on the waiting list got no place: the days are over, or they answered too few offers."""

    entry_id: int
    patient_id: int


@dataclass(frozen=True)
class RegistrationCancelled:
    """The place went back; `was_paid` when its fee is to be given back, `by_hospital` when the doctor stopped."""

    registration_id: int
    patient_id: int
    was_paid: bool
    by_hospital: bool


@dataclass(frozen=True)
class RegistrationExpired:
    """The hold ran out and the place went back."""

    registration_id: int
    patient_id: int


@dataclass(frozen=True)
class FeePaidTooLate:
    """The fee arrived for a place that is no longer held and cannot be held again; the money goes back."""

    registration_id: int
    bill_id: int


@dataclass(frozen=True)
class RegistrationMissed:
    """The session closed and the patient had not come."""

    registration_id: int
    patient_id: int


@dataclass(frozen=True)
class PatientCheckedIn:
    """The patient is in the house, for the `nth` time at this visit; `ticket_id` is the queue number given."""

    registration_id: int
    patient_id: int
    ticket_id: int
    nth: int


@dataclass(frozen=True)
class CheckInTakenBack:
    """The `nth` check-in was a mistake: the number is void and the place booked as before."""

    registration_id: int
    patient_id: int
    ticket_id: int
    nth: int


@dataclass(frozen=True)
class PatientCalled:
    """The patient is called to the doctor's room."""

    registration_id: int
    patient_id: int
    ticket_id: int


@dataclass(frozen=True)
class ReturnDue:
    """Whoever walks while they wait should set out now to be back for their call."""

    registration_id: int
    patient_id: int
    ticket_id: int


@dataclass(frozen=True)
class ConsultationEnded:
    """The doctor is done with the patient for this visit."""

    registration_id: int
    patient_id: int


@dataclass(frozen=True)
class PrescriptionIssued:
    """A signed prescription is on file and waits for the pharmacist's review."""

    prescription_id: int
    patient_id: int


@dataclass(frozen=True)
class PrescriptionReturned:
    """The reviewing pharmacist sent the prescription back to the doctor."""

    prescription_id: int
    patient_id: int


@dataclass(frozen=True)
class PrescriptionApproved:
    """The reviewing pharmacist let the prescription pass."""

    prescription_id: int
    patient_id: int


@dataclass(frozen=True)
class PrescriptionVoided:
    """The prescription holds no longer; whatever was built on it falls."""

    prescription_id: int
    patient_id: int


@dataclass(frozen=True)
class PatientInsured:
    """The patient's insurance was put on file from the phone, as the insurer knows it."""

    patient_id: int


@dataclass(frozen=True)
class LineDeclined:
    """The patient did not want a line that no insurance covers; `rest_id` is the prescription without it, if any."""

    prescription_id: int
    line_no: int
    patient_id: int
    rest_id: int | None


@dataclass(frozen=True)
class SplitMade:
    """It is known what insurance pays of a prescription or a registration's fee and what the patient, line by line.

    `purpose` and `subject_id` say of which, as in `BillPaid`.
    """

    split_id: int
    purpose: str
    subject_id: int
    patient_id: int


@dataclass(frozen=True)
class SplitDropped:
    """Something is not to be paid as it was split; how it is to be paid is worked out anew."""

    split_id: int
    purpose: str
    subject_id: int
    patient_id: int


@dataclass(frozen=True)
class SplitSettled:
    """Insurance has taken its part of a split upon itself."""

    split_id: int
    purpose: str
    subject_id: int
    patient_id: int


@dataclass(frozen=True)
class SplitReversed:
    """Insurance's part of a settled split was given back to it."""

    split_id: int
    purpose: str
    subject_id: int
    patient_id: int


@dataclass(frozen=True)
class SettlementMade:
    """The insurer has settled its part; the sums are the insurer's, `cash_fen` the patient's."""

    settlement_id: int
    split_id: int
    purpose: str
    subject_id: int
    patient_id: int
    fund_fen: int
    other_fen: int
    account_fen: int
    cash_fen: int


@dataclass(frozen=True)
class SettlementFailed:
    """Insurance's part could not be settled though the patient had paid the rest; that money goes back."""

    settlement_id: int
    split_id: int
    purpose: str
    subject_id: int
    patient_id: int


@dataclass(frozen=True)
class SettlementReversed:
    """A settlement that was made is taken back at the insurer, and these sums with it."""

    settlement_id: int
    split_id: int
    purpose: str
    subject_id: int
    patient_id: int
    fund_fen: int
    other_fen: int
    account_fen: int
    cash_fen: int


@dataclass(frozen=True)
class BillOpened:
    """Something is to be paid."""

    bill_id: int
    patient_id: int


@dataclass(frozen=True)
class MoneyReceived:
    """Money came in for an order, whatever becomes of it."""

    order_id: int
    bill_id: int


@dataclass(frozen=True)
class CashPaid:
    """The patient's part of an insured bill is in, or there is none to pay; insurance's part is to be settled."""

    bill_id: int
    split_id: int
    purpose: str
    subject_id: int
    patient_id: int


@dataclass(frozen=True)
class BillPaid:
    """A bill is settled in full; `purpose` is registration or prescription, `subject_id` that thing's key."""

    bill_id: int
    purpose: str
    subject_id: int
    patient_id: int


@dataclass(frozen=True)
class PaymentFollowed:
    """What was paid for has happened, so that it can be told of before its payment."""

    bill_id: int
    patient_id: int


@dataclass(frozen=True)
class RefundRequested:
    """Money is on its way back to the patient."""

    refund_id: int
    bill_id: int


@dataclass(frozen=True)
class RefundSucceeded:
    """Money has arrived back at the patient."""

    refund_id: int
    bill_id: int


@dataclass(frozen=True)
class BagQueued:
    """The pharmacy has a paid prescription to pick."""

    bag_id: int
    patient_id: int


@dataclass(frozen=True)
class BagReady:
    """The bag stands in its bin and can be fetched."""

    bag_id: int
    patient_id: int


@dataclass(frozen=True)
class BagCollected:
    """The bag is in the patient's hands."""

    bag_id: int
    prescription_id: int
    patient_id: int


@dataclass(frozen=True)
class InvoiceIssued:
    """The bill has its invoice."""

    invoice_id: int
    bill_id: int
    patient_id: int


@dataclass(frozen=True)
class ReportArrived:
    """A test's report is on file (new or corrected)."""

    report_id: int
    patient_id: int


@dataclass(frozen=True)
class FollowUpPlanned:
    """The doctor wants to see the patient again."""

    plan_id: int
    patient_id: int


@dataclass(frozen=True)
class ReminderDue:
    """It is time to remind the patient of the revisit."""

    reminder_id: int
    plan_id: int
    patient_id: int


@dataclass(frozen=True)
class RevisitBooked:
    """The revisit has its place; its reminders stop."""

    plan_id: int
    registration_id: int
    patient_id: int
