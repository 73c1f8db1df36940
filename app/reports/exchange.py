"""Reports as other systems of the hospital read them; whoever hands them on writes that down."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, select

from app.identity.models import Patient
from app.kernel.errors import NotFound
from app.kernel.pages import Page
from app.kernel.uow import Uow
from app.reports.filing import observations_of
from app.reports.models import Report
from app.reports.rules import ObservationIn


@dataclass(frozen=True)
class FullReport:
    """A report with its findings, opened, and with whose it is."""

    report: Report
    patient: Patient
    findings: list[ObservationIn]


def report_named(uow: Uow, public_id: str) -> FullReport:
    """The report named `public_id`; else NotFound."""
    row = uow.session.execute(_reports().where(Report.public_id == public_id)).first()
    if row is None:
        raise NotFound
    return _full(uow, *row)


def reports_of_patient(uow: Uow, patient_id: int, page: Page) -> list[FullReport]:
    """A page of the patient's reports, in the order they arrived; a withdrawn one has no findings."""
    query = page.of(_reports().where(Report.patient_id == patient_id), Report.id)
    return [_full(uow, *row) for row in uow.session.execute(query)]


def _reports() -> Select[Report, Patient]:
    return select(Report, Patient).join(Patient, Patient.id == Report.patient_id)


def _full(uow: Uow, report: Report, patient: Patient) -> FullReport:
    return FullReport(report, patient, observations_of(uow, report))
