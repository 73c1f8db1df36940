"""A rule holds from its day on, for the narrowest scope that states it, and never against another."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from app.kernel.audit import AuditEvent
from app.kernel.uow import Units
from app.rulebook import service
from app.rulebook.contradictions import CODES, contradictions
from app.rulebook.errors import BadRules, RuleChanged, RuleContradicts, RuleStartsInPast, RuleUnchanged
from app.rulebook.schemas import RulesSchema, faults_of
from app.rulebook.service import HOUSE, Where, rules_for
from app.rulebook.terms import NAMES, SHIPPED, as_body, from_body
from tests.conftest import SetClock

GI = Where("GI")
SOUTH_GI = Where("GI", "south")


def test_without_any_version_the_shipped_rules_hold(units: Units) -> None:
    with units.open(reads_only=True) as uow:
        assert rules_for(uow, GI) == SHIPPED


def test_the_shipped_rules_can_be_written_down_and_read_back() -> None:
    assert faults_of(as_body(SHIPPED)) == {}
    assert contradictions(SHIPPED) == {}
    assert from_body(as_body(SHIPPED)) == SHIPPED
    assert set(RulesSchema().fields) == set(NAMES)


def test_each_rule_comes_from_the_narrowest_scope_that_states_it(units: Units) -> None:
    with units.open() as uow:
        service.write(uow, HOUSE, {"hold_minutes": 20, "window_days": 14, "unpaid_holds_at_most": 2})
        service.write(uow, Where(campus_code="south"), {"window_days": 7})
        service.write(uow, SOUTH_GI, {"hold_minutes": 5})

    with units.open(reads_only=True) as uow:
        found = [rules_for(uow, where) for where in (HOUSE, Where(campus_code="south"), SOUTH_GI, Where("EYE"))]
    assert [(rules.hold_minutes, rules.window_days) for rules in found] == [(20, 14), (20, 7), (5, 7), (20, 14)]
    assert {rules.unpaid_holds_at_most for rules in found} == {2}


def test_a_version_holds_from_its_time_until_the_next_one_does(units: Units, clock: SetClock) -> None:
    begins = clock.now()
    with units.open() as uow:
        service.write(uow, HOUSE, {"hold_minutes": 30}, valid_from=begins + timedelta(days=2))
        service.write(uow, HOUSE, {"hold_minutes": 20}, valid_from=begins + timedelta(days=1))

    seen = []
    for day in range(4):
        clock.at(begins + timedelta(days=day))
        with units.open(reads_only=True) as uow:
            seen.append(rules_for(uow).hold_minutes)
    assert seen == [10, 20, 30, 30]


def test_asking_again_in_the_same_unit_costs_no_question(units: Units) -> None:
    with units.open(reads_only=True) as uow:
        first = rules_for(uow, GI)

        assert rules_for(uow, GI) is first


def test_a_new_version_states_only_what_differs_and_is_on_record(units: Units) -> None:
    with units.open() as uow:
        written = service.write(uow, GI, {**as_body(SHIPPED), "hold_minutes": 15}, note="试行")

    assert (written.version, written.body) == (1, {"hold_minutes": 15})
    with units.open(reads_only=True) as uow:
        event = uow.session.query(AuditEvent).filter_by(action="rules.write").one()
    assert event.detail == {"scope": "department", "code": "GI", "terms": ["hold_minutes"]}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"hold_minutes": 0}, {"hold_minutes": "not_valid"}),
        ({"hold_minutes": "10"}, {"hold_minutes": "not_valid"}),
        ({"hold_minutes": 10.5}, {"hold_minutes": "not_valid"}),
        ({"release_clock": "7:00"}, {"release_clock": "not_valid"}),
        ({"release_clock": "25:00"}, {"release_clock": "not_valid"}),
        ({"cancel_until": "never"}, {"cancel_until": "not_valid"}),
        ({"passed_steps": []}, {"passed_steps": "not_valid"}),
        ({"passed_steps": ["0"]}, {"passed_steps": "not_valid"}),
        ({"passed_steps": ["somewhere"]}, {"passed_steps": "not_valid"}),
        ({"breach_limits": [{"breach": "no_show"}]}, {"breach_limits": "not_valid"}),
        ({"refund_tiers": [{"minutes_before": 0, "refund_percent": 101}]}, {"refund_tiers": "not_valid"}),
        ({"priority_classes": [{"code": "Old", "name": "x", "proof": "y"}]}, {"priority_classes": "not_valid"}),
        ({"colour": "red"}, {"colour": "unknown"}),
        ([], {"_schema": "unknown"}),
    ],
)
def test_what_cannot_be_a_rule_is_refused_field_by_field(units: Units, body: object, fields: dict[str, str]) -> None:
    assert faults_of(body) == fields
    if isinstance(body, dict):
        with units.open() as uow, pytest.raises(BadRules) as refusal:
            service.write(uow, HOUSE, body)
        assert refusal.value.facts["fields"] == fields


CONTRADICTIONS = {
    "insured_fee_kept": {
        "fee_insurance_code": "110200001",
        "refund_tiers": [{"minutes_before": 120, "refund_percent": 100}, {"minutes_before": 0, "refund_percent": 0}],
    },
    "hold_too_short": {"fee_insurance_code": "110200001", "hold_minutes": 4},
    "window_empty": {"window_first_day": 8, "window_days": 7},
    "release_after_day": {"release_clock": "24:00"},
    "release_after_doctor": {"window_days": 0, "release_clock": "13:00"},
    "void_not_last": {"passed_steps": ["void", "end"]},
    "tiers_in_disorder": {
        "refund_tiers": [
            {"minutes_before": 30, "refund_percent": 0},
            {"minutes_before": 0, "refund_percent": 100},
        ]
    },
    "tier_missing": {"refund_tiers": [{"minutes_before": 60, "refund_percent": 100}]},
    "partial_refund": {"refund_tiers": [{"minutes_before": 0, "refund_percent": 50}]},
    "range_turned": {"returned_place_minutes_at_least": 5},
    "late_cancel_undefined": {
        "breach_limits": [{"breach": "late_cancel", "breaches": 3, "within_months": 1, "suspend_months": 1}]
    },
    "late_cancel_impossible": {"late_cancel_minutes": 20},
    "outnumbered_slower": {"new_per_returned_when_outnumbered": 3},
    "class_twice": {
        "priority_classes": [{"code": "a", "name": "甲", "proof": "证"}, {"code": "a", "name": "乙", "proof": "证"}]
    },
    "offer_after_start": {"waitlist_stops_minutes_before": 10},
    "never_offered": {"waitlist_from_clock": "22:00"},
    "day_above_period": {"patient_bookings_at_most": 1, "patient_department_day_at_most": 2},
}


@pytest.mark.parametrize("code", CODES)
def test_rules_that_cannot_hold_together_are_refused(units: Units, code: str) -> None:
    with units.open() as uow, pytest.raises(RuleContradicts) as refusal:
        service.write(uow, HOUSE, CONTRADICTIONS[code])

    fields = refusal.value.facts["fields"]
    assert code in fields.values()  # type: ignore[union-attr]


def test_a_change_for_the_house_that_contradicts_a_departments_own_rule_is_refused(units: Units) -> None:
    with units.open() as uow:
        service.write(uow, GI, {"window_first_day": 5})

        with pytest.raises(RuleContradicts) as refusal:
            service.write(uow, HOUSE, {"window_days": 3})
    assert refusal.value.facts["where"] == "department/GI"


def test_a_version_cannot_begin_in_the_past(units: Units, clock: SetClock) -> None:
    with units.open() as uow, pytest.raises(RuleStartsInPast):
        service.write(uow, HOUSE, {"hold_minutes": 20}, valid_from=clock.now() - timedelta(seconds=1))


def test_a_version_that_holds_at_once_may_be_written_while_time_goes_on(units: Units, clock: SetClock) -> None:
    class Ticking(SetClock):
        def now(self) -> datetime:
            self.step(microseconds=1)
            return super().now()

    with replace(units, clock=Ticking(clock.now())).open() as uow:
        assert service.write(uow, HOUSE, {"hold_minutes": 20}).version == 1


def test_a_version_that_changes_nothing_is_refused(units: Units) -> None:
    with units.open() as uow:
        service.write(uow, HOUSE, {"hold_minutes": 20})

        with pytest.raises(RuleUnchanged):
            service.write(uow, HOUSE, {"hold_minutes": 20})


def test_whoever_did_not_see_the_newest_version_cannot_write_the_next(units: Units) -> None:
    with units.open() as uow:
        service.write(uow, HOUSE, {"hold_minutes": 20}, after_version=0)

        with pytest.raises(RuleChanged):
            service.write(uow, HOUSE, {"hold_minutes": 30}, after_version=0)
