"""The hospital's own list of departments and doctors, as its systems keep it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select

from app.kernel import audit
from app.kernel.uow import Uow
from app.scheduling.models import Department, Practitioner, Shift, ShiftException
from app.scheduling.service import department_by_code

DEPARTMENT_FACTS = ("name", "name_en", "location", "location_en", "ticket_letter", "campus_code")


@dataclass(frozen=True)
class DoctorIn:
    """What is known of a doctor; '' leaves a field as it is."""

    code: str
    name: str = ""
    title: str = ""
    department_code: str = ""
    good_at: str = ""


def file_doctor(uow: Uow, doctor: DoctorIn) -> Practitioner:
    """The doctor is on file as told; filed again under the same code they are changed.

    Refuses `not_found` for a department that is not on file, and for a new doctor without one.
    """
    row = uow.session.scalars(select(Practitioner).where(Practitioner.code == doctor.code)).first()
    if row is None:
        home = department_by_code(uow, doctor.department_code)
        row = Practitioner(code=doctor.code, name=doctor.name or doctor.code, title="", department_id=home.id)
        uow.session.add(row)
    elif doctor.department_code:
        row.department_id = department_by_code(uow, doctor.department_code).id
    row.name, row.title = doctor.name or row.name, doctor.title or row.title
    row.good_at = doctor.good_at or row.good_at or ""
    uow.session.flush()
    audit.record(uow, "practitioner.file", "practitioner", row.code)
    return row


def let_go(uow: Uow, code: str) -> bool:
    """The doctor has no weekly shifts any more, so no session opens; those that stand are stopped by a person.

    False when nobody has this code.
    """
    row = uow.session.scalars(select(Practitioner).where(Practitioner.code == code)).first()
    if row is None:
        return False
    uow.session.execute(delete(Shift).where(Shift.practitioner_id == row.id))
    to_come = ShiftException.practitioner_id == row.id, ShiftException.day >= uow.today()
    uow.session.execute(delete(ShiftException).where(*to_come))
    audit.record(uow, "practitioner.let_go", "practitioner", code)
    return True


def file_department(uow: Uow, *, code: str, **told: str) -> Department:
    """The department is on file as told (`DEPARTMENT_FACTS`); what is not told, or is '', stays as it is."""
    row = uow.session.scalars(select(Department).where(Department.code == code)).first()
    if row is None:
        name = told.get("name") or code
        row = Department(code=code, name=name, name_en=told.get("name_en") or name, location="")
        uow.session.add(row)
    for fact in DEPARTMENT_FACTS:
        if told.get(fact):
            setattr(row, fact, told[fact])
    uow.session.flush()
    audit.record(uow, "department.file", "department", code)
    return row
