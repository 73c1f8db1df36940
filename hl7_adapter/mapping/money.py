"""Money as financial transactions: DFT^P03 tells line by line what was charged, paid and given back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.identity.models import Patient
from app.insurance.models import Split
from app.kernel.uow import Uow
from app.payment import service as payment
from app.payment.models import Bill, BillLine, Purpose, RefundLine
from app.prescription import service as prescriptions
from app.prescription.models import Prescription, PrescriptionLine, PrescriptionSource
from app.registration.models import Registration
from config import Hl7Settings
from hl7_adapter.er7 import Field, segment
from hl7_adapter.mapping.writing import Rows, evn, pid, price, pv1, stamp


@dataclass(frozen=True)
class Transaction:
    """What was done with a bill: `kind` PY paid or CD given back (HL7 table 0017), when, and its reference.

    `parts` are what went back of some of its lines; without them it is done with the whole bill.
    """

    kind: str
    reference: str
    done_at: datetime
    number: str
    parts: Sequence[RefundLine] = ()


def charges(uow: Uow, settings: Hl7Settings, bill: Bill, done: Transaction) -> Rows:
    """EVN, PID, PV1 and an FT1 for each line of the bill that the transaction is about.

    A charge that the hospital system did not raise itself (registration fee, a prescription of the desk) is told
    first as CG. FT1-11 is the whole line, FT1-15 what insurance bears of it with the personal account, the rest is
    the patient's cash; FT1-2 begins with the bill's or the refund's number, FT1-30 names the payment or the refund.

    Where the insurer settled what is left anew, a line of which no piece went back (FT1-10 0) may be borne otherwise
    than before: FT1-11 is nought then, and FT1-15 may be below it.
    """
    written = uow.session.get(Prescription, bill.subject_id) if bill.purpose == Purpose.PRESCRIPTION else None
    visit_id = written.registration_id if written else bill.subject_id
    visit = uow.session.get(Registration, visit_id) if visit_id else None
    patient = uow.session.get_one(Patient, bill.patient_id)
    is_theirs = written is not None and written.source == PrescriptionSource.HIS
    kinds = ("CG", "PY") if done.kind == "PY" and not is_theirs else (done.kind,)
    rows: Rows = [evn(uow, "P03"), pid(uow, settings, patient), pv1(uow, settings, visit)]
    for each in kinds:
        for line, share in _shares(uow, bill, done):
            fields = _ft1(uow, bill, line, _code(uow, written, line)) | _amounts(share)
            number = f"{done.number}-{line.line_no}-{each}"
            fields |= {1: len(rows) - 2, 2: number, 4: stamp(done.done_at, uow.zone), 6: each}
            if each != "CG" and done.reference:
                fields[30] = (done.reference, None, None, "PAYMENT")
            if written is not None:
                fields[23] = (written.number, settings.his_application if is_theirs else settings.our_application)
            rows.append(segment("FT1", fields))
    return rows


def adjustment(uow: Uow, settings: Hl7Settings, written: Prescription, line: PrescriptionLine) -> Rows:
    """EVN, PID, PV1 and an FT1 (AJ) for a line that the patient did not want: what its order charged falls, unpaid.

    No credit (CD), which is money that went back.
    """
    visit = uow.session.get(Registration, written.registration_id) if written.registration_id else None
    patient = uow.session.get_one(Patient, written.patient_id)
    fields: dict[int, Field] = {
        1: 1,
        2: f"{written.public_id}-{line.line_no}-AJ",
        4: stamp(uow.now(), uow.zone),
        6: "AJ",
        7: (line.drug_code, line.drug_name, "99MENZHEN"),
        10: line.quantity,
        11: price(line.amount_fen),
        12: price(line.unit_price_fen),
        15: price(0),
        23: (written.number, settings.his_application),
    }
    return [evn(uow, "P03"), pid(uow, settings, patient), pv1(uow, settings, visit), segment("FT1", fields)]


def _ft1(uow: Uow, bill: Bill, line: BillLine, code: str) -> dict[int, Field]:
    split = uow.session.get(Split, bill.split_id) if bill.split_id else None
    return {
        7: (code, line.name, "99MENZHEN"),
        12: price(line.unit_price_fen),
        14: split.policy_code if split else None,
    }


def _shares(uow: Uow, bill: Bill, done: Transaction) -> Iterator[tuple[BillLine, BillLine | RefundLine]]:
    """The lines that the transaction is about, each with what it moves of it."""
    parts = {part.line_no: part for part in done.parts}
    for line in payment.lines_of(uow, bill.id):
        if not parts:
            yield line, line
        elif line.line_no in parts:
            yield line, parts[line.line_no]


def _amounts(share: BillLine | RefundLine) -> dict[int, Field]:
    insured_fen = share.fund_fen + share.other_fen + share.account_fen
    return {10: share.quantity, 11: price(insured_fen + share.cash_fen), 15: price(insured_fen)}


def _code(uow: Uow, written: Prescription | None, line: BillLine) -> str:
    """The drug's code, or the invoice's category for what is no drug."""
    lines = prescriptions.lines_of(uow, written.id) if written else []
    return next((drug.drug_code for drug in lines if drug.line_no == line.line_no), line.invoice_category)
