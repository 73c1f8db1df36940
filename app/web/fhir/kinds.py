"""The kinds of resources there are: how one is found, how many are searched, whose they are, and how they are told."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.identity import exchange as identity
from app.identity.for_staff import patient_by_public_id
from app.invoice import exchange as invoices
from app.kernel.errors import BadInput, NotFound
from app.kernel.pages import Page
from app.kernel.uow import Uow
from app.pharmacy import exchange as pharmacy
from app.prescription import exchange as prescriptions
from app.registration import by_client, listing
from app.registration.listing import Listed
from app.reports import exchange as reports
from app.scheduling import exchange as scheduling
from app.scheduling.exchange import Place
from app.scheduling.states import SlotState
from app.web.fhir import answers
from app.web.fhir.resources.appointment import appointment
from app.web.fhir.resources.diagnostic_report import diagnostic_report
from app.web.fhir.resources.invoice import invoice
from app.web.fhir.resources.medication import medication_dispense, medication_request
from app.web.fhir.resources.parts import IDENTITY_CARD, Here, Json
from app.web.fhir.resources.patient import patient
from app.web.fhir.resources.schedule import schedule, slot
from app.web.fhir.searching import Asked

_NUMBERED = re.compile(r"([0-9a-z]{26})-(\d{1,4})", re.ASCII)
SLOT_STATES = {
    "free": (SlotState.FREE,),
    "busy": (SlotState.TAKEN,),
    "busy-tentative": (SlotState.HELD, SlotState.SET_ASIDE),
}


@dataclass(frozen=True)
class Kind:
    """A kind of resource. `params` maps each search parameter to its FHIR type; one of `needs` must be given.

    `patient_of` says whose a found thing is, for the audit trail; None when it is nobody's.
    """

    params: dict[str, str]
    one: Callable[[Uow, str], Any]
    some: Callable[[Uow, Asked, Page], list[Any]]
    key_of: Callable[[Any], int]
    patient_of: Callable[[Any], str] | None
    told: Callable[[Uow, Any, Here], Json]
    needs: frozenset[str] = frozenset()


def by_number(resource_id: str) -> tuple[str, int]:
    """The public id and the line or place number of which some ids are made; else NotFound."""
    read = _NUMBERED.fullmatch(resource_id)
    if read is None:
        raise NotFound
    return read[1], int(read[2])


def _days(asked: Asked, name: str) -> scheduling.Sought:
    from_day, to_day = asked.days(name)
    return scheduling.Sought(
        from_day,
        to_day,
        department_code=asked.one("specialty"),
        session_public_id=asked.reference("schedule", "Schedule"),
        states=_slot_states(asked.one("status")),
    )


def _slot_states(status: str) -> tuple[SlotState, ...]:
    if status and status not in SLOT_STATES:
        raise BadInput(fields={"status": "unknown_code"})
    return SLOT_STATES.get(status, ())


def _patients(uow: Uow, asked: Asked, _page: Page) -> list[identity.PatientRecord]:
    base = answers.here()
    system, value = asked.identifier()
    systems = {base.system("mrn"): "his", base.system("insurance"): "insurance", IDENTITY_CARD: identity.IDENTITY_CARD}
    if system not in systems:
        raise BadInput(fields={"identifier": "unknown_system"})
    return identity.patients_with(uow, systems[system], value)


def _appointments(uow: Uow, asked: Asked, page: Page) -> list[Listed]:
    from_day, to_day = asked.days("date")
    sought = listing.Sought(_patient_id(uow, asked), from_day, to_day)
    if asked.one("identifier"):
        return _appointment_numbered(uow, *asked.identifier())
    return listing.listed(uow, sought, page)


def _appointment_numbered(uow: Uow, system: str, value: str) -> list[Listed]:
    if system == answers.here().system("visit"):
        return listing.listed(uow, listing.Sought(visit_number=value), Page())
    known = by_client.numbered(uow, f"{system}|{value}")
    return [] if known is None else [listing.listed_named(uow, known.public_id)]


def _patient_id(uow: Uow, asked: Asked) -> int | None:
    public_id = asked.reference("patient", "Patient")
    return patient_by_public_id(uow, public_id).id if public_id else None


def _of_patient(
    read: Callable[[Uow, int, Page], list[Any]],
) -> Callable[[Uow, Asked, Page], list[Any]]:
    """A search that is by patient only."""
    return lambda uow, asked, page: read(uow, _patient_id(uow, asked) or 0, page)


def _with_own_numbers(uow: Uow, found: Listed, here: Here) -> Json:
    return appointment(found, here, by_client.numbers_of(uow, found.registration))


def _place(uow: Uow, resource_id: str) -> Place:
    return scheduling.place_numbered(uow, *by_number(resource_id))


def _whose(found: Any) -> str:  # noqa: ANN401 - each kind's own row
    public_id: str = found.patient.public_id
    return public_id


_PATIENT = {"patient": "reference"}
_NEEDS_PATIENT = frozenset({"patient"})
KINDS = {
    "Patient": Kind(
        params={"identifier": "token"},
        one=identity.patient_named,
        some=_patients,
        key_of=lambda found: int(found.patient.id),
        patient_of=_whose,
        told=lambda _uow, found, here: patient(found, here),
        needs=frozenset({"identifier"}),
    ),
    "Schedule": Kind(
        params={"date": "date", "specialty": "token"},
        one=scheduling.sitting_named,
        some=lambda uow, asked, page: scheduling.sittings(uow, _days(asked, "date"), page),
        key_of=lambda found: int(found.clinic_session.id),
        patient_of=None,
        told=lambda _uow, found, here: schedule(found, here),
    ),
    "Slot": Kind(
        params={"schedule": "reference", "start": "date", "status": "token", "specialty": "token"},
        one=_place,
        some=lambda uow, asked, page: scheduling.places(uow, _days(asked, "start"), page),
        key_of=lambda found: int(found.slot.id),
        patient_of=None,
        told=lambda _uow, found, here: slot(found, here),
    ),
    "Appointment": Kind(
        params=_PATIENT | {"date": "date", "identifier": "token"},
        one=listing.listed_named,
        some=_appointments,
        key_of=lambda found: int(found.registration.id),
        patient_of=_whose,
        told=_with_own_numbers,
        needs=frozenset({"patient", "date", "identifier"}),
    ),
    "MedicationRequest": Kind(
        params=_PATIENT,
        one=lambda uow, resource_id: prescriptions.drug_named(uow, *by_number(resource_id)),
        some=_of_patient(prescriptions.drugs_of_patient),
        key_of=lambda found: int(found.line.id),
        patient_of=_whose,
        told=lambda _uow, found, here: medication_request(found, here),
        needs=_NEEDS_PATIENT,
    ),
    "MedicationDispense": Kind(
        params=_PATIENT,
        one=lambda uow, resource_id: pharmacy.drug_named(uow, *by_number(resource_id)),
        some=_of_patient(pharmacy.drugs_of_patient),
        key_of=lambda found: int(found.line.id),
        patient_of=_whose,
        told=lambda _uow, found, here: medication_dispense(found, here),
        needs=_NEEDS_PATIENT,
    ),
    "DiagnosticReport": Kind(
        params=_PATIENT,
        one=reports.report_named,
        some=_of_patient(reports.reports_of_patient),
        key_of=lambda found: int(found.report.id),
        patient_of=_whose,
        told=lambda _uow, found, here: diagnostic_report(found, here),
        needs=_NEEDS_PATIENT,
    ),
    "Invoice": Kind(
        params=_PATIENT,
        one=invoices.invoice_named,
        some=_of_patient(invoices.invoices_of_patient),
        key_of=lambda found: int(found.invoice.id),
        patient_of=_whose,
        told=lambda _uow, found, here: invoice(found, here),
        needs=_NEEDS_PATIENT,
    ),
}
