"""A prescription without one of its lines: what is left of it is a version of its own."""

from __future__ import annotations

from sqlalchemy import select

from app.events import PrescriptionIssued
from app.kernel import audit
from app.kernel.ids import new_public_id
from app.kernel.uow import Uow
from app.prescription import writing
from app.prescription.models import Prescription, PrescriptionLine

# What the order says stays as it was signed, so that the same order sent again is still known as a repeat.
_KEPT = (
    "number",
    "issuer",
    "source",
    "kind",
    "registration_id",
    "patient_id",
    "prescriber_staff_id",
    "prescriber_code",
    "prescriber_name",
    "department_name",
    "content_index",
    "issued_at",
    "valid_until",
)
_LINE = (
    "drug_code",
    "drug_name",
    "category",
    "spec",
    "dose",
    "route",
    "frequency",
    "days",
    "quantity",
    "unit",
    "unit_price_fen",
    "amount_fen",
)


def leave_out(uow: Uow, prescription: Prescription, line_no: int) -> Prescription | None:
    """The unpaid prescription without one of its lines, as the next version, which waits for its review again.

    None when nothing is left. Refuses `illegal_move` when it is paid or no longer stands.
    """
    lines = uow.session.scalars(
        select(PrescriptionLine)
        .where(PrescriptionLine.prescription_id == prescription.id, PrescriptionLine.line_no != line_no)
        .order_by(PrescriptionLine.line_no)
    ).all()
    writing.fall(uow, prescription, why="line_declined")
    if not lines:
        return None
    public_id = new_public_id()
    kept = {name: getattr(prescription, name) for name in _KEPT}
    rest = Prescription(
        public_id=public_id,
        version=prescription.version + 1,
        total_fen=sum(line.amount_fen for line in lines),
        received_at=uow.now(),
        **kept,
    )
    for column in ("diagnosis", "long_course_reason"):
        place, sealed = f"prescription.{column}", getattr(prescription, f"{column}_sealed")
        said = uow.keys.open(sealed, f"{place}:{prescription.public_id}")
        setattr(rest, f"{column}_sealed", uow.keys.seal(said, f"{place}:{public_id}"))
    writing.add(uow, rest, [_copy(number, line) for number, line in enumerate(lines, start=1)])
    audit.record(uow, "prescription.leave_out", "prescription", public_id, version=rest.version)
    uow.publish(PrescriptionIssued(rest.id, rest.patient_id))
    return rest


def _copy(number: int, line: PrescriptionLine) -> PrescriptionLine:
    return PrescriptionLine(line_no=number, **{name: getattr(line, name) for name in _LINE})
