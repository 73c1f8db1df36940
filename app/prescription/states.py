"""A prescription's life from the doctor's signature to the patient's hands."""

from __future__ import annotations

import enum

from app.kernel.moves import Machine


class PrescriptionState(enum.StrEnum):
    """`issued` waits for review, `approved` for its split, `billed` for the money, `paid` for the patient."""

    ISSUED = "issued"
    APPROVED = "approved"
    RETURNED = "returned"
    BILLED = "billed"
    PAID = "paid"
    DISPENSED = "dispensed"
    VOIDED = "voided"
    EXPIRED = "expired"


class PrescriptionAction(enum.StrEnum):
    """What can be done with a prescription; `take_back` is the way out after payment, when the money goes back."""

    APPROVE = "approve"
    SEND_BACK = "send_back"
    BILL = "bill"
    PAY = "pay"
    DISPENSE = "dispense"
    VOID = "void"
    EXPIRE = "expire"
    TAKE_BACK = "take_back"


_S, _A = PrescriptionState, PrescriptionAction
UNPAID = (_S.ISSUED, _S.APPROVED, _S.RETURNED, _S.BILLED)
PAID = (_S.PAID, _S.DISPENSED)

MOVES = {
    (_S.ISSUED, _A.APPROVE): _S.APPROVED,
    (_S.ISSUED, _A.SEND_BACK): _S.RETURNED,
    (_S.APPROVED, _A.BILL): _S.BILLED,
    (_S.BILLED, _A.PAY): _S.PAID,
    (_S.PAID, _A.DISPENSE): _S.DISPENSED,
    (_S.PAID, _A.TAKE_BACK): _S.VOIDED,
    (_S.ISSUED, _A.VOID): _S.VOIDED,
    (_S.APPROVED, _A.VOID): _S.VOIDED,
    (_S.RETURNED, _A.VOID): _S.VOIDED,
    (_S.BILLED, _A.VOID): _S.VOIDED,
    (_S.ISSUED, _A.EXPIRE): _S.EXPIRED,
    (_S.APPROVED, _A.EXPIRE): _S.EXPIRED,
    (_S.RETURNED, _A.EXPIRE): _S.EXPIRED,
    (_S.BILLED, _A.EXPIRE): _S.EXPIRED,
}
PRESCRIPTION = Machine("prescription", PrescriptionState.ISSUED, MOVES)
