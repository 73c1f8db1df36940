"""The core steps of a visit on a phone whose browser runs no script: links and forms do it all."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from app.analytics.service import file_channel
from app.pharmacy.models import Bag
from app.queueing import service as queueing
from app.registration import service as registration
from tests import factories
from tests.browser import checks
from tests.browser.hospital import Hospital, account_of
from tests.browser.walking import FOCUSED, Walk, Way
from tests.factories_prescription import line

pytestmark = pytest.mark.browser
PHONE, NAME = "13600000601", "许文静"
WAYS = {"as_it_is": Way(), "twice_the_text": Way(text=2, is_in_the_lobby=True), "elder": Way(is_elder=True)}


def press(page: Page, words: str) -> None:
    """The one button or link with these words, and the page it leads to."""
    main = page.locator("main")
    main.get_by_role("button", name=words).or_(main.get_by_role("link", name=words)).first.click()
    page.locator("h1").wait_for()  # one, or it complains


def log_in(page: Page, hospital: Hospital) -> None:
    page.goto(hospital.base_url + "/")
    page.get_by_label("手机号").fill(PHONE)
    press(page, "获取验证码")
    page.get_by_label("6 位验证码").fill(hospital.texts.sent[-1][1])
    press(page, "登录")


def bind(page: Page) -> None:
    press(page, "添加就诊人")
    page.get_by_label("姓名").fill(NAME)
    page.get_by_label("身份证号").fill(factories.id_number(611))
    press(page, "添加")


def book(page: Page) -> None:
    press(page, "去挂号")
    press(page, "消化内科")
    press(page, "张伟 主任医师")
    press(page, "锁定号源")


def pay(page: Page, hospital: Hospital) -> None:
    """The amount is asked for and paid elsewhere; the page is told to look."""
    press(page, "支付 ¥")
    assert page.locator(".qr svg").is_visible()
    paid(hospital)
    press(page, "我已付款")


def see_the_doctor(hospital: Hospital) -> None:
    """Called, seen, given a prescription that is reviewed."""
    house, who = hospital.house, account_of(hospital.units, PHONE)
    with house.units.open(house.actors["doctor"]) as uow:
        ticket = queueing.call_next(uow, session=house.clinic.session)
        queueing.begin(uow, ticket)
    with house.units.open(who.actor) as uow:
        held = registration.list_of_account(uow)[0]
    written = house.prescribe(who, held, line("IBU300", 2), line("FISHOIL"))
    with house.units.open(house.actors["doctor"]) as uow:
        queueing.finish(uow, queueing.ticket_by_public_id(uow, ticket.public_id))
    house.approve(written)


def test_a_whole_visit_needs_no_script(chromium: Browser, quiet_hospital: Hospital) -> None:
    hospital = quiet_hospital
    with hospital.context(chromium, "", screen=checks.PHONE, has_javascript=False) as context:
        page = context.new_page()
        home = hospital.base_url + "/"

        log_in(page, hospital)
        assert "欢迎使用" in page.inner_text("main")
        bind(page)
        assert NAME in page.inner_text(".whose")

        book(page)
        assert "待支付挂号费" in page.inner_text("main")
        pay(page, hospital)
        assert page.url.startswith(hospital.base_url + "/visits/")

        press(page, "我已到院")
        assert re.search(r"A\d{3}", page.inner_text(".ticket-number"))
        assert "下一位就是您" in page.inner_text(".ticket-ahead")

        see_the_doctor(hospital)
        page.goto(home)
        press(page, "查看明细并支付")
        assert "不在医保目录内" in page.inner_text(".bill") or "自费" in page.inner_text(".bill")
        pay(page, hospital)
        assert "已支付" in page.inner_text("main")

        bag = hospital.house.picked(the_bag(hospital))
        page.goto(home)
        press(page, "出示取药码")
        assert page.locator(".qr svg").is_visible()
        assert page.inner_text(".qr-digits").replace(" ", "") == hospital.house.code(bag)

        page.goto(hospital.base_url + "/invoices")
        press(page, "¥125.20")
        assert re.search(r"校验码\s*\d{6}", page.inner_text("main"))


def the_bag(hospital: Hospital) -> Bag:
    with hospital.units.open() as uow:
        return uow.session.scalars(select(Bag)).one()


def paid(hospital: Hospital) -> None:
    till = hospital.house.till
    till.pay(next(reversed(till.orders)), hospital.clock.now())


def poster(hospital: Hospital) -> str:
    """Where a code in the lobby leads that names no department."""
    with hospital.units.open() as uow:
        return f"/c/{file_channel(uow, name='大厅').code}"


def called(hospital: Hospital) -> str:
    """The doctor calls the next, who is the one who walks; names the ticket."""
    with hospital.units.open(hospital.house.actors["doctor"]) as uow:
        return queueing.call_next(uow, session=hospital.house.clinic.session).public_id


def seen(hospital: Hospital, ticket_id: str) -> None:
    with hospital.units.open(hospital.house.actors["doctor"]) as uow:
        ticket = queueing.ticket_by_public_id(uow, ticket_id)
        queueing.begin(uow, ticket)
        queueing.finish(uow, ticket)


@pytest.mark.parametrize("name", WAYS)
def test_a_place_is_booked_paid_waited_for_and_called_by_keys_alone(
    chromium: Browser, quiet_hospital: Hospital, name: str
) -> None:
    hospital, way = quiet_hospital, WAYS[name]
    home = hospital.base_url + "/"
    with hospital.units.open() as uow:
        hospital.people[name] = factories.person(uow, name="许文静")
    small = {"screen": checks.PHONE_SMALL, "elder": way.is_elder}
    with (
        hospital.context(chromium, name, has_javascript=False, **small) as context,
        hospital.context(chromium, name, **small) as judging,
    ):
        walk = Walk(context.new_page(), way, judging.new_page())

        if way.is_in_the_lobby:
            walk.arrive(hospital.base_url + poster(hospital))
            walk.unfold("消化内科")
        else:
            walk.arrive(home)
            walk.press("去挂号")
            walk.press("消化内科")
        walk.press("张伟 主任医师")
        walk.press("锁定号源")
        walk.press("支付 ¥")
        paid(hospital)
        walk.press("我已付款")
        walk.press("我已到院")
        assert "下一位就是您" in walk.page.inner_text("main")
        ticket_id = called(hospital)
        walk.arrive(walk.page.url)
        assert "请" in walk.page.inner_text(".ticket")
        walk.arrive(home)
        seen(hospital, ticket_id)

    assert walk.problems == []
    assert walk.screens == (8 if way.is_in_the_lobby else 10)


@pytest.mark.parametrize(
    "style", ["a:focus { outline: none !important; box-shadow: none !important }", ".bar { height: 100vh; top: 0 }"]
)
def test_a_focus_that_nobody_sees_is_found(chromium: Browser, style: str) -> None:
    """The control of what the walks look for."""
    page = chromium.new_page()
    bar = ".bar { background: #fff; bottom: 0; height: 3rem; position: fixed; width: 100% }"
    page.set_content(f"<style>{bar}{style}</style><a href='#x'>去挂号</a><div class='bar'></div>")

    page.keyboard.press("Tab")

    seen = page.evaluate(FOCUSED)
    assert seen["isCovered"] or not seen["isMarked"]
