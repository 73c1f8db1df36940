"""Whoever is refused, or turns a switch in a page's head, comes back to where they were."""

from __future__ import annotations

import pytest

from app.web.paths import own_path
from tests.web.conftest import Phone
from tests.web.test_patient_booking import hold
from tests.web.work_fixtures import House, hidden


@pytest.fixture
def held(zhang: Phone, clinic: House) -> str:
    """The page of a place that waits to be paid."""
    return str(hold(zhang, clinic).location)


def test_a_refusal_leads_back_to_the_page_whose_button_was_pressed(zhang: Phone, held: str) -> None:
    zhang.open(held)
    zhang.send(f"{held}/cancel")
    zhang.open(held)

    refused = zhang.send(f"{held}/cancel")

    assert refused.status_code == 409
    assert f'href="{held}">返回上一页' in refused.text.replace("<span>", "").replace("</span>", "")


@pytest.mark.parametrize("came", ["https://elsewhere.example/registrations", "http://localhost/no/such/page", ""])
def test_a_refusal_leads_back_to_no_page_that_is_not_ours(zhang: Phone, held: str, came: str) -> None:
    zhang.open(held)
    zhang.at = came

    refused = zhang.send(f"{held}/move/none")

    assert refused.status_code in {404, 409}
    assert "返回上一页" not in refused.text


def test_a_switch_keeps_the_day_that_was_looked_at(zhang: Phone, clinic: House) -> None:
    day = clinic.clinic.session.visit_day.isoformat()
    department = clinic.clinic.department.code
    page = zhang.open(f"/departments/{department}?day={day}").text

    back = zhang.send("/preferences", language="en", next=hidden(page, "next").replace("&amp;", "&"))

    assert back.location == f"/departments/{department}?day={day}"


def test_a_switch_on_a_refusal_leads_to_a_page_that_is_there(zhang: Phone, held: str) -> None:
    zhang.open(held)
    refused = zhang.send(f"{held}/move/none").text

    back = hidden(refused, "next")

    assert own_path(back)
    assert zhang.open(back).status_code == 200


def test_a_refusal_stays_in_the_browsers_history_and_a_record_or_a_number_does_not(zhang: Phone, held: str) -> None:
    zhang.send(f"{held}/cancel")
    refused = zhang.send(f"{held}/cancel")
    form = zhang.send("/patients", name="李秀兰", id_number="1", relation="parent")
    zhang.client.delete_cookie("menzhen")
    zhang.page = ""
    at_the_door = zhang.send("/login", phone="12345")

    kept = [answer.headers["Cache-Control"] for answer in (refused, at_the_door, form, zhang.open("/login"))]
    assert kept == ["private, no-cache", "no-store", "no-store", "no-store"]


@pytest.mark.parametrize("address", ["http://[", "//[x", "http://[::1", "http://\u2100"])
def test_an_address_that_is_none_leads_nowhere(zhang: Phone, address: str) -> None:
    """An address of this kind cannot be taken apart at all, wherever a stranger writes it."""
    said = {"Referer": address.encode().decode("latin-1"), "Origin": address.encode().decode("latin-1")}
    asked = [
        zhang.client.get("/no/such/page", headers=said),
        zhang.client.post("/patients", data={"name": "李秀兰"}, headers=said),
        zhang.client.get("/login", query_string={"next": address}, headers=said),
        zhang.client.get("/staff/login", query_string={"next": address}, headers=said),
    ]

    assert [answer.status_code for answer in asked] == [404, 400, 302, 200]
    assert own_path(asked[2].location) == "/"
    assert hidden(asked[3].text, "next") == ""
