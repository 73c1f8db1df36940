"""The console's pages for the numbers under which the Official Account knows our messages."""

from __future__ import annotations

import pytest

from app.notifications import templates
from app.notifications.ports import Numbered
from app.notifications.words import WORDS, fields_of
from app.web.staff.templates import FIELDS
from tests.web.work_fixtures import House, house

__all__ = ["house"]
NUMBER = "ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY"
CALLED = {"version": "0", "number": NUMBER, "field.number": "character_string1", "field.room": "thing4", "fixed": ""}


def in_force(house: House, name: str) -> Numbered | None:
    with house.units.open(reads_only=True) as uow:
        return templates.in_force(uow, name)


@pytest.mark.parametrize("path", ["/staff/templates", "/staff/templates/called"])
def test_those_who_look_after_messages_see_the_templates(house: House, path: str) -> None:
    logins = ("boss", "it", "operations", "auditor", "finance")
    statuses = {login: house.browser(login).get(path).status_code for login in logins}

    assert statuses == {"boss": 200, "it": 200, "operations": 200, "auditor": 403, "finance": 403}
    assert house.browser("it").get("/staff/templates/nothing").status_code == 404
    assert house.browser("auditor").post("/staff/templates/called", data=CALLED).status_code == 403


def test_a_number_is_entered_and_the_list_says_what_is_missing(house: House) -> None:
    office = house.browser("operations")
    assert office.get("/staff/templates").text.count("未登记") == len(WORDS)

    answer = office.post(
        "/staff/templates/called",
        data=CALLED | {"number": f" {NUMBER} ", "field.room": "{{thing7.DATA}}", "fixed": "thing8 = 仁和医院\r\n"},
    )

    page = office.get(answer.location).text
    assert "“请就诊”已保存为第 1 版" in page
    assert page.count("未登记") == len(WORDS) - 1
    keywords = {"number": "character_string1", "room": "thing7"}
    assert in_force(house, "called") == Numbered(NUMBER, keywords, {"thing8": "仁和医院"})
    assert house.audited("message.template") == 1
    kept = office.get("/staff/templates/called").text
    assert "诊室 → thing7" in kept
    assert "thing8 = 仁和医院" in kept


def test_the_page_says_in_english_what_the_message_says(house: House) -> None:
    page = house.browser("it").get("/staff/templates/called", headers={"Accept-Language": "en"}).text

    assert "A012, please come to room 3-05 now." in page
    assert "Template number" in page


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"number": "请就诊"}, "模板编号只有字母"),
        ({"number": "short"}, "模板编号只有字母"),
        ({"field.room": "诊室"}, "关键词是小写字母加数字"),
        ({"field.room": "character_string1"}, "同一个关键词用了两次"),
        ({"fixed": "thing4 = 又是诊室"}, "同一个关键词用了两次"),
        ({"fixed": "thing8"}, "每行一个：关键词 = 文字"),
        ({"fixed": f"thing8 = {'长' * 21}"}, "每行一个：关键词 = 文字"),
        ({"field.number": "", "field.room": ""}, "至少要有一个关键词"),
    ],
)
def test_what_cannot_stand_is_shown_again_and_not_saved(house: House, typed: dict[str, str], words: str) -> None:
    answer = house.browser("it").post("/staff/templates/called", data=CALLED | typed)

    assert answer.status_code == 422
    assert f"</svg>{words}" in answer.text.replace("\n", "")
    assert in_force(house, "called") is None


def test_a_page_that_was_open_too_long_changes_nothing(house: House) -> None:
    it = house.browser("it")
    it.post("/staff/templates/called", data=CALLED)

    answers = [it.post("/staff/templates/called", data=CALLED | {"version": told, "number": ""}) for told in ("0", "x")]

    assert {answer.status_code for answer in answers} == {409}
    assert "模板已被别人修改" in answers[0].text
    assert in_force(house, "called") is not None


def test_saved_unchanged_it_stays_the_version_it_is(house: House) -> None:
    it = house.browser("it")

    for _ in range(2):
        it.post("/staff/templates/called", data=CALLED)

    assert house.audited("message.template") == 1


def test_every_field_of_every_message_has_a_name_on_the_page() -> None:
    assert {field for name in WORDS for field in fields_of(name)} == set(FIELDS)
