"""A day that was can be played again as it was."""

from __future__ import annotations

from datetime import timedelta

from app.kernel.uow import Units
from app.queueing import service
from app.queueing.past_day import past_day
from app.queueing.trying import play_by
from app.rulebook.terms import SHIPPED
from tests.conftest import SetClock
from tests.unit.queueing.test_waiting_room import waiting_room


def test_what_happened_in_a_session_stands_in_its_plan(units: Units, clock: SetClock) -> None:
    clinic, _ = waiting_room(units, 3)
    clock.step(minutes=5)
    with units.open() as uow:
        first = service.call_next(uow, session=clinic.session)
        service.pass_over(uow, first)
        second = service.call_next(uow, session=clinic.session)
        service.begin(uow, second)
    clock.step(minutes=12)
    with units.open() as uow:
        second = service.ticket_by_public_id(uow, second.public_id)
        service.send_for_tests(uow, second)
        service.rejoin(uow, service.ticket_by_public_id(uow, first.public_id))
    clock.step(minutes=20)
    with units.open() as uow:
        second = service.ticket_by_public_id(uow, second.public_id)
        service.come_back(uow, second)

    with units.open(reads_only=True) as uow:
        (plan,) = past_day(uow, uow.today())
        assert past_day(uow, uow.today() - timedelta(days=1)) == []
        assert past_day(uow, uow.today(), department_id=clinic.department.id + 1) == []

    passed, tested, waiting = plan.expected
    assert (plan.slot_minutes, plan.begins_at) == (15.0, 5.0)
    assert (passed.slot_at, passed.arrives_at, passed.away_minutes) == (0.0, 0.0, 12.0)
    assert (tested.slot_at, tested.visit_minutes, tested.tests_minutes) == (15.0, 12.0, 20.0)
    assert (waiting.visit_minutes, waiting.tests_minutes) == (15.0, None)
    assert [each.group for each in play_by(SHIPPED, plan)] == ["passed", "returned", "new"]
