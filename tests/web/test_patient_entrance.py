"""A patient and a member of staff come in, and strangers do not."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from app.identity.models import Account, LoginSession
from app.kernel.uow import Units
from app.rulebook import service as rulebook
from tests import factories


def test_a_code_sent_to_the_phone_opens_the_door(phone, couriers):
    first = phone.open("/bills")

    landed = phone.log_in("138 0000 0101", next_path="/bills")

    assert first.location == "/login?next=/bills"
    assert couriers.texts.sent[0][0] == "+8613800000101"
    assert landed.location == "/bills"
    assert phone.open("/bills").status_code == 200


def test_what_is_no_mobile_number_is_told_once_at_the_field_and_left_for_nobody_to_find(phone):
    answer = phone.send("/login", phone="1380000010", next="/bills")
    page = phone.follow(answer).text
    later = phone.open(answer.location).text

    assert (answer.location, "1380000010" in answer.text) == ("/login?next=/bills", False)
    assert 'href="#f-phone"' in page
    assert 'aria-invalid="true"' in page
    assert 'value="1380000010"' in page
    assert 'name="next" value="/bills"' in page
    assert "1380000010" not in later
    assert "aria-invalid" not in later


def test_a_second_tap_leads_to_where_the_code_is_typed(phone, couriers):
    phone.send("/login", phone="13800000101", next="/bills")

    again = phone.send("/login", phone="138 0000 0101")
    page = phone.follow(again).text
    landed = phone.send("/login/code", digits=couriers.texts.sent[-1][1])

    assert again.location == "/login/code"
    assert "验证码刚刚发过" in page
    assert len(couriers.texts.sent) == 1
    assert landed.location == "/bills"


def test_another_code_goes_to_the_number_that_nobody_is_shown(phone, couriers, clock):
    phone.send("/login", phone="138 0000 0101", next="/bills")
    page = phone.open("/login/code").text
    fields = dict(re.findall(r'<input type="hidden" name="(again|next)" value="([^"]*)"', page))
    clock.step(minutes=2)

    phone.send("/login", **fields)
    landed = phone.send("/login/code", digits=couriers.texts.sent[-1][1])

    assert [number for number, *_ in couriers.texts.sent] == ["+8613800000101"] * 2
    assert landed.location == "/bills"
    assert "13800000101" not in page + phone.open("/login?again=1").text
    with phone.client.session_transaction() as kept:
        assert "13800000101" not in str(dict(kept))


def test_another_code_where_none_was_asked_for_leads_to_the_number(phone, couriers):
    answer = phone.send("/login", again="1", next="/bills")

    assert answer.location == "/login?next=/bills"
    assert couriers.texts.sent == []


def test_a_number_gets_one_code_a_minute_and_five_a_day(phone, other_phone, clock):
    other_phone.send("/login", phone="13800000101")

    at_once = phone.send("/login", phone="13800000101")
    later = []
    for _ in range(6):
        clock.step(minutes=3)
        later.append(phone.send("/login", phone="13800000101").status_code)

    assert at_once.status_code == 429
    assert "too_many" in at_once.text
    assert int(at_once.headers["Retry-After"]) <= 60
    assert later == [302, 302, 302, 302, 429, 429]


def test_an_address_asks_for_as_many_codes_an_hour_as_the_rules_say(phone, units):
    with units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, {"login_codes_per_address_per_hour": 20})

    answers = [phone.send("/login", phone=f"138000002{number:02d}").status_code for number in range(21)]

    assert answers == [302] * 20 + [429]


def test_after_five_wrong_tries_the_right_code_is_dead(phone, couriers):
    phone.send("/login", phone="13800000101")
    right = couriers.texts.sent[-1][1]
    wrong = "000000" if right != "000000" else "111111"

    tries = [phone.send("/login/code", digits=wrong).status_code for _ in range(5)]
    last = phone.send("/login/code", digits=right)

    assert tries == [422] * 5
    assert last.status_code == 422
    assert phone.open("/").location == "/login?next=/"


def test_a_text_provider_that_is_away_does_no_harm(phone, couriers):
    couriers.texts.is_away = True

    answer = phone.send("/login", phone="13800000101")

    assert answer.location == "/login/code"
    assert phone.open("/login/code").status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/\r\n/evil.example",
        "\x0b//evil.example",
        "javascript:alert(1)",
        "evil.example",
    ],
)
def test_the_door_leads_nowhere_else(phone, target):
    landed = phone.log_in("13800000101", next_path=target)

    assert landed.location == "/"


def test_switches_lead_nowhere_else_either(phone):
    assert phone.send("/preferences", elder="on", next="/\t/evil.example").location == "/"


def test_wechat_is_believed_only_with_the_word_of_this_browser(phone, couriers):
    couriers.wechat.people["c1"] = "oZhang"
    phone.open("/login/wechat")

    forged = phone.open("/login/wechat/back?code=c1&state=guessed")

    assert forged.location.startswith("/login")
    assert "微信授权没有完成" in phone.open("/login").text


def test_wechat_is_bound_at_the_first_log_in_and_opens_the_door_from_then_on(phone, other_phone, couriers):
    couriers.wechat.people["c1"] = "oZhang"

    def authorize(browser):
        state = browser.open("/login/wechat?next=/bills").location.rpartition("state=")[2]
        return browser.open(f"/login/wechat/back?code=c1&state={state}")

    first = authorize(phone)
    phone.log_in("13800000101")
    second = authorize(other_phone)

    assert first.location.startswith("/login?")
    assert second.location == "/bills"
    assert other_phone.open("/me").status_code == 200


def test_wechat_that_says_no_leads_back_to_the_phone_number(phone):
    state = phone.open("/login/wechat").location.rpartition("state=")[2]

    answer = phone.open(f"/login/wechat/back?code=unknown&state={state}")

    assert answer.location.startswith("/login")


def test_who_logs_out_is_out(zhang):
    zhang.open("/me")

    zhang.send("/logout")

    assert zhang.open("/me").location == "/login?next=/me"


def test_a_form_without_its_token_is_an_old_page(zhang):
    answer = zhang.client.post("/logout", data={})

    assert answer.status_code == 400
    assert "stale_form" in answer.text
    assert zhang.open("/me").status_code == 200


def test_language_and_letter_size_are_chosen_before_the_log_in_and_kept_with_the_account(phone, units: Units):
    phone.send("/preferences", language="en", next="/login")
    phone.log_in("13800000101")
    phone.open("/me")
    phone.send("/preferences", elder="on", next="/me")

    page = phone.open("/me").text
    with units.open() as uow:
        account = uow.session.scalars(select(Account)).one()

    assert 'lang="en" class="elder"' in page
    assert (account.locale, account.is_elder) == ("en", True)


def test_the_browser_keeps_a_secret_of_which_the_database_has_only_a_hash(zhang, units: Units):
    with zhang.client.session_transaction() as session:
        secret = session["patient_secret"]

    with units.open() as uow:
        hashes = list(uow.session.scalars(select(LoginSession.secret_hash)))

    assert secret not in hashes


@pytest.mark.parametrize(
    ("role", "landing"),
    [
        ("doctor", "/desk"),
        ("nurse", "/desk"),
        ("reviewer", "/review"),
        ("pharmacist", "/terminal"),
        ("invoice_clerk", "/window"),
        ("cashier", "/window/cashier"),
        ("admin", "/staff"),
    ],
)
def test_staff_land_where_their_work_is(phone, units: Units, role, landing):
    with units.open() as uow:
        factories.staff(uow, role, login="somebody")

    answer = phone.send("/staff/login", login="somebody", password="demo-2026")

    assert answer.location == landing


def test_a_wrong_password_is_told_without_saying_what_was_wrong(phone, units: Units):
    with units.open() as uow:
        factories.staff(uow, "doctor", login="zhang.wei")

    known = phone.send("/staff/login", login="zhang.wei", password="guess")
    unknown = phone.send("/staff/login", login="nobody", password="guess")

    assert (known.status_code, unknown.status_code) == (401, 401)
    assert "账号或密码不对" in known.text
    assert "账号或密码不对" in unknown.text


def test_both_can_be_logged_in_on_one_browser(zhang, units: Units):
    with units.open() as uow:
        factories.staff(uow, "doctor", login="zhang.wei")

    zhang.send("/staff/login", login="zhang.wei", password="demo-2026")

    assert zhang.open("/me").status_code == 200
    zhang.send("/logout")
    assert zhang.open("/me").status_code == 302
