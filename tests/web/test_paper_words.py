"""What a patient takes along on paper is in the hospital's words or their own, whatever the console is read in."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from app.identity.models import Account
from app.registration.models import Registration
from tests import factories
from tests.unit.paper.reading import text_of
from tests.web.test_cashier import begin, unpaid
from tests.web.test_registration_desk import filed, full, join, register
from tests.web.work_fixtures import House, house, nonce

__all__ = ["house"]
LANGUAGES = ("zh-CN", "en")


def in_language(browser: FlaskClient, path: str, language: str):
    return browser.get(path, headers={"Accept-Language": language})


def said_by_both(browser: FlaskClient, path: str) -> list[str]:
    """The words of a PDF, printed by somebody who reads Chinese, then English."""
    return [text_of(in_language(browser, path, language).data) for language in LANGUAGES]


def article(browser: FlaskClient, path: str, language: str) -> str:
    page = in_language(browser, path, language).text
    assert (">Next" in page) == (language == "en"), "the console itself is in the reader's language"
    return page.split("<article", 1)[1].split("</article>", 1)[0]


def test_a_label_says_how_to_take_the_drugs_in_chinese_whoever_prints_it(house: House) -> None:
    _, bag = house.ready_bag()

    chinese, english = said_by_both(house.browser("checker"), f"/terminal/picking/{bag.public_id}/label.pdf")

    assert english == chinese
    assert "口服" in chinese


def test_a_receipt_is_in_chinese_whoever_prints_it(house: House) -> None:
    _, bill = unpaid(house)
    clerk = begin(house)
    entry = clerk.post(f"/window/cashier/bills/{bill}/cash", data={"tendered": "30"}).location

    chinese, english = said_by_both(clerk, f"{entry}.pdf")

    assert english == chinese
    assert [word for word in ("挂号", "现金", "找零") if word not in chinese] == []


@pytest.mark.long
def test_an_invoice_is_in_chinese_whoever_prints_it(house: House) -> None:
    _, held = house.booked()
    clerk = house.browser("clerk")
    with house.units.open(reads_only=True) as uow:
        number = uow.session.get_one(Registration, held.id).visit_number
    where = clerk.post("/window/visit", data={"visit_number": number, "nonce": nonce()}).location
    (path,) = set(re.findall(r'"(/window/prints/\w+/\w+\.pdf)"', clerk.get(where).text))

    chinese, english = said_by_both(clerk, path)

    assert english == chinese
    assert "挂号费" in chinese


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_slips_of_the_desk_are_in_the_hospitals_words_for_who_has_no_account(house: House, language: str) -> None:
    house.clock.step(hours=-2)
    nurse = house.browser("nurse")
    page = filed(house, nurse)
    slip = article(nurse, register(nurse, page, house.clinic.session), language)

    assert 'lang="zh-Hans-CN"' in slip
    assert [word for word in ("挂号凭条", "科室", "消化内科", "待支付", "到收费窗口缴费") if word not in slip] == []
    assert "Department" not in slip


def test_a_slip_is_in_english_for_whoever_reads_english_on_their_own_phone(house: House) -> None:
    with house.units.open() as uow:
        who = factories.person(uow)
        uow.session.execute(update(Account).where(Account.id == who.account.id).values(locale="en"))
    booked = factories.booked(house.units, who, house.clinic.session)

    slip = article(house.browser("nurse"), f"/desk/registrations/{booked.public_id}/slip", "en")
    same = house.browser("nurse").get(f"/desk/registrations/{booked.public_id}/slip").text

    assert 'lang="en"' in slip
    assert "Department" in slip
    assert slip in same


def test_a_waiting_slip_is_in_the_hospitals_words(house: House) -> None:
    full(house)
    nurse = house.browser("nurse")
    slip = article(nurse, join(nurse, filed(house, nurse), house).location, "en")

    assert [word for word in ("候补凭条", "排在前面", "没有登记电话") if word not in slip] == []
    assert "Waiting" not in slip
