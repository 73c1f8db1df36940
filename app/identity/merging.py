"""Two records of one person become one: the hospital system says which record stays."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from app.events import PatientBound, PatientsMerged
from app.identity import guardians, proofs, sql
from app.identity.errors import IdentityConflict, MergeCircular
from app.identity.models import Patient, PatientIdentifier, PatientLink
from app.identity.service import id_number_of, phone_of, set_id_number, set_phone
from app.kernel import audit
from app.kernel.errors import NotFound
from app.kernel.uow import Uow


def merge_patients(uow: Uow, *, surviving_mrn: str, merged_mrn: str) -> Patient:
    """The record with the hospital's number `merged_mrn` is part of the one with `surviving_mrn`, which is returned.

    Numbers and the accounts that act for the merged record go over; what else it held follows by `PatientsMerged`.
    Its row stays, with what is in it, and says into which record it went. A number that is on no record yet becomes
    one of the other's. Merged already, it is quiet. Refuses NotFound when neither number is known, `merge_circular`,
    and `identity_conflict` when the records hold two different identity numbers: then a person must look.
    """
    if surviving_mrn == merged_mrn:
        raise MergeCircular
    staying, going = _identifier(uow, surviving_mrn), _identifier(uow, merged_mrn)
    known = staying or going
    if known is None:
        raise NotFound
    staying = staying or _number_of(uow, known.patient_id, surviving_mrn)
    going = going or _number_of(uow, known.patient_id, merged_mrn)
    if staying.patient_id != going.patient_id:
        return _merge(uow, staying.patient_id, going.patient_id)
    if staying.is_former and not going.is_former:
        raise MergeCircular
    going.is_former = True
    return uow.session.get_one(Patient, staying.patient_id)


def standing_patient(uow: Uow, system: str, value: str) -> Patient | None:
    """The patient whom `system` knows as `value`, by the record itself or the one into which it was merged.

    It cannot be merged away while this unit is open.
    """
    patient: Patient | None = sql.KNOWN_AS_KEPT.row(uow, {"p_system": system, "p_value": value})
    if patient is None:
        return None
    while patient.merged_into_id is not None:
        patient = sql.BY_KEY_KEPT.row(uow, {"p_id": patient.merged_into_id})
    return patient


def repoint(uow: Uow, merged: PatientsMerged, *tables: Any) -> None:  # noqa: ANN401 - tables that have `patient_id`
    """What the merged record holds in `tables` is the patient's; each slice does it for its own tables."""
    for table in tables:
        uow.session.execute(
            update(table)
            .where(table.patient_id == merged.merged_patient_id)
            .values(patient_id=merged.patient_id)
            .execution_options(synchronize_session="fetch")
        )


def _identifier(uow: Uow, mrn: str) -> PatientIdentifier | None:
    return uow.session.scalars(
        select(PatientIdentifier).where(PatientIdentifier.system == "his", PatientIdentifier.value == mrn)
    ).first()


def _number_of(uow: Uow, patient_id: int, mrn: str) -> PatientIdentifier:
    number = PatientIdentifier(patient_id=patient_id, system="his", value=mrn, is_former=False)
    uow.session.add(number)
    uow.session.flush()
    return number


def _merge(uow: Uow, staying_id: int, going_id: int) -> Patient:
    locked = select(Patient).where(Patient.id.in_((staying_id, going_id))).order_by(Patient.id).with_for_update()
    rows = {row.id: row for row in uow.session.scalars(locked, execution_options={"populate_existing": True})}
    staying, going = rows[staying_id], rows[going_id]
    _take_over_facts(uow, staying, going)
    going.merged_into_id = staying.id
    uow.session.execute(
        update(PatientIdentifier)
        .where(PatientIdentifier.patient_id == going.id, PatientIdentifier.system == "his")
        .values(is_former=True)
    )
    uow.session.execute(
        update(PatientIdentifier).where(PatientIdentifier.patient_id == going.id).values(patient_id=staying.id)
    )
    audit.record(uow, "patient.merge", "patient", staying.public_id, merged=going.public_id)
    uow.publish(PatientsMerged(staying.id, going.id))
    _take_over_links(uow, staying, going)
    return staying


def _take_over_facts(uow: Uow, staying: Patient, going: Patient) -> None:
    """The identity number belongs to one record; what the staying one does not know it learns from the other."""
    if staying.id_number_index and going.id_number_index:
        raise IdentityConflict(staying=staying.public_id, merged=going.public_id)
    if going.id_number_index:
        number = id_number_of(uow, going)
        going.id_number_sealed, going.id_number_index = "", None
        uow.session.flush()
        set_id_number(uow, staying, number)
    if not staying.phone_sealed and going.phone_sealed:
        set_phone(uow, staying, phone_of(uow, going))
    staying.birth_date = staying.birth_date or going.birth_date
    if not proofs.is_proven(staying):
        staying.proof, staying.proven_at = going.proof, going.proven_at
    guardians.take_over(uow, staying, going)


def _take_over_links(uow: Uow, staying: Patient, going: Patient) -> None:
    """Whoever acted for the merged record acts for the patient; their links to the merged one end."""
    held = {link.account_id: link for link in _links(uow, staying.id)}
    for link in _links(uow, going.id):
        if link.ended_at is not None:
            continue
        standing = held.get(link.account_id)
        if standing is None:
            facts = {"account_id": link.account_id, "relation": link.relation, "created_at": uow.now()}
            uow.session.add(PatientLink(patient_id=staying.id, **facts))
        elif standing.ended_at is not None:
            standing.relation, standing.ended_at = link.relation, None
        link.ended_at = uow.now()
        uow.publish(PatientBound(link.account_id, staying.id))
    uow.session.flush()


def _links(uow: Uow, patient_id: int) -> list[PatientLink]:
    return list(uow.session.scalars(select(PatientLink).where(PatientLink.patient_id == patient_id)))
