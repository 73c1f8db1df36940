"""What was typed is still there after a log-in that ended meanwhile, and for nobody but whoever typed it."""

from __future__ import annotations

import html
import re

import pytest

from app.kernel.uow import Units
from app.web import unsent
from tests import factories
from tests.conftest import SetClock
from tests.web.conftest import Phone
from tests.web.work_fixtures import House, house

__all__ = ["house"]
MOTHER = {"name": "李秀兰", "id_number": factories.id_number(931), "relation": "parent"}


def typed_in(page: str) -> dict[str, str]:
    """The hidden fields of the form on the page."""
    form = page.partition("<main")[2]
    return {
        name: html.unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="(?!csrf_token)([\w-]+)" value="([^"]*)"', form)
    }


def logged_out_elsewhere(phone: Phone) -> None:
    """The log-in ends in another tab; this tab still shows its form."""
    shown, at = phone.page, phone.at
    phone.send("/logout")
    phone.page, phone.at = shown, at


def log_in_again(phone: Phone, number: str, where: str) -> str:
    phone.page = ""
    next_path = re.search(r"next=(\S*)", where)
    assert next_path
    return str(phone.log_in(number, next_path=next_path[1]).location)


def test_a_form_sent_after_the_log_in_ended_is_sent_after_the_next_one(zhang: Phone) -> None:
    zhang.open("/patients/new")
    logged_out_elsewhere(zhang)

    turned_away = zhang.send("/patients", **MOTHER)
    told = zhang.open(turned_away.location).text
    offered = zhang.open(log_in_again(zhang, "13800000101", turned_away.location)).text
    sent = zhang.send("/patients", **typed_in(offered))

    assert "您填写的内容还在" in told
    assert typed_in(offered) == MOTHER
    assert "李秀兰" in zhang.follow(sent).text
    assert zhang.open("/unsent").location == "/"


def test_a_browser_that_lost_its_cookie_loses_no_words(zhang: Phone) -> None:
    zhang.open("/patients/new")
    zhang.client.delete_cookie("menzhen")

    turned_away = zhang.send("/patients", **MOTHER)
    to_log_in = zhang.open(turned_away.location).location
    offered = zhang.open(log_in_again(zhang, "13800000101", to_log_in)).text

    assert typed_in(offered) == MOTHER


def test_nobody_else_is_offered_what_was_typed(zhang: Phone) -> None:
    zhang.open("/patients/new")
    logged_out_elsewhere(zhang)
    turned_away = zhang.send("/patients", **MOTHER)

    landed = log_in_again(zhang, "13900000102", turned_away.location)

    assert (landed, zhang.open("/unsent").location) == ("/unsent", "/")


def test_what_was_typed_is_shown_again_in_another_language(zhang: Phone) -> None:
    zhang.open("/patients/new")
    logged_out_elsewhere(zhang)
    turned_away = zhang.send("/patients", **MOTHER)
    zhang.open(log_in_again(zhang, "13800000101", turned_away.location))

    page = zhang.follow(zhang.send("/preferences", language="en", next="/unsent")).text

    assert "Send it now" in page
    assert typed_in(page) == MOTHER


def test_what_was_typed_waits_for_minutes_only(zhang: Phone, clock: SetClock) -> None:
    zhang.open("/patients/new")
    logged_out_elsewhere(zhang)
    zhang.send("/patients", **MOTHER)
    clock.step(seconds=unsent.KEPT_FOR.total_seconds())

    zhang.log_in("13800000101")

    assert zhang.open("/unsent").location == "/"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
def test_a_form_of_another_site_is_not_kept(zhang: Phone, origin: str) -> None:
    answer = zhang.client.post("/patients", data=MOTHER, headers={"Origin": origin})

    assert (answer.status_code, "stale_form" in answer.text) == (400, True)
    assert zhang.open("/unsent").location == "/"


def test_the_cookie_tells_nobody_what_was_typed(zhang: Phone) -> None:
    zhang.open("/patients/new")
    logged_out_elsewhere(zhang)

    zhang.send("/patients", **MOTHER)

    with zhang.client.session_transaction() as kept:
        assert kept["unsent"].startswith("enc:v1:")


def test_more_than_a_cookie_holds_is_not_kept(zhang: Phone) -> None:
    zhang.open("/patients/new")
    logged_out_elsewhere(zhang)

    zhang.send("/patients", **(MOTHER | {"name": "长" * 2000}))

    with zhang.client.session_transaction() as kept:
        assert "unsent" not in kept


def test_a_button_without_words_leads_back_to_its_page(zhang: Phone) -> None:
    zhang.open("/messages")
    logged_out_elsewhere(zhang)

    turned_away = zhang.send("/messages/read")

    assert turned_away.location == "/login?next=/messages"


def test_a_doctor_whose_log_in_ended_loses_no_prescription(house: House, units: Units) -> None:
    _, held, _ = house.waiting()
    doctor, path = house.browser("doctor"), f"/desk/visits/{held.public_id}/prescribe"
    doctor.post("/staff/logout")
    written = {"drug-1": "IBU300", "quantity-1": "2", "diagnosis_text": "发热", "once": "a-key-of-this-form"}

    turned_away = doctor.post(path, data=written)
    again = {"login": "doctor", "password": "demo-2026", "next": turned_away.location.partition("next=")[2]}
    landed = doctor.post("/staff/login", data=again)

    assert landed.location == "/unsent"
    assert typed_in(doctor.get("/unsent").text) == written
