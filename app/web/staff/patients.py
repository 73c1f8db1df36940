"""Looking a patient up by the number of a visit or of the record; names cannot be searched, each look is on record."""

from __future__ import annotations

from flask import flash, redirect, url_for
from flask_babel import gettext

from app.identity import for_staff
from app.identity import service as identity
from app.identity.rules import mask_id_number, mask_phone
from app.kernel import audit
from app.kernel.uow import Uow
from app.registration import for_staff as visits_of
from app.registration import service as registration
from app.web import edge, show, show_work, work
from app.web.staff import ADMIN, AUDITOR, OPERATIONS, PLACE, blueprint

MOST_SEARCHES_PER_HOUR = 120


@blueprint.get("/patients")
@work.needs(ADMIN, OPERATIONS, AUDITOR)
def patients() -> edge.Answer:
    """The form for a visit's number or a medical record number."""
    return work.page("staff/patients.html", PLACE)


@blueprint.post("/patients")
@work.needs(ADMIN, OPERATIONS, AUDITOR)
def find_patient() -> edge.Answer:
    """Leads to the patient; a number nobody has is said to be unknown. Found or not, the search is on record."""
    edge.limit("staff.patients", edge.actor().ref, at_most=MOST_SEARCHES_PER_HOUR, window_seconds=3600)
    uow = edge.current_uow()
    number = work.typed("number", 64)
    visit = registration.registration_by_visit_number(uow, number.upper())
    found = (
        for_staff.patient_by_id(uow, visit.patient_id) if visit else identity.patient_by_identifier(uow, "his", number)
    )
    audit.record(
        uow, "patient.search", "patient", found.public_id if found else "", outcome="ok" if found else "not_found"
    )
    if found is None:
        flash(gettext("没有这个号码的患者"), "warn")
        return redirect(url_for("staff.patients"))
    return redirect(url_for("staff.patient", patient_id=found.public_id))


@blueprint.get("/patients/<patient_id>")
@work.needs(ADMIN, OPERATIONS, AUDITOR)
def patient(patient_id: str) -> edge.Answer:
    """The patient's visits; document and phone are masked, the look is on record."""
    uow = edge.current_uow()
    found = for_staff.patient_by_public_id(uow, patient_id)
    phone = identity.phone_of(uow, found)
    number = identity.id_number_of(uow, found)
    mrn = identity.identifier_of(uow, found.id, "his")
    return work.page(
        "staff/patient.html",
        PLACE,
        banner=work.patient_banner(
            uow,
            found,
            gettext("病历号 %(number)s", number=mrn) if mrn else "",
            mask_phone(phone) if phone else "",
            mask_id_number(number) if number else "",
            show.proof_tag(found.proof)["text"],
        ),
        visits=_visits(uow, found.id),
        accounts=len(identity.accounts_of_patient(uow, found.id)),
    )


def _visits(uow: Uow, patient_id: int) -> list[dict[str, object]]:
    return [
        {
            "day": f"{visit.visit_day.isoformat()} {show.HALF_DAYS[visit.half_day]}",
            "number": visit.visit_number,
            "where": f"{show.in_language(department.name, department.name_en)} · {practitioner.name}",
            "fee": show.yuan(visit.fee_fen),
            "tag": show_work.tag(visit.state),
        }
        for visit, department, practitioner in visits_of.of_patient(uow, patient_id)
    ]
