"""The operations office writes the hospital's rules: in words, in versions, never against each other."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from app.kernel.audit import AuditEvent
from app.queueing import service as queueing
from app.rulebook import service as rulebook
from app.rulebook.contradictions import CODES
from app.rulebook.published_sets import published_sets
from app.rulebook.terms import NAMES
from app.web.staff.rule_words import BREACHES, CHOICES, FAULTS, GROUPS, LABELS, STEPS
from tests.web.work_fixtures import House, house

__all__ = ["house"]
FIELD = re.compile(r'<(?:input|select)[^>]*name="(\w+)"[^>]*?(?:value="([^"]*)")?[^>]*>')


def form_of(page: str) -> dict[str, str]:
    """What the browser would send of the page's form as it stands."""
    form = page[page.index('action="/staff/rules"') :]
    form = re.sub(r'<input type="checkbox"(?![^>]* checked)[^>]*>', "", form)
    found = dict(re.findall(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"', form))
    found |= dict(re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>([^<]*)</textarea>', form))
    for name, options in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', form, flags=re.DOTALL):
        chosen = re.search(r'value="(\w+)" selected', options)
        found[name] = chosen[1] if chosen else ""
    return found


def send(browser: FlaskClient, scope: str = "", **changes: str):
    page = browser.get(f"/staff/rules/new?scope={scope}").text
    return browser.post("/staff/rules", data={**form_of(page), **changes})


def test_every_rule_and_every_contradiction_has_its_words() -> None:
    shown = [name for _, names in GROUPS for name in names]

    assert sorted(shown) == sorted(NAMES)
    assert set(LABELS) == set(NAMES)
    assert set(CODES) <= set(FAULTS)
    assert {"not_valid", "unknown"} <= set(FAULTS)
    assert len(BREACHES) == 5
    assert len(STEPS) == 4
    assert set(CHOICES) < set(NAMES)


def test_a_new_version_is_written_and_told_in_words(house: House) -> None:
    operations = house.browser("operations")

    answer = send(operations, hold_minutes="15", passed_steps="5 5 end void", note="试行三个月")

    assert answer.status_code == 302, answer.text[:2000]
    page = operations.get(answer.location).text
    assert "生效中" in page
    assert "往后 5 位；往后 5 位；排到最后；作废，算爽约" in page
    assert "试行三个月" in page
    with house.units.open(reads_only=True) as uow:
        rules = rulebook.rules_for(uow)
        assert (rules.hold_minutes, rules.passed_steps) == (15, ("5", "5", "end", "void"))
        assert uow.session.query(AuditEvent).filter_by(action="rules.write").count() == 1


def test_a_department_states_only_what_is_its_own(house: House) -> None:
    operations = house.browser("operations")
    send(operations, hold_minutes="15")

    answer = send(
        operations, scope="d:GI", breach_limits="no_show 3 3 3\nno_show_or_late_cancel 5 12 1", late_cancel_minutes="60"
    )

    assert answer.status_code == 302, answer.text[:3000]
    page = operations.get(answer.location).text
    assert "3 个月内爽约 3 次，限约 3 个月" in page
    with house.units.open(reads_only=True) as uow:
        (row,) = rulebook.versions(uow, rulebook.Where("GI"))
        assert sorted(row.body) == ["breach_limits", "late_cancel_minutes"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"hold_minutes": "x"}, "“未支付的号保留几分钟”不能这样填写"),
        ({"hold_minutes": ""}, "“未支付的号保留几分钟”不能这样填写"),
        ({"breach_limits": "sometimes 3 3 3"}, "“爽约、退号的次数和限约”不能这样填写"),
        ({"breach_limits": "no_show 3 3 3 3 3"}, "“爽约、退号的次数和限约”不能这样填写"),
        ({"cancel_clock": "7点"}, "“截止时刻”不能这样填写"),
        ({"refund_tiers": "0 50"}, "目前只能全退（100）或不退（0）"),
        ({"window_first_day": "9", "window_days": "7"}, "没有一天能约"),
    ],
)
def test_what_cannot_be_comes_back_with_words_at_its_field(house: House, changes: dict[str, str], words: str) -> None:
    answer = send(house.browser("operations"), **changes)

    assert answer.status_code == 422
    assert words in answer.text
    for value in changes.values():
        assert value in answer.text


def test_a_version_cannot_begin_in_the_past(house: House) -> None:
    answer = send(house.browser("operations"), hold_minutes="15", valid_day="2026-11-22", valid_clock="08:00")

    assert answer.status_code == 409
    assert "rule_starts_in_past" in answer.text


def test_a_version_for_later_waits_for_its_time(house: House) -> None:
    operations = house.browser("operations")

    answer = send(operations, hold_minutes="15", valid_day="2026-12-01", valid_clock="08:00")

    assert "将生效" in operations.get(answer.location).text
    with house.units.open(reads_only=True) as uow:
        assert rulebook.rules_for(uow).hold_minutes == 10


def test_two_who_write_at_once_do_not_overwrite_each_other(house: House) -> None:
    operations = house.browser("operations")
    seen = form_of(operations.get("/staff/rules/new").text)
    send(operations, hold_minutes="15")

    answer = operations.post("/staff/rules", data={**seen, "hold_minutes": "20"})

    assert answer.status_code == 409
    assert "rule_changed" in answer.text


@pytest.mark.parametrize("path", ["/staff/rules?scope=d:NOWHERE", "/staff/rules?scope=c:x", "/staff/rules/new?scope=x"])
def test_a_scope_that_is_not_there_is_not_found(house: House, path: str) -> None:
    assert house.browser("operations").get(path).status_code == 404


@pytest.mark.parametrize("login", ["it", "auditor"])
def test_only_operations_write_rules(house: House, login: str) -> None:
    assert house.browser(login).get("/staff/rules").status_code == 403


def test_rules_are_tried_on_a_simulated_day_before_they_hold(house: House) -> None:
    operations = house.browser("operations")
    fields = form_of(operations.get("/staff/rules/new").text)

    answer = operations.post("/staff/rules/try", data={**fields, "passed_steps": "2", "cancel_minutes_before": "60"})

    assert answer.status_code == 200
    assert "模拟的一天，12 场门诊" in answer.text
    assert "过号的" in answer.text
    assert re.search(r"短 \d+ 分钟", answer.text)
    assert 'value="60"' in answer.text
    with house.units.open(reads_only=True) as uow:
        assert rulebook.versions(uow, rulebook.HOUSE) == []


def test_rules_are_tried_on_a_day_that_was(house: House) -> None:
    house.booked()
    house.waiting()
    with house.units.open() as uow:
        queueing.call_next(uow, session=house.clinic.session)
    operations = house.browser("operations")
    fields = form_of(operations.get("/staff/rules/new?scope=d:GI").text)

    today = operations.post("/staff/rules/try", data={**fields, "window_first_day": "1", "try_day": "2026-11-23"})
    empty = operations.post("/staff/rules/try", data={**fields, "try_day": "2026-11-20"})
    wrong = operations.post("/staff/rules/try", data={**fields, "hold_minutes": "0"})

    assert "1 场门诊" in today.text
    assert "这一天已停止预约" in today.text
    assert "这一天没有叫过号的门诊" in empty.text
    assert wrong.status_code == 422


def test_a_published_set_is_where_a_version_can_start(house: House) -> None:
    operations = house.browser("operations")
    assert "三次" in operations.get("/staff/rules").text

    page = operations.get("/staff/rules/new?start=lcrmyy").text
    answer = operations.post("/staff/rules", data=form_of(page))

    assert answer.status_code == 302
    with house.units.open(reads_only=True) as uow:
        assert rulebook.rules_for(uow) == published_sets()["lcrmyy"].rules


def test_the_nurse_lets_go_before_others_whoever_shows_the_proof(house: House) -> None:
    army = {"code": "army", "name": "军人", "proof": "军官证"}
    _, held = house.booked()
    nurse = house.browser("nurse")
    assert "军官证" not in nurse.get("/desk/check-in").text
    with house.units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, {"priority_classes": [army]})

    assert "军人（军官证）" in nurse.get("/desk/check-in").text
    answer = nurse.post("/desk/check-in", data={"visit_number": held.visit_number, "priority": "army"})

    assert answer.status_code == 302
    with house.units.open(reads_only=True) as uow:
        ticket = queueing.ticket_of(uow, held.id)
        assert ticket is not None
        assert (ticket.priority, ticket.priority_class) == (1, "army")


def test_a_dry_run_says_how_many_unverified_people_would_have_been_refused(house: House) -> None:
    house.booked()
    operations = house.browser("operations")
    fields = form_of(operations.get("/staff/rules/new?scope=d:GI").text)

    answer = operations.post("/staff/rules/try", data={**fields, "scope": "d:GI", "verified_only": "yes"})

    row = answer.text[answer.text.index("就诊人还没有实名核验") :]
    assert re.findall(r">(\d+)<", row)[:2] == ["0", "1"]
