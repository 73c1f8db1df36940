"""The console's pages for code tables, and a system's own fields and codes on its page."""

from __future__ import annotations

import pytest

from app.kernel import code_tables
from app.kernel.peers import OtherFacility
from tests.web.test_peers import FORM, filed, on_file
from tests.web.work_fixtures import House, house

__all__ = ["house"]
OWN = {
    "facilities": "HOSPITAL\r\nH01",
    "other_facility": "refuse",
    "field_rules": "ORM^O01 PV1-19 R error\r\n\r\n PID-7 R warning ",
    "codes": "sex: 男性 = male\r\nevent: ADT^ZP1 = ADT^A04",
}


@pytest.mark.parametrize("path", ["/staff/codes", "/staff/codes/sex"])
def test_only_those_who_run_it_see_the_tables(house: House, path: str) -> None:
    statuses = {login: house.browser(login).get(path).status_code for login in ("boss", "it", "operations", "auditor")}

    assert statuses == {"boss": 200, "it": 200, "operations": 403, "auditor": 403}
    assert house.browser("it").get("/staff/codes/event").status_code == 404


def test_a_table_is_changed_by_the_form_and_says_who_changed_what(house: House) -> None:
    it = house.browser("it")
    assert "BID = BID" not in it.get("/staff/codes/frequency").text

    answer = it.post("/staff/codes/frequency", data={"version": "0", "codes": "每日一次 = QD\r\n隔日 = QOD\r\n"})

    page = it.get(answer.location).text
    assert "第 1 版" in page
    assert "隔日: — → QOD" in page
    with house.units.open(reads_only=True) as uow:
        assert code_tables.Codes(uow).ours("frequency", "隔日") == "QOD"
    assert house.audited("hl7.codes_changed") == 1


def test_wrong_lines_are_named_and_nothing_is_saved(house: House) -> None:
    it = house.browser("it")

    answer = it.post("/staff/codes/sex", data={"version": "0", "codes": "M = male\r\nF = woman\r\nX"})

    assert answer.status_code == 422
    assert "这些行不能这样填写：2, 3" in answer.text
    assert "F = woman" in answer.text
    assert house.audited("hl7.codes_changed") == 0


def test_a_page_that_was_open_too_long_changes_no_table(house: House) -> None:
    it = house.browser("it")
    it.post("/staff/codes/sex", data={"version": "0", "codes": "M = male"})

    answers = [it.post("/staff/codes/sex", data={"version": told, "codes": "F = female"}) for told in ("0", "x", "")]

    assert {answer.status_code for answer in answers} == {409}
    assert "代码表已被别人修改" in answers[0].text


def test_a_systems_own_fields_and_codes_are_agreed_on_its_page(house: House) -> None:
    it = house.browser("it")

    page = it.get(filed(it, **OWN)).text

    (made,) = on_file(house)
    assert made.field_rules == ("ORM^O01 PV1-19 R error", "PID-7 R warning")
    assert (made.facilities, made.other_facility) == (("HOSPITAL", "H01"), OtherFacility.REFUSE)
    assert made.codes == ("sex: 男性 = male", "event: ADT^ZP1 = ADT^A04")
    assert "ORM^O01 PV1-19 R error\nPID-7 R warning" in page.replace("\r", "")


@pytest.mark.parametrize(
    ("term", "typed"), [("field_rules", "PID-7 R\r\nPID-7 must"), ("codes", "sex: X = male\r\nsex: X = man")]
)
def test_what_cannot_be_agreed_is_shown_again(house: House, term: str, typed: str) -> None:
    answer = house.browser("it").post("/staff/peers", data=FORM | OWN | {term: typed})

    assert answer.status_code == 422
    assert "第 2 行" in answer.text
    assert typed.partition("\r\n")[2] in answer.text
    assert on_file(house) == []
