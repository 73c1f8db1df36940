"""What is to be settled as the insurer is asked about it, and what the insurer has said of it so far."""

from __future__ import annotations

from collections.abc import Sequence

from app.identity import service as identity
from app.identity.models import Patient
from app.insurance import subjects
from app.insurance.answered import Answer
from app.insurance.covering import member_no_of
from app.insurance.models import Coverage, Settlement, Split, SplitLine
from app.insurance.ports import Certificate, Claim, Fee, Graded, Person, Sums, Visit
from app.insurance.rules import ChargeableClass
from app.insurance.subjects import Item
from app.kernel.uow import Uow

PLACE = "settlement.psn_no:{}"


def lines_of(uow: Uow, case: Settlement) -> list[tuple[Item, int]]:
    """The subject's lines with the pieces that are to be settled: all, or what is left of them."""
    subject = subjects.subject_of(uow, case)
    lines = subjects.items_of(uow, subject)
    if case.remainder is None:
        return [(line, line.quantity) for line in lines]
    left = {int(line_no): int(count) for line_no, count in case.remainder}
    return [(line, left[line.line_no]) for line in lines if line.line_no in left]


def claim_of(uow: Uow, case: Settlement) -> Claim:
    """What is to be settled under the case's batch number, with the certificate that proves who is insured."""
    subject = subjects.subject_of(uow, case)
    occasion = subjects.kind_of(subject).occasion(uow, subject)
    fees = [
        Fee(
            number=fee_number(case, line.line_no),
            code=line.code,
            name=line.name,
            amount_fen=line.amount_fen * pieces // line.quantity,
            quantity=pieces,
            unit_price_fen=line.unit_price_fen,
        )
        for line, pieces in lines_of(uow, case)
    ]
    return Claim(
        certificate=certificate_of(uow, case),
        batch_no=case.batch_no,
        visit_no=case.batch_no,
        doctor_code=occasion.doctor_code,
        doctor_name=occasion.doctor_name,
        department=occasion.department,
        diagnosis_code=occasion.diagnosis_code,
        diagnosis_name=occasion.diagnosis_name,
        begun_at=occasion.at,
        fees=fees,
    )


def fee_number(case: Settlement, line_no: int) -> str:
    """The line's number at the insurer (feedetl_sn)."""
    return f"{case.batch_no}{line_no:03d}"


def certificate_of(uow: Uow, case: Settlement) -> Certificate:
    """By what the case's patient proves to be insured."""
    coverage = uow.session.get_one(Coverage, case.coverage_id)
    name = identity.name_of(uow, uow.session.get_one(Patient, case.patient_id))
    return Certificate(coverage.certificate_kind, member_no_of(uow, coverage), name)


def is_patient(uow: Uow, patient_id: int, person: Person) -> bool:
    """True when the insurer speaks of the patient: the same identity number, or the same name where one is unknown."""
    patient = uow.session.get_one(Patient, patient_id)
    number = identity.id_number_of(uow, patient)
    if number and person.id_number:
        return number == person.id_number
    return identity.name_of(uow, patient) == person.name


def keep_visit(uow: Uow, case: Settlement, visit: Visit) -> None:
    """What the insurer calls the person and the visit is on file, so that whoever works on the case next can ask."""
    case.psn_no_sealed = uow.keys.seal(visit.psn_no, PLACE.format(case.public_id))
    case.insutype, case.mdtrt_id = visit.insutype, visit.mdtrt_id


def visit_of(uow: Uow, case: Settlement) -> Visit | None:
    """The visit as the insurer knows it; None before it was registered."""
    if not case.mdtrt_id:
        return None
    return Visit(psn_no_of(uow, case), case.insutype, case.mdtrt_id, certificate_of(uow, case))


def psn_no_of(uow: Uow, case: Settlement) -> str:
    """The insurer's number of the person; '' before it was asked for."""
    return uow.keys.open(case.psn_no_sealed, PLACE.format(case.public_id)) if case.psn_no_sealed else ""


def answer_of(case: Settlement, split: Split, lines: Sequence[SplitLine]) -> Answer:
    """What the insurer pre-settled, as the split keeps it."""
    graded = [
        Graded(
            number=fee_number(case, line.line_no),
            amount_fen=line.amount_fen,
            full_self_fen=line.full_self_fen,
            over_limit_fen=line.over_limit_fen,
            pre_self_fen=line.pre_self_fen,
            in_scope_fen=line.in_scope_fen,
            chargeable_class=ChargeableClass(line.chargeable_class) if line.chargeable_class else None,
            ratio_bp=line.ratio_bp,
            limit_price_fen=line.limit_price_fen,
        )
        for line in lines
    ]
    names = ("total", "full_self", "over_limit", "pre_self", "in_scope", "deductible", "fund", "other")
    sums = {f"{name}_fen": getattr(split, f"{name}_fen") for name in (*names, "account", "cash")}
    return Answer(graded, Sums(setl_id="", **sums))
