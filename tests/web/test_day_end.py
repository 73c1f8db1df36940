"""The end of a day on one page: all sides, the drawers, what is still open; and a table that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from app.kernel import outbox
from app.kernel.outbox import OutboxItem, OutboxState
from app.payment.models import Bill, PaymentOrder
from app.reconciliation import service
from app.reconciliation.models import Case
from app.reconciliation.states import CaseState, Source
from app.web.spreadsheets import harmless
from tests.unit.reconciliation import statements
from tests.web.work_fixtures import House, follow, house

__all__ = ["house"]


def a_day_later(house: House) -> date:
    """The next noon: yesterday, which is returned, can be compared."""
    with house.units.open(reads_only=True) as uow:
        day = uow.today()
    house.clock.step(days=1, hours=3)
    return day


def compared(house: House, day: date, *, wechat: bytes, hospital: str = "") -> None:
    sources = {Source.WECHAT: statements.Provider({day: wechat}, {})}
    if hospital:
        sources[Source.HOSPITAL] = statements.Files({day: hospital.encode()})  # type: ignore[assignment]
    service.reconcile(house.units, sources)  # type: ignore[arg-type]


def trade_bill(house: House) -> list[str]:
    """The trade bill of all that was paid."""
    with house.units.open(reads_only=True) as uow:
        paid = uow.session.scalars(select(PaymentOrder).where(PaymentOrder.paid_fen > 0)).all()
        return [statements.payment(order.out_trade_no, order.paid_fen, order.paid_at) for order in paid]  # type: ignore[arg-type]


def test_a_day_on_which_all_agree_can_be_closed(house: House) -> None:
    house.booked()
    house.booked("李建国")
    bills = bookings(house)
    day = a_day_later(house)
    compared(house, day, wechat=statements.content(statements.trade_lines(trade_bill(house))), hospital=bills)

    page = house.browser("finance").get("/staff/reconciliation/day").text

    assert "可以日结" in page
    assert page.count("2 · 50.00") == 4, "ours and theirs, of WeChat Pay and of the hospital system"
    assert "没有差错" in page


def bookings(house: House) -> str:
    with house.units.open(reads_only=True) as uow:
        paid = uow.session.scalars(select(Bill).where(Bill.paid_at.is_not(None))).all()
        return statements.batch(
            statements.booking(bill.public_id, bill.total_fen, at=bill.paid_at)  # type: ignore[arg-type]
            for bill in paid
        )


def test_what_keeps_a_day_open_is_said_and_leads_to_its_case(house: House) -> None:
    house.booked()
    house.browser("cashier").post("/window/cashier/shift", data={"float": "200"})
    day = a_day_later(house)
    strange = statements.payment("mz0strange", 2500, house.clock.now() - timedelta(days=1))
    compared(house, day, wechat=statements.content(statements.trade_lines([*trade_bill(house), strange])))

    page = house.browser("finance").get(f"/staff/reconciliation/day?day={day}").text

    wanted = ("还不能日结", "微信支付：1 笔差错待处理", "现金：1 个班次未结", "25.00")
    assert [words for words in wanted if words not in page] == []
    case = re.search(r"/staff/reconciliation/cases/\w+", page)
    assert case
    house.browser("cashier").post("/window/cashier/shift/close", data={"counted": "199.50", "counted_before": "19950"})
    today = house.browser("finance").get(f"/staff/reconciliation/day?day={day + timedelta(days=1)}").text
    assert [words for words in ("当日还没有结束", "收费班次", "200.00", "199.50", "-0.50") if words not in today] == []


def test_a_side_that_was_not_compared_keeps_the_day_open(house: House) -> None:
    house.booked()
    day = a_day_later(house)

    page = house.browser("finance").get(f"/staff/reconciliation/day?day={day}").text

    assert "微信支付：还没有核对" in page
    assert "未接入" in page


def test_a_booking_the_hospital_system_lost_is_sent_again_by_finance_alone(house: House) -> None:
    house.booked()
    whole = statements.content(statements.trade_lines(trade_bill(house)))
    letters = letters_of(house)
    day = a_day_later(house)
    compared(house, day, wechat=whole, hospital=statements.batch([]))
    with house.units.open(reads_only=True) as uow:
        case = uow.session.scalars(select(Case)).one()
    finance, operations = house.browser("finance"), house.browser("operations")
    path = f"/staff/reconciliation/cases/{case.public_id}"

    page = finance.get(path).text
    refused = operations.post(f"{path}/resend").status_code
    sent = follow(finance, finance.post(f"{path}/resend")).text
    twice = finance.post(f"{path}/resend").status_code

    assert [words for words in ("对方已确认收到", "重新发送", "医院系统没有记账") if words not in page] == []
    assert (refused, twice) == (403, 409)
    assert "已重新发送" in sent
    (letter,) = letters_of(house)
    assert (letter.state, letter.body, letter.key) == (OutboxState.WAITING, letters[0].body, letters[0].key)
    assert house.audited("reconciliation.resend") == 1


def letters_of(house: House) -> list[OutboxItem]:
    """The letters that told of payments, each acknowledged when it was not yet."""
    with house.units.open() as uow:
        letters = list(uow.session.scalars(select(OutboxItem).where(OutboxItem.kind == "BillPaid")))
        for letter in letters:
            if letter.body is None:
                letter.body = b"MSH|..."
                outbox.mark_sent(uow, letter.id, answer=b"MSA|AA")
    return letters


def test_a_day_is_compared_anew_by_finance_alone(house: House) -> None:
    house.booked()
    day = a_day_later(house)
    compared(house, day, wechat=statements.content(statements.trade_lines([])))
    finance, operations = house.browser("finance"), house.browser("operations")
    page = finance.get(f"/staff/reconciliation/day?day={day}").text
    again = re.search(r"/staff/reconciliation/runs/\w+/compare", page)
    assert again
    assert again.group(0) not in operations.get(f"/staff/reconciliation/day?day={day}").text

    assert operations.post(again.group(0)).status_code == 403
    assert finance.post(again.group(0)).status_code == 302
    assert finance.post(again.group(0)).status_code == 409, "it waits already"
    compared(house, day, wechat=statements.content(statements.trade_lines(trade_bill(house))))

    with house.units.open(reads_only=True) as uow:
        assert uow.session.scalars(select(Case.state)).all() == [CaseState.EXPLAINED]
    assert "可以日结" in finance.get(f"/staff/reconciliation/day?day={day}").text


def test_the_day_leaves_as_a_table_in_which_nothing_can_run(house: House) -> None:
    day = a_day_later(house)
    strange = statements.payment("mz0strange", 2500, house.clock.now() - timedelta(days=1))
    compared(house, day, wechat=statements.content(statements.trade_lines([strange])))
    finance = house.browser("finance")
    with house.units.open(reads_only=True) as uow:
        case = uow.session.scalars(select(Case)).one()
    finance.post(f"/staff/reconciliation/cases/{case.public_id}/close", data={"note": '=HYPERLINK("http://x","y")'})

    answer = finance.get(f"/staff/reconciliation/day.csv?day={day}")

    assert answer.data.startswith(b"\xef\xbb\xbf")
    assert f"reconciliation-{day:%Y%m%d}.csv" in answer.headers["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    (row,) = [row for row in rows if "mz0strange" in row]
    assert row[-1] == '\'=HYPERLINK("http://x","y")'
    assert "25.00" in row
    assert [cell for row in rows for cell in row if cell.startswith(("=", "+", "@"))] == []
    assert house.audited("reconciliation.export") == 1
    assert house.browser("doctor").get(f"/staff/reconciliation/day.csv?day={day}").status_code == 403


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        *((text, text) for text in ("", "25.00", "-0.50", "-12", "微信支付", "a=b", "2 · 50.00", "—")),
        *((text, f"'{text}") for text in ("=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "-")),
        *((text, f"'{text}") for text in ("＝1+1", "＋1", "－1+1", "＠SUM(A1)")),
    ],
)
def test_a_cell_that_a_spreadsheet_would_run_is_text(given: str, kept: str) -> None:
    assert harmless(given) == kept
