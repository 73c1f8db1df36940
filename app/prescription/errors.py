"""How the prescription says no."""

from __future__ import annotations

from app.kernel.errors import Refused, TryLater


class _RuleBroken(Refused):
    """What the doctor wrote breaks a rule; facts name the line (`line_no`) and the bound."""

    code = "prescription_rule"
    http_status = 422


class NoLines(_RuleBroken):
    """There is no drug on the prescription."""

    code = "no_lines"


class DiagnosisRequired(_RuleBroken):
    """There is no clinical diagnosis (处方管理办法, art. 6)."""

    code = "diagnosis_required"


class TooManyDrugs(_RuleBroken):
    """More than five western or patent drugs (facts: drugs, at_most); write a second prescription."""

    code = "too_many_drugs"


class HerbalMixed(_RuleBroken):
    """Herbal pieces 中药饮片 stand with other drugs; they need a prescription of their own."""

    code = "herbal_mixed"


class QuantityNotValid(_RuleBroken):
    """A quantity is not a whole number from 1 on (facts: line_no, quantity, at_most)."""

    code = "quantity_not_valid"


class DaysNotValid(_RuleBroken):
    """A course is shorter than a day or longer than any may be (facts: line_no, days, at_most)."""

    code = "days_not_valid"


class TooManyDays(_RuleBroken):
    """The course is longer than usual and no reason is given (facts: line_no, days, at_most)."""

    code = "too_many_days"


class DrugNotForLongCourse(_RuleBroken):
    """This drug may not be given for longer than usual, whatever the reason (facts: line_no, drug_code, at_most)."""

    code = "drug_not_for_long_course"


class PriceNotValid(_RuleBroken):
    """A price is negative or beyond any drug's (facts: line_no)."""

    code = "price_not_valid"


class AmountMismatch(_RuleBroken):
    """A line's amount is not quantity times price (facts: line_no, amount_fen, expected_fen)."""

    code = "amount_mismatch"


class TextNotValid(_RuleBroken):
    """A word is missing, too long, or holds characters no word has (facts: field, line_no)."""

    code = "text_not_valid"


class DrugUnknown(_RuleBroken):
    """The drug is not in the hospital's formulary (facts: line_no, drug_code)."""

    code = "drug_unknown"


class IssuedInFuture(_RuleBroken):
    """The prescription claims to be signed later than now; a clock is wrong."""

    code = "issued_in_future"


class OrderActionUnknown(_RuleBroken):
    """The order asks for something that is not done with prescriptions here (facts: action)."""

    code = "order_action_unknown"


class OrderUnknown(Refused):
    """No prescription is on file under this number (facts: number)."""

    code = "order_unknown"


class OrderCancelled(Refused):
    """This number was cancelled; a new prescription needs a new number (facts: number)."""

    code = "order_cancelled"


class OrderOfAnotherPatient(Refused):
    """The number, or the visit it names, belongs to another patient; a person must look (facts: number)."""

    code = "order_of_another_patient"


class PrescriptionPaid(Refused):
    """It is paid for and stands as it is; it can only be taken back against a refund (facts: number)."""

    code = "prescription_paid"


class PrescriptionExpired(Refused):
    """Its three days are over; the doctor must write it anew (facts: number)."""

    code = "prescription_expired"


class NotInConsultation(Refused):
    """The patient is not with the doctor today, so nothing can be prescribed for this visit."""

    code = "not_in_consultation"


class NotYourPatient(Refused):
    """The visit is another doctor's."""

    code = "not_your_patient"
    http_status = 403


class ReviewerIsPrescriber(Refused):
    """Who wrote a prescription does not review it."""

    code = "reviewer_is_prescriber"


class ChecksMissing(Refused):
    """Not all four checks were made (facts: missing)."""

    code = "checks_missing"
    http_status = 422


class ReasonRequired(Refused):
    """Sending back or voiding needs a reason of at most 200 characters."""

    code = "reason_required"
    http_status = 422


class OrderBusy(TryLater):
    """The same order is being filed at this very moment; send it again (facts: number)."""

    code = "order_busy"
