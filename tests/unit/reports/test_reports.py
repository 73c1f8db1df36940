"""A report arrives, is corrected or withdrawn under its number, and only its patient looks it up."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import UTC, datetime
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from app.events import ReportArrived
from app.kernel.errors import NotFound, VisitError
from app.kernel.uow import Units, Uow
from app.reports import rules, service
from app.reports.errors import BadReport, ReportOfAnotherPatient, ReportSuperseded
from app.reports.invariants import INVARIANTS
from app.reports.models import Observation, Report
from app.reports.rules import ObservationIn, ReportIn
from app.reports.states import REPORT, ReportAction, ReportState
from tests import factories

GLUCOSE = ObservationIn("GLU", "葡萄糖", "7.9", "mmol/L", "3.9-6.1", "H")
POTASSIUM = ObservationIn("K", "钾", "4.1", "mmol/L", "3.5-5.3")


@pytest.fixture(autouse=True)
def _the_books_are_right(units: Units):
    yield
    with units.open(reads_only=True) as uow:
        broken = {name: uow.session.scalar(text(statement)) for name, statement in INVARIANTS.items()}
    assert not any(broken.values()), broken


@pytest.fixture
def who(units: Units) -> factories.Person:
    with units.open() as uow:
        return factories.person(uow)


def a_report(who: factories.Person, status: str = "F", *observations: ObservationIn, number: str = "L1") -> ReportIn:
    return ReportIn(
        filler_number=number,
        patient_id=who.patient.id,
        visit_number=None,
        code="BIO",
        name="生化检验",
        status=status,
        reported_at=datetime(2026, 11, 23, 1, 0, tzinfo=UTC),
        observations=observations or (GLUCOSE, POTASSIUM),
    )


def receive(uow: Uow, report: ReportIn) -> Report:
    return service.receive_from_his(uow, report=report, peer="his")


def announced(uow: Uow) -> int:
    return len([event for event in uow._happened if isinstance(event, ReportArrived)])


def test_a_report_is_announced_by_number_only_and_looked_up(units: Units, who: factories.Person) -> None:
    with units.open() as uow:
        report = receive(uow, a_report(who))
        assert list(uow._happened) == [ReportArrived(report.id, who.patient.id)]
        assert {field.name for field in fields(ReportArrived)} == {"report_id", "patient_id"}

    with units.open(who.actor) as uow:
        found = service.mark_read(uow, public_id=report.public_id)
        assert (found.state, found.name, found.read_at) == (ReportState.FINAL, "生化检验", uow.now())
        assert service.observations_of(uow, found) == [GLUCOSE, POTASSIUM]
        assert "7.9" not in uow.session.query(Observation).first().value_sealed


def test_the_same_report_again_is_quiet(units: Units, who: factories.Person) -> None:
    with units.open() as uow:
        receive(uow, a_report(who))

    with units.open() as uow:
        again = receive(uow, a_report(who))

        assert (again.version, announced(uow)) == (1, 0)
        assert uow.session.query(Observation).count() == 2


def test_a_correction_replaces_what_was_and_is_unread_again(units: Units, who: factories.Person) -> None:
    with units.open(who.actor) as uow:
        report = receive(uow, a_report(who))
        service.mark_read(uow, public_id=report.public_id)
    right = replace(GLUCOSE, value="5.0", flag="")

    with units.open(who.actor) as uow:
        corrected = receive(uow, a_report(who, "C", right))

        assert (corrected.id, corrected.state, corrected.version) == (report.id, ReportState.CORRECTED, 2)
        assert corrected.read_at is None
        assert announced(uow) == 1
        assert service.observations_of(uow, corrected) == [right]
        assert uow.session.query(Observation).count() == 3


@pytest.mark.parametrize("how", ["D", "X", "deleted findings"])
def test_a_withdrawn_report_says_nothing_and_is_not_announced(units: Units, who: factories.Person, how: str) -> None:
    with units.open() as uow:
        receive(uow, a_report(who))
    gone = a_report(who, "F", replace(GLUCOSE, status="D")) if how == "deleted findings" else a_report(who, how)

    with units.open() as uow:
        withdrawn = receive(uow, gone)
        receive(uow, gone)

        assert (withdrawn.state, withdrawn.version, announced(uow)) == (ReportState.WITHDRAWN, 2, 0)
        assert service.observations_of(uow, withdrawn) == []


def test_one_deleted_finding_leaves_the_others(units: Units, who: factories.Person) -> None:
    with units.open() as uow:
        report = receive(uow, a_report(who, "C", replace(GLUCOSE, status="D"), POTASSIUM))

        assert service.observations_of(uow, report) == [POTASSIUM]


def test_a_preliminary_report_never_replaces_a_released_one(units: Units, who: factories.Person) -> None:
    with units.open() as uow:
        receive(uow, a_report(who, "P"))
        receive(uow, a_report(who, "F"))
    with units.open() as uow, pytest.raises(ReportSuperseded):
        receive(uow, a_report(who, "P", POTASSIUM))

    with units.open() as uow:
        report = uow.session.query(Report).one()
        assert (report.state, len(service.observations_of(uow, report))) == (ReportState.FINAL, 2)


def test_a_visit_this_house_does_not_know_is_no_obstacle(units: Units, who: factories.Person) -> None:
    with units.open() as uow:
        report = receive(uow, replace(a_report(who), visit_number="V-ELSEWHERE"))

        assert report.registration_id is None


def test_a_report_joins_its_visit_and_never_another_patients(units: Units, who: factories.Person) -> None:
    with units.open() as uow:
        clinic = factories.clinic(uow)
        stranger = factories.person(uow)
    visit = factories.booked(units, who, clinic.session)
    with units.open() as uow:
        report = receive(uow, replace(a_report(who), visit_number=visit.visit_number))
        assert service.list_of_registration(uow, visit.id) == [report]

    for foreign in (
        replace(a_report(stranger, number="L2"), visit_number=visit.visit_number),
        a_report(stranger),
    ):
        with pytest.raises(ReportOfAnotherPatient), units.open() as uow:
            receive(uow, foreign)
    with units.open() as uow:
        assert uow.session.query(Report).count() == 1


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"status": "Z"}, "status"),
        ({"filler_number": " "}, "filler_number"),
        ({"filler_number": "1" * 65}, "filler_number"),
        ({"name": "a\x00b"}, "name"),
        ({"reported_at": datetime(2026, 11, 23)}, "reported_at"),
        ({"observations": (replace(GLUCOSE, value="\x00"),)}, "observation 1: value"),
        ({"observations": (GLUCOSE, replace(GLUCOSE, unit="x" * 41))}, "observation 2: unit"),
        ({"observations": (GLUCOSE,) * 501}, "observations"),
    ],
)
def test_what_is_no_report_is_refused_by_its_place(
    units: Units, who: factories.Person, change: dict[str, object], place: str
) -> None:
    with units.open() as uow, pytest.raises(BadReport) as refusal:
        receive(uow, replace(a_report(who), **change))

    assert refusal.value.facts == {"place": place}


@given(st.text(max_size=50))
def test_nothing_a_peer_writes_breaks_the_check(value: str) -> None:
    observation = replace(GLUCOSE, value=value, flag=value[:8])
    report = ReportIn(value, 1, value, value, value, "F", datetime(2026, 1, 1, tzinfo=UTC), (observation,))

    try:
        rules.check(report)
    except BadReport:
        return
    assert report.filler_number.strip()


def test_a_patient_sees_their_own_reports_only(units: Units, who: factories.Person) -> None:
    with units.open() as uow:
        report = receive(uow, a_report(who))
        stranger = factories.person(uow)
    with units.open(who.actor) as uow:
        assert [row.id for row in service.list_of_account(uow)] == [report.id]
    with units.open(stranger.actor) as uow:
        assert service.list_of_account(uow) == []
        for look in (service.of_account, lambda uow, name: service.mark_read(uow, public_id=name)):
            with pytest.raises(NotFound):
                look(uow, report.public_id)


def test_the_same_report_by_many_connections_is_filed_once(units: Units, who: factories.Person) -> None:
    together = Barrier(6)

    def send(_: int) -> str:
        together.wait()
        try:
            with units.open() as uow:
                receive(uow, a_report(who))
        except VisitError as error:
            return error.code
        return "filed"

    with ThreadPoolExecutor(6) as pool:
        answers = set(pool.map(send, range(6)))

    assert "filed" in answers
    assert answers <= {"filed", "report_busy"}
    with units.open() as uow:
        assert (uow.session.query(Report).count(), uow.session.query(Observation).count()) == (1, 2)


def test_every_state_is_reachable_and_every_action_used() -> None:
    assert {REPORT.initial} | set(REPORT.moves.values()) == set(ReportState)
    assert {action for _, action in REPORT.moves} == set(ReportAction)
