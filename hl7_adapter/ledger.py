"""The application's own ledger of a day: how each visit stands, in words that another ledger can be held against.

It names patients by the hospital's number only; names, phones and identity numbers are not in it.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import or_, select

from app.identity.models import PatientIdentifier
from app.kernel.clock import at_hospital
from app.kernel.uow import Actor, Units, Uow
from app.payment.models import Bill, PaymentOrder, Purpose, Refund
from app.payment.states import RefundState
from app.pharmacy.models import Dispense, DispenseLine
from app.pharmacy.states import DispenseState
from app.prescription.models import Prescription, PrescriptionLine, PrescriptionSource
from app.queueing.models import Ticket
from app.registration.models import Registration, RegistrationNumber
from app.registration.states import RegistrationState
from app.reports import filing
from app.reports.models import Report
from app.scheduling.models import Practitioner

Facts = dict[str, Any]
_UNBOOKED = frozenset({RegistrationState.HELD, RegistrationState.EXPIRED})


def ledger(uow: Uow, *, since: datetime) -> dict[str, Any]:
    """Every place that was taken since then: its numbers (ours first), and its facts by name, money in fen.

    docs/hl7/simulator.md lists the names. Of prescriptions those of the hospital system, in the version that stands.
    """
    visits = uow.session.execute(
        select(Registration, Practitioner.code)
        .join(Practitioner, Practitioner.id == Registration.practitioner_id)
        .where(Registration.held_at >= since)
        .order_by(Registration.id)
    ).all()
    people = _patients(uow)
    facts = {visit.id: _place(visit, doctor, people) for visit, doctor in visits}
    for registration_id in uow.session.scalars(_since(select(Ticket.registration_id), Ticket.registration_id, since)):
        facts[registration_id]["told ADT^A10"] = 1
    _add_fees(uow, facts, since)
    _add_prescriptions(uow, facts, since)
    _add_reports(uow, facts, people, since)
    numbers: dict[int, list[str]] = defaultdict(list)
    known = select(RegistrationNumber.registration_id, RegistrationNumber.value)
    for registration_id, value in uow.session.execute(_since(known, RegistrationNumber.registration_id, since)):
        numbers[registration_id].append(value)
    return {
        "since": since.isoformat(),
        "visits": [
            {"numbers": [visit.visit_number, *numbers[visit.id]], "facts": facts[visit.id]} for visit, _ in visits
        ],
    }


def exported(units: Units, day: date) -> dict[str, Any]:
    """The ledger since the day began in the hospital."""
    with units.open(Actor("job", "operator"), reads_only=True) as uow:
        return ledger(uow, since=at_hospital(day, time(0), uow.zone))


def _since(query: Any, column: Any, since: datetime) -> Any:  # noqa: ANN401 - a select of any rows keeps its kind
    """The query, of visits whose place was taken since then; `column` is the visit's key in it."""
    return query.join(Registration, Registration.id == column).where(Registration.held_at >= since)


def _patients(uow: Uow) -> dict[int, str]:
    """The hospital's number in use of each patient."""
    rows = uow.session.scalars(
        select(PatientIdentifier)
        .where(PatientIdentifier.system == "his", PatientIdentifier.is_former.is_(False))
        .order_by(PatientIdentifier.id)
    )
    return {row.patient_id: row.value for row in rows}


def _place(visit: Registration, doctor: str, people: dict[int, str]) -> Facts:
    is_booked_here = visit.account_id is not None and visit.state not in _UNBOOKED
    return {
        "patient": people.get(visit.patient_id, ""),
        "doctor": doctor,
        "day": f"{visit.visit_day:%Y%m%d}",
        "state": visit.state.value,
        "fee_fen": visit.fee_fen,
        "told SRM^S01": int(is_booked_here),
    }


def _add(facts: Facts, name: str, amount: int) -> None:
    facts[name] = facts.get(name, 0) + amount


def _add_money(facts: Facts, subject: str, deed: str, cash_fen: int, insured_fen: int) -> None:
    """One payment or refund of a bill; each is told once."""
    _add(facts, f"{subject} {deed}_fen", cash_fen)
    _add(facts, f"{subject} {deed}_by_insurance_fen", insured_fen)
    _add(facts, "told DFT^P03", 1)


def _add_bill(uow: Uow, facts: Facts, subject: str, bill: Bill) -> None:
    _add_money(facts, subject, "paid", bill.cash_fen, bill.fund_fen + bill.other_fen + bill.account_fen)
    given_back = (
        select(Refund)
        .outerjoin(PaymentOrder, PaymentOrder.id == Refund.payment_order_id)
        .where(
            Refund.bill_id == bill.id,
            Refund.state == RefundState.SUCCEEDED,
            or_(Refund.payment_order_id.is_(None), PaymentOrder.settles_bill),
        )
    )
    for refund in uow.session.scalars(given_back):
        insured_fen = refund.fund_fen + refund.other_fen + refund.account_fen
        _add_money(facts, subject, "refunded", refund.amount_fen, insured_fen)


def _add_fees(uow: Uow, facts: dict[int, Facts], since: datetime) -> None:
    paid = select(Bill).where(Bill.purpose == Purpose.REGISTRATION, Bill.paid_at.is_not(None))
    for bill in uow.session.scalars(_since(paid, Bill.subject_id, since)):
        _add_bill(uow, facts[bill.subject_id], "fee", bill)


def _add_prescriptions(uow: Uow, facts: dict[int, Facts], since: datetime) -> None:
    written = select(Prescription).where(Prescription.source == PrescriptionSource.HIS).order_by(Prescription.version)
    standing = {
        prescription.number: prescription
        for prescription in uow.session.scalars(_since(written, Prescription.registration_id, since))
    }
    subjects = {prescription.id: prescription for prescription in standing.values()}
    lines = _texts(
        uow,
        select(PrescriptionLine).join(Prescription, Prescription.id == PrescriptionLine.prescription_id),
        lambda line: (line.prescription_id, f"{line.drug_code}×{line.quantity}={line.amount_fen}"),
        since,
    )
    for prescription in subjects.values():
        own, name = facts[prescription.registration_id or 0], f"prescription {prescription.number}"
        own[f"{name} state"] = prescription.state.value
        own[f"{name} total_fen"] = prescription.total_fen
        own[f"{name} lines"] = lines[prescription.id]
    paid = select(Bill).where(Bill.purpose == Purpose.PRESCRIPTION, Bill.paid_at.is_not(None))
    paid = paid.join(Prescription, Prescription.id == Bill.subject_id)
    for bill in uow.session.scalars(_since(paid, Prescription.registration_id, since)):
        prescription = uow.session.get_one(Prescription, bill.subject_id)
        _add_bill(uow, facts[prescription.registration_id or 0], f"prescription {prescription.number}", bill)
    _add_dispenses(uow, facts, since)


def _texts(uow: Uow, query: Any, told: Any, since: datetime) -> dict[int, str]:  # noqa: ANN401 - a function
    """The lines of each prescription in one text, in the order of the alphabet."""
    texts: dict[int, list[str]] = defaultdict(list)
    for line in uow.session.scalars(_since(query, Prescription.registration_id, since)):
        key, text = told(line)
        texts[key].append(text)
    return {key: " ".join(sorted(several)) for key, several in texts.items()}


def _add_dispenses(uow: Uow, facts: dict[int, Facts], since: datetime) -> None:
    done = (
        select(DispenseLine, Prescription)
        .join(Dispense, Dispense.id == DispenseLine.dispense_id)
        .join(Prescription, Prescription.id == Dispense.prescription_id)
        .where(Dispense.state == DispenseState.COMPLETED)
    )
    given: dict[tuple[int, str], list[str]] = defaultdict(list)
    bags: dict[int, set[int]] = defaultdict(set)
    for line, prescription in uow.session.execute(_since(done, Prescription.registration_id, since)):
        visit_id = prescription.registration_id or 0
        given[visit_id, prescription.number].append(f"{line.drug_code}×{line.quantity}")
        bags[visit_id].add(line.dispense_id)
    for (visit_id, number), lines in given.items():
        facts[visit_id][f"prescription {number} dispensed"] = " ".join(sorted(lines))
    for visit_id, dispenses in bags.items():
        facts[visit_id]["told RDS^O13"] = len(dispenses)


def _add_reports(uow: Uow, facts: dict[int, Facts], people: dict[int, str], since: datetime) -> None:
    for report in uow.session.scalars(_since(select(Report), Report.registration_id, since)):
        own, name = facts[report.registration_id or 0], f"report {report.filler_number}"
        found = filing.observations_of(uow, report)
        own[f"{name} state"] = report.state.value
        own[f"{name} findings"] = " ".join(f"{finding.code}={finding.value}" for finding in found)
        own[f"{name} patient"] = people.get(report.patient_id, "")
