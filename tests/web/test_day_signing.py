"""A day is signed off once, for what it is then; what changes later is told on it and carried to the next."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import select

from app.kernel.uow import Actor
from app.payment import asking, receipts
from app.payment import service as payment
from app.payment.models import PayMethod
from app.reconciliation import signing
from app.reconciliation.models import Case, DaySignature
from app.registration import service as registration
from tests import factories
from tests.unit.reconciliation import statements
from tests.web.test_day_end import a_day_later, compared, trade_bill
from tests.web.work_fixtures import House, follow, house

__all__ = ["house"]
SIGN = "/staff/reconciliation/day/sign"


def page(house: House, day: date, login: str = "finance") -> str:
    return house.browser(login).get(f"/staff/reconciliation/day?day={day}").text


def agreed(house: House, day: date) -> None:
    """WeChat Pay tells of the day what our books have."""
    compared(house, day, wechat=statements.content(statements.trade_lines(trade_bill(house))))


def test_a_day_is_signed_by_finance_and_its_sheet_says_for_what(house: House) -> None:
    house.booked()
    house.booked("李建国")
    day = a_day_later(house)
    agreed(house, day)
    finance = house.browser("finance")
    assert "日结签字" not in page(house, day, "auditor")
    assert "日结签字" in page(house, day)

    refused = house.browser("operations").post(SIGN, data={"day": str(day)}).status_code
    sheet = follow(finance, finance.post(SIGN, data={"day": str(day), "note": "无异常"})).text
    twice = finance.post(SIGN, data={"day": str(day)})

    assert refused == 403
    wanted = ("日结单", "王芳finance", "收款 · 微信支付", "50.00", "票据 · 蓝字", "无异常", "与签字时一致")
    assert [words for words in wanted if words not in sheet] == []
    assert (twice.status_code, "这一天已经签字" in twice.text) == (409, True)
    assert house.audited("reconciliation.sign") == 1
    signed = page(house, day)
    assert "已日结签字" in signed
    assert 'action="/staff/reconciliation/day/sign"' not in signed
    assert house.browser("auditor").get(f"/staff/reconciliation/day/signed?day={day}").status_code == 200
    assert finance.get(f"/staff/reconciliation/day/signed?day={day + timedelta(days=1)}").status_code == 404


def test_what_keeps_a_day_from_being_signed_is_refused_in_words(house: House) -> None:
    house.booked()
    finance = house.browser("finance")
    today = finance.post(SIGN, data={"day": "2026-11-23"})
    day, finance = a_day_later(house), house.browser("finance")

    not_compared = finance.post(SIGN, data={"day": str(day)})
    compared(house, day, wechat=statements.content(statements.trade_lines([])))
    cases_open = finance.post(SIGN, data={"day": str(day)})

    assert (today.status_code, "当日还没有结束" in today.text) == (409, True)
    assert (not_compared.status_code, "还没有核对完" in not_compared.text) == (409, True)
    assert (cases_open.status_code, "有 1 笔差错" in cases_open.text) == (409, True)
    with house.units.open(reads_only=True) as uow:
        assert signing.of_day(uow, day) is None


def test_a_case_left_open_with_its_reason_stands_on_the_sheet(house: House) -> None:
    house.booked()
    day = a_day_later(house)
    compared(house, day, wechat=statements.content(statements.trade_lines([])))
    with house.units.open(reads_only=True) as uow:
        case = uow.session.scalars(select(Case)).one()
    finance = house.browser("finance")
    path = f"/staff/reconciliation/cases/{case.public_id}/leave"

    without = finance.post(path, data={"note": " "}).status_code
    foreign = house.browser("operations").post(path, data={"note": "等"}).status_code
    left = follow(finance, finance.post(path, data={"note": "微信客服答复次日补账"})).text
    sheet = follow(finance, finance.post(SIGN, data={"day": str(day)})).text

    assert (without, foreign) == (422, 403)
    assert "理由已记录" in left
    assert "待处理" in left, "it is still open"
    assert [words for words in ("仅本院有", "微信客服答复次日补账", "25.00") if words not in sheet] == []


def test_a_drawer_that_was_off_is_signed_only_with_a_reason(house: House) -> None:
    cashier = house.browser("cashier")
    cashier.post("/window/cashier/shift", data={"float": "200"})
    with house.units.open(reads_only=True) as uow:
        today = uow.today()
    house.clock.step(days=1)
    still_open = house.browser("finance").post(SIGN, data={"day": str(today)}).status_code
    cashier = house.browser("cashier")
    cashier.post("/window/cashier/shift/close", data={"counted": "199.50", "counted_before": "19950"})
    house.clock.step(days=1)
    finance = house.browser("finance")
    day = today + timedelta(days=1)

    refused = finance.post(SIGN, data={"day": str(day)})
    sheet = follow(finance, finance.post(SIGN, data={"day": str(day), "note": "找零差错"})).text

    assert still_open == 409
    assert (refused.status_code, "现金有长短款" in refused.text) == (422, True)
    assert [words for words in ("-0.50", "找零差错") if words not in sheet] == []


def test_money_that_moves_on_a_signed_day_is_told_on_it_and_carried_to_the_next(house: House) -> None:
    house.booked()
    first, second, taken_at = asked_for(house), asked_for(house), house.clock.now()
    day, next_day = a_day_later(house), house.clock.now().date()
    agreed(house, day)
    finance = house.browser("finance")
    finance.post(SIGN, data={"day": str(day)})
    assert "签字后有更正" not in page(house, day)

    told_late(house, first, taken_at)

    text = "收款 · 微信支付：签字时 1 笔 25.00 元，现为 2 笔 50.00 元"
    sheet = finance.get(f"/staff/reconciliation/day/signed?day={day}").text
    assert [each for each in (page(house, day), sheet) if "签字后有更正" not in each or text not in each] == []
    assert text in page(house, next_day).partition("前日更正")[2]
    house.clock.step(days=1)
    agreed(house, next_day)
    finance = house.browser("finance")
    assert text in follow(finance, finance.post(SIGN, data={"day": str(next_day)})).text, "its signature carries it"
    assert "前日更正" not in page(house, next_day + timedelta(days=1)), "and no other day does"
    assert text in page(house, day), "the signed day still says for what it was signed"

    told_late(house, second, taken_at)

    assert "收款 · 微信支付：签字时 2 笔 50.00 元，现为 3 笔 75.00 元" in page(house, next_day + timedelta(days=1))
    with house.units.open(reads_only=True) as uow:
        rows = uow.session.scalars(select(DaySignature).order_by(DaySignature.day)).all()
    kept = [(row.day, row.totals.get("taken.wechat"), [each["day"] for each in row.carried]) for row in rows]
    assert kept == [(day, [1, 2500], []), (next_day, None, [str(day)])]


def asked_for(house: House) -> asking.Asked:
    """A fee that somebody is asked for and has not paid as far as we know."""
    with house.units.open() as uow:
        who = factories.person(uow, name="周敏")
    with house.units.open(who.actor) as uow:
        session, patient = house.clinic.session.public_id, who.patient.public_id
        registration.hold(uow, session_public_id=session, patient_public_id=patient)
    with house.units.open(who.actor, reads_only=True) as uow:
        (bill,) = payment.list_of_account(uow)
    return asking.start(house.units, house.till, who.actor, bill.public_id, PayMethod.NATIVE)


def told_late(house: House, asked: asking.Asked, taken_at: datetime) -> None:
    """The provider tells only now that it took the fee at `taken_at`."""
    with house.units.open(Actor("provider", "wechat")) as uow:
        receipts.receive_paid(
            uow,
            out_trade_no=asked.out_trade_no,
            transaction_id=f"T{asked.out_trade_no}",
            amount_fen=asked.amount_fen,
            paid_at=taken_at,
        )
