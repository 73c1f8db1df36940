"""Which poster brought whom how far, and what is too small to be shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from app import events
from app.analytics import days, heartbeats, service
from app.analytics import followers as analytics
from app.analytics.models import ChannelKind, Stage
from app.analytics.rules import cell, percentile, share_bp
from app.kernel.errors import NotFound, Refused
from app.kernel.uow import Units
from app.registration import service as registrations
from app.registration.models import Registration
from tests import factories
from tests.conftest import SetClock

STORY = {
    events.RegistrationBooked: (analytics.count_when_booked,),
    events.PatientCheckedIn: (analytics.count_when_checked_in,),
}


@pytest.fixture
def units(units: Units) -> Units:
    return replace(units, story=STORY)


def poster(units: Units, name: str = "大厅海报") -> str:
    with units.open() as uow:
        return service.file_channel(
            uow, name=name, place="一楼大厅", kind=ChannelKind.POSTER, target="/departments"
        ).code


def held(units: Units, clinic: factories.Clinic, code: str) -> Registration:
    with units.open() as uow:
        who = factories.person(uow)
    with units.open(who.actor) as uow:
        return registrations.hold(
            uow,
            session_public_id=clinic.session.public_id,
            patient_public_id=who.patient.public_id,
            source_code=code,
        )


def rows(units: Units) -> dict[str, service.FunnelRow]:
    with units.open() as uow:
        return {row.code: row for row in service.funnel(uow, since_day=uow.today() - timedelta(days=1))}


def test_a_posters_patients_are_followed_to_the_door(units: Units) -> None:
    with units.open() as uow:
        clinic = factories.clinic(uow)
    code = poster(units)
    for visitor in ("a", "a", "b", "c", "d", "e", "f"):
        with units.open() as uow:
            service.scan(uow, code=code, visitor=visitor)
    brought = [held(units, clinic, code) for _ in range(5)]
    held(units, clinic, "")
    for registration in brought[:3]:
        with units.open() as uow:
            registrations.confirm(uow, uow.session.get_one(Registration, registration.id))
    with units.open() as uow:
        uow.publish(events.PatientCheckedIn(brought[0].id, brought[0].patient_id, 1, 1))
        uow.publish(events.PatientCheckedIn(brought[0].id, brought[0].patient_id, 1, 1))

    found = rows(units)

    row = found[code]
    assert [row.scans.count, row.visitors.count, row.held.count, row.booked.count, row.arrived.count] == [7, 6, 5, 3, 1]
    assert [row.held.share_bp, row.booked.share_bp, row.arrived.share_bp] == [8333, 6000, 3333]
    assert [row.held.is_small, row.booked.is_small, row.collected.is_small] == [False, True, False]
    assert found[""].held.count == 1
    assert list(found) == [code, ""]


def test_a_channel_nobody_scanned_stands_with_zeros(units: Units) -> None:
    code = poster(units)

    row = rows(units)[code]

    assert (row.name, row.scans.count, row.held.count, row.held.share_bp) == ("大厅海报", 0, 0, None)


def test_the_funnel_counts_from_the_day_asked_for(units: Units, clock: SetClock) -> None:
    with units.open() as uow:
        clinic = factories.clinic(uow)
    code = poster(units)
    held(units, clinic, code)

    clock.step(days=3)

    assert rows(units)[code].held.count == 0


def test_an_unknown_code_does_not_exist_and_a_closed_one_is_not_counted(units: Units) -> None:
    code = poster(units)
    with units.open() as uow:
        service.close_channel(uow, service.channels(uow)[0].public_id)

    with units.open() as uow:
        assert service.scan(uow, code=code, visitor="v").target == "/departments"
        with pytest.raises(NotFound):
            service.scan(uow, code="nothing", visitor="v")
    assert rows(units)[code].scans.count == 0


@pytest.mark.parametrize("target", ["https://elsewhere.example", "//elsewhere.example", "departments", "/\\elsewhere"])
def test_a_code_leads_only_to_our_own_pages(units: Units, target: str) -> None:
    with units.open() as uow, pytest.raises(Refused) as refused:
        service.file_channel(uow, name="x", target=target)

    assert refused.value.code == "bad_channel"


def test_a_loop_is_closed_when_the_patient_came_and_collected_what_was_prescribed(units: Units) -> None:
    with units.open() as uow:
        clinic = factories.clinic(uow)
    reached = [
        (),
        (Stage.ARRIVED,),
        (Stage.ARRIVED, Stage.PRESCRIBED),
        (Stage.ARRIVED, Stage.PRESCRIBED, Stage.COLLECTED),
    ]
    for stages in reached:
        registration = held(units, clinic, "")
        with units.open() as uow:
            for stage in (Stage.BOOKED, *stages):
                analytics._count(uow, registration.id, stage)

    with units.open() as uow:
        share = service.closed_loop_share(uow, since_day=uow.today())

    assert (share.count, share.share_bp, share.is_small) == (2, 5000, True)


def test_the_figures_of_a_day_are_the_same_however_often_they_are_counted(units: Units, clock: SetClock) -> None:
    with units.open() as uow:
        clinic = factories.clinic(uow)
    made = held(units, clinic, "")
    with units.open() as uow:
        registrations.confirm(uow, uow.session.get_one(Registration, made.id))
    code = poster(units)
    with units.open() as uow:
        service.scan(uow, code=code, visitor="v")

    for _ in range(2):
        with units.open() as uow:
            days.roll_up_day(uow, uow.today())
    with units.open() as uow:
        found = {(row.name, row.key): row.value for row in days.figures(uow, since_day=uow.today())}

    assert found == {("visits", "booked"): 1, ("scans", code): 1}


@pytest.mark.parametrize(
    ("values", "percent", "expected"), [([], 50, 0), ([7], 90, 7), ([1, 2, 3, 4], 50, 2), (list(range(1, 11)), 90, 9)]
)
def test_percentiles_are_values_that_occurred(values: list[int], percent: int, expected: int) -> None:
    assert percentile(values, percent) == expected


@pytest.mark.parametrize(("count", "is_small"), [(0, False), (1, True), (4, True), (5, False)])
def test_fewer_than_five_people_are_marked(count: int, is_small: bool) -> None:
    assert cell(count).is_small is is_small


def test_a_share_of_nothing_is_unknown() -> None:
    assert (share_bp(0, 0), share_bp(1, 3), share_bp(2, 3)) == (None, 3333, 6667)


def test_a_silent_process_is_noticed(units: Units, clock: SetClock) -> None:
    with units.open() as uow:
        assert heartbeats.seconds_since_beat(uow) is None
        for ran in (1, 2):
            heartbeats.beat(uow, process="host:1", started_at=uow.clock.wall_now(), ran=ran, failed=0)

    clock.step(seconds=90)

    with units.open() as uow:
        assert heartbeats.seconds_since_beat(uow) == 90
        assert [beat.ran for beat in heartbeats.heartbeats(uow)] == [2]
    clock.step(days=3)
    with units.open() as uow:
        heartbeats.beat(uow, process="host:2", started_at=uow.clock.wall_now(), ran=0, failed=0)
    with units.open() as uow:
        assert [beat.process for beat in heartbeats.heartbeats(uow)] == ["host:2"]
