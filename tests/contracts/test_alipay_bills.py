"""A day's statement comes from Alipay's gateway by an address of its own, whole and in the form that is read."""

from __future__ import annotations

import dataclasses
import io
import time
from collections.abc import Iterator
from datetime import date

import pytest

from app.couriers.alipay_bills import AlipayBills
from app.kernel.clock import SystemClock
from app.reconciliation import reading_alipay
from app.reconciliation.errors import StatementFlawed
from app.reconciliation.ports import StatementAbsent, StatementKind, StatementNotReady
from app.reconciliation.rows import RowIn
from app.reconciliation.states import Outcome, Subject
from tests.contracts.gateways import Gateway, Post, alipay, refund_of
from tests.sandbox.fixtures import RunningSandbox, free_port


@pytest.fixture(scope="module")
def gateway(sandbox: RunningSandbox) -> Iterator[Gateway]:
    post = Post()
    yield alipay(sandbox, post)
    post.server.shutdown()


def bills(gateway: Gateway, **changes: object) -> AlipayBills:
    return AlipayBills(dataclasses.replace(gateway.settings, **changes), "", SystemClock())


def today() -> date:
    return date.fromisoformat(time.strftime("%Y-%m-%d", time.gmtime(time.time() + 8 * 3600)))


def fetched(courier: AlipayBills, day: date | None = None) -> list[RowIn]:
    file = io.BytesIO()
    assert courier.fetch(StatementKind.TRADE, day or today(), file) == ""
    return list(reading_alipay.rows_of(file))


def test_the_days_payments_and_refunds_are_in_the_statement(gateway: Gateway) -> None:
    order = gateway.paid()
    fact = gateway.courier.query(order.out_trade_no)
    back = refund_of(order, fact.transaction_id, amount_fen=700)
    gateway.courier.refund(back)

    told = {row.number: row for row in fetched(bills(gateway))}

    paid_row, back_row = told[order.out_trade_no], told[back.out_refund_no]
    assert (paid_row.subject, paid_row.amount_fen, paid_row.foreign_no) == (Subject.PAYMENT, 2500, fact.transaction_id)
    assert (paid_row.at, paid_row.outcome) == (fact.paid_at, Outcome.DONE)
    assert (back_row.subject, back_row.amount_fen, back_row.outcome) == (Subject.REFUND, 700, Outcome.DONE)


def test_a_day_without_trade_has_no_statement(gateway: Gateway) -> None:
    with pytest.raises(StatementAbsent):
        fetched(bills(gateway), date(2020, 1, 1))


def test_a_flawed_statement_is_known_as_such(gateway: Gateway) -> None:
    gateway.paid()
    whole = fetched(bills(gateway))

    found = {}
    for mode in ("bill_half", "bill_lost"):
        gateway.drive("alipay/switch", mode=mode, scope="next")
        with pytest.raises(StatementFlawed) as refused:
            fetched(bills(gateway))
        found[mode] = refused.value.flaw
    assert found == {"bill_half": "cut_short", "bill_lost": "cut_short"}

    gateway.drive("alipay/switch", mode="bill_utf8", scope="next")
    assert fetched(bills(gateway)) == whole


def test_a_gateway_that_is_away_or_busy_is_asked_again_later(gateway: Gateway) -> None:
    gateway.drive("alipay/switch", mode="api_down", scope="next")
    with pytest.raises(StatementNotReady):
        fetched(bills(gateway))
    with pytest.raises(StatementNotReady):
        fetched(bills(gateway, base_url=f"http://127.0.0.1:{free_port()}", timeout_seconds=1))


@pytest.mark.parametrize(
    ("url", "is_theirs"),
    [
        ("https://dwbillcenter.alipay.com/downloadBillFile.resource?bizType=trade", True),
        ("http://dwbillcenter.alipay.com/downloadBillFile.resource", False),
        ("https://dwbillcenter.alipay.com.example.org/x", False),
        ("https://169.254.169.254/latest/meta-data", False),
        ("file:///etc/passwd", False),
    ],
)
def test_the_file_is_fetched_from_alipay_and_from_nobody_else(gateway: Gateway, url: str, is_theirs: bool) -> None:
    assert bills(gateway)._is_theirs(url) is is_theirs
