"""Reports as the patient looks them up."""

from __future__ import annotations

from sqlalchemy import select, update

from app.identity import service as identity
from app.kernel import audit
from app.kernel.errors import NotFound
from app.kernel.uow import Uow
from app.reports.filing import observations_of, receive_from_his
from app.reports.models import Report

__all__ = ["list_of_account", "list_of_registration", "mark_read", "observations_of", "of_account", "receive_from_his"]


def of_account(uow: Uow, public_id: str) -> Report:
    """The report named `public_id` of a patient the asking account may act for; else NotFound."""
    found = uow.session.scalars(
        select(Report).where(Report.public_id == public_id, Report.patient_id.in_(identity.linked_patient_ids(uow)))
    ).first()
    if found is None:
        raise NotFound
    return found


def list_of_account(uow: Uow, *, limit: int = 50) -> list[Report]:
    """The newest reports of the patients the asking account may act for; withdrawn ones say so by their state."""
    return list(
        uow.session.scalars(
            select(Report)
            .where(Report.patient_id.in_(identity.linked_patient_ids(uow)))
            .order_by(Report.reported_at.desc(), Report.id.desc())
            .limit(limit)
        )
    )


def list_of_registration(uow: Uow, registration_id: int) -> list[Report]:
    """The visit's reports, oldest first, for a timeline whose visit was loaded within its scope."""
    return list(
        uow.session.scalars(select(Report).where(Report.registration_id == registration_id).order_by(Report.id))
    )


def mark_read(uow: Uow, *, public_id: str) -> Report:
    """The patient has looked at the report as it stands; NotFound for a foreign one, quiet when called twice."""
    report = of_account(uow, public_id)
    first = uow.session.scalar(
        update(Report)
        .where(Report.id == report.id, Report.read_at.is_(None))
        .values(read_at=uow.now())
        .returning(Report.id),
        execution_options={"synchronize_session": False},
    )
    if first is not None:
        uow.session.refresh(report)
        audit.record(uow, "report.read", "report", report.public_id, version=report.version)
    return report
