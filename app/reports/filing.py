"""Filing a report as the hospital system sends it: new, corrected, withdrawn, or the same once more."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app import events
from app.kernel import audit, moves
from app.kernel.ids import new_public_id
from app.kernel.uow import Uow
from app.registration.service import registration_by_visit_number
from app.reports import rules
from app.reports.errors import ReportBusy, ReportOfAnotherPatient, ReportSuperseded
from app.reports.models import Observation, Report
from app.reports.rules import ObservationIn, ReportIn
from app.reports.states import REPORT, ReportState


def receive_from_his(uow: Uow, *, report: ReportIn, peer: str) -> Report:
    """The report is on file as its sender says, under the sender's number; the patient is told by who follows.

    The same number again replaces what was (a correction is unread again), the same content again is quiet, a
    withdrawal leaves nothing to look up and is not announced. A visit this house does not know is no obstacle.
    Refuses `bad_report`, `report_of_another_patient`, `report_superseded`; `report_busy` asks to send again.
    """
    rules.check(report)
    visit_id = _visit_of(uow, report)
    found = _on_file(uow, report, peer)
    if found is not None and _says_the_same(uow, found, report):
        return found
    version = found.version + 1 if found else 1
    found = found or _file(uow, report, peer)
    _move(uow, found, report, version=version, registration_id=visit_id or found.registration_id)
    _keep(uow, found, report)
    audit.record(uow, "report.receive", "report", found.public_id, state=found.state.value, version=found.version)
    if found.state != ReportState.WITHDRAWN:
        uow.publish(events.ReportArrived(found.id, found.patient_id))
    return found


def observations_of(uow: Uow, report: Report) -> list[ObservationIn]:
    """The findings that count, opened and in their order; none of a withdrawn report."""
    if report.state == ReportState.WITHDRAWN:
        return []
    rows = uow.session.scalars(
        select(Observation)
        .where(Observation.report_id == report.id, Observation.version == report.version)
        .order_by(Observation.seq)
    )
    return [
        ObservationIn(
            code=row.code,
            name=row.name,
            value=uow.keys.open(row.value_sealed, _place(report, row.version, row.seq)),
            unit=row.unit,
            reference_range=row.reference_range,
            flag=row.flag,
        )
        for row in rows
    ]


def _on_file(uow: Uow, report: ReportIn, peer: str) -> Report | None:
    found = uow.session.scalars(
        select(Report)
        .where(Report.source == peer, Report.filler_number == report.filler_number)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if found is not None and found.patient_id != report.patient_id:
        raise ReportOfAnotherPatient(filler_number=report.filler_number)
    return found


def _file(uow: Uow, report: ReportIn, peer: str) -> Report:
    filed = Report(
        public_id=new_public_id(),
        source=peer,
        filler_number=report.filler_number,
        patient_id=report.patient_id,
        code=report.code,
        name=report.name,
        state=REPORT.initial,
        version=1,
        reported_at=report.reported_at,
        arrived_at=uow.now(),
    )
    uow.session.add(filed)
    try:
        uow.session.flush()
    except IntegrityError as error:  # the same report came in by another connection and was faster
        raise ReportBusy from error
    return filed


def _says_the_same(uow: Uow, found: Report, report: ReportIn) -> bool:
    following = REPORT.moves.get((found.state, rules.action_of(report)))
    said = [(row.code, row.name, row.value, row.unit, row.reference_range, row.flag) for row in rules.standing(report)]
    kept = [
        (row.code, row.name, row.value, row.unit, row.reference_range, row.flag) for row in observations_of(uow, found)
    ]
    is_withdrawn_again = following == found.state == ReportState.WITHDRAWN
    return is_withdrawn_again or (
        following == found.state and said == kept and found.name == report.name and found.code == report.code
    )


def _move(uow: Uow, found: Report, report: ReportIn, *, version: int, registration_id: int | None) -> None:
    action = rules.action_of(report)
    if not REPORT.may(found.state, action):
        raise ReportSuperseded(state=found.state.value)
    moves.move(
        uow,
        REPORT,
        found,
        action,
        code=report.code,
        name=report.name,
        reported_at=report.reported_at,
        version=version,
        registration_id=registration_id,
        read_at=None,
    )


def _visit_of(uow: Uow, report: ReportIn) -> int | None:
    visit = registration_by_visit_number(uow, report.visit_number) if report.visit_number else None
    if visit is None:
        return None
    if visit.patient_id != report.patient_id:
        raise ReportOfAnotherPatient(filler_number=report.filler_number)
    return visit.id


def _keep(uow: Uow, found: Report, report: ReportIn) -> None:
    uow.session.add_all(
        Observation(
            report_id=found.id,
            version=found.version,
            seq=seq,
            code=row.code,
            name=row.name,
            value_sealed=uow.keys.seal(row.value, _place(found, found.version, seq)),
            unit=row.unit,
            reference_range=row.reference_range,
            flag=row.flag,
        )
        for seq, row in enumerate(rules.standing(report), start=1)
    )
    uow.session.flush()


def _place(report: Report, version: int, seq: int) -> str:
    return f"observation.value:{report.id}.{version}.{seq}"
