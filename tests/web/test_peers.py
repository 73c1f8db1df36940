"""The console's page for the systems that speak HL7 with the hospital: filed, changed, paused, every version shown."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.kernel import peers
from app.kernel.peers import AckMode, Peer, UnknownPatient
from tests.web.work_fixtures import House, house

__all__ = ["house"]
FORM = {
    "name": "检验系统",
    "application": "LIS",
    "facility": "HOSPITAL",
    "ack_mode": "enhanced",
    "charset": "GBK",
    "addresses": "10.1.0.0/16\r\n192.168.3.7",
    "max_frame_bytes": "1048576",
    "messages_per_minute": "600",
    "unknown_event": "filed",
    "reused_id": "refuse",
    "unknown_patient": "park",
    "retry_codes": "206 207",
    "out_host": "lis.hospital.example",
    "out_port": "2576",
    "out_tls": "yes",
    "out_charset": "UNICODE UTF-8",
}


def filed(it: FlaskClient, **changes: str) -> str:
    """The address of the page of a system that was filed by the form."""
    answer = it.post("/staff/peers", data=FORM | changes)
    assert answer.status_code == 302, answer.text
    return answer.location


def on_file(house: House) -> list[Peer]:
    with house.units.open(reads_only=True) as uow:
        return peers.peers(uow)


@pytest.mark.parametrize("path", ["/staff/peers", "/staff/peers/new"])
def test_only_those_who_run_it_open_the_page(house: House, path: str) -> None:
    statuses = {login: house.browser(login).get(path).status_code for login in ("boss", "it", "operations", "auditor")}

    assert statuses == {"boss": 200, "it": 200, "operations": 403, "auditor": 403}


def test_a_system_is_filed_by_the_form_and_stands_in_the_list(house: House) -> None:
    it = house.browser("it")

    page = it.get(filed(it)).text

    (made,) = on_file(house)
    assert (made.application, made.ack_mode, made.unknown_patient) == ("LIS", AckMode.ENHANCED, UnknownPatient.PARK)
    assert (made.addresses, made.out_tls, made.out_port) == (("10.1.0.0/16", "192.168.3.7"), True, 2576)
    assert "第 1 版" in page
    assert "检验系统" in it.get("/staff/peers").text


def test_a_change_is_a_version_that_says_who_and_what(house: House) -> None:
    it = house.browser("it")
    path = filed(it)

    answer = it.post(path, data=FORM | {"version": "1", "ack_mode": "original", "messages_per_minute": ""})

    page = it.get(answer.location).text
    assert "第 2 版" in page
    assert "增强方式：先收妥 (CA CE CR)，再应答 → 原始方式：一次应答 (AA AE AR)" in page
    assert "600 → 0" in page
    assert house.audited("hl7.peer_changed") == 2


def test_a_page_that_was_open_too_long_changes_nothing(house: House) -> None:
    it = house.browser("it")
    path = filed(it)
    it.post(path, data=FORM | {"version": "1", "name": "检验"})

    answer = it.post(path, data=FORM | {"version": "1", "name": "病理"})

    assert answer.status_code == 409
    assert "约定已被别人修改" in answer.text
    assert [made.name for made in on_file(house)] == ["检验"]


WRONG = [
    ("name", ""),
    ("application", "x" * 228),
    ("addresses", "everywhere"),
    ("max_frame_bytes", "1"),
    ("messages_per_minute", "many"),
    ("charset", "KLINGON"),
    ("retry_codes", "two hundred"),
    ("out_port", "0"),
    ("out_host", "a b"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_what_cannot_be_agreed_is_shown_at_its_field(house: House, name: str, value: str) -> None:
    it = house.browser("it")

    answer = it.post("/staff/peers", data=FORM | {name: value})

    assert answer.status_code == 422
    assert 'class="error-list"' in answer.text
    assert on_file(house) == []
    path = filed(it)
    assert it.post(path, data=FORM | {"version": "1", name: value}).status_code == 422
    assert on_file(house)[0].version == 1


def test_one_sender_is_filed_once(house: House) -> None:
    it = house.browser("it")
    filed(it)

    answer = it.post("/staff/peers", data=FORM | {"name": "again"})

    assert answer.status_code == 409
    assert "同样的 MSH-3 和 MSH-4 已有登记" in answer.text
    assert 'value="again"' in answer.text


def test_no_system_becomes_another_that_is_filed(house: House) -> None:
    it = house.browser("it")
    filed(it)
    path = it.post("/staff/peers", data=FORM | {"application": "OTHER"}).location

    answer = it.post(path, data=FORM | {"version": "1", "name": "again"})

    assert answer.status_code == 409
    assert "同样的 MSH-3 和 MSH-4 已有登记" in answer.text
    assert 'value="again"' in answer.text


LINES = [
    # what is typed, and what the form says of its second line
    ("codes", "gender: X = male", "第 2 行：没有叫 gender 的表，有 event、sex、"),
    ("codes", "sex: X = herr", "第 2 行：sex 表里我们的代码只有 male、female、unknown"),
    ("codes", "sex X", "“代码对照”第 2 行不能这样填写"),
    ("field_rules", "ORU PID5 R", "“字段约定”第 2 行不能这样填写"),
]


@pytest.mark.parametrize(("name", "line", "words"), LINES)
def test_of_a_line_that_says_nothing_the_form_says_why(house: House, name: str, line: str, words: str) -> None:
    right = {"codes": "sex: MAN = male", "field_rules": "PID-7 R"}[name]

    answer = house.browser("it").post("/staff/peers", data=FORM | {name: f"{right}\r\n{line}"})

    assert answer.status_code == 422
    assert words in answer.text


def test_of_many_wrong_lines_the_form_says_how_many_more_there_are(house: House) -> None:
    lines = "\r\n".join(f"PID{number} R" for number in range(8))

    answer = house.browser("it").post("/staff/peers", data=FORM | {"field_rules": lines})

    assert "第 5 行不能这样填写；另有 3 行也不能这样填写" in answer.text
    assert "第 6 行" not in answer.text


def test_a_system_is_paused_and_resumed(house: House) -> None:
    it = house.browser("it")
    path = filed(it)

    it.post(f"{path}/pause")
    paused = (on_file(house)[0].is_paused, "已暂停" in it.get("/staff/peers").text)
    it.post(f"{path}/resume")

    assert paused == (True, True)
    assert (on_file(house)[0].is_paused, on_file(house)[0].version) == (False, 3)


def test_a_change_of_a_paused_system_leaves_it_paused(house: House) -> None:
    it = house.browser("it")
    path = filed(it)
    it.post(f"{path}/pause")

    it.post(path, data=FORM | {"version": "2", "name": "检验"})

    assert (on_file(house)[0].is_paused, on_file(house)[0].name) == (True, "检验")


def test_nobody_elses_page_is_found(house: House) -> None:
    assert house.browser("it").get(f"/staff/peers/{'x' * 26}").status_code == 404
