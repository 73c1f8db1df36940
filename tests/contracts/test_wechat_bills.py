"""A day's statements come from a gateway that signs its answers, whole and in the form that reconciliation reads."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from datetime import date

import pytest

from app.couriers.wechat_bills import WeChatBills
from app.kernel.clock import SystemClock
from app.reconciliation import reading
from app.reconciliation.errors import StatementFlawed
from app.reconciliation.ports import StatementAbsent, StatementKind, StatementNotReady
from app.reconciliation.reading import FUNDS, TRADE
from app.reconciliation.rows import RowIn
from app.reconciliation.states import Outcome, Subject
from tests.contracts.gateways import Gateway, Post, refund_of, wechat
from tests.sandbox.fixtures import RunningSandbox, running_sandbox


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path_factory.mktemp("bills")) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def gateway(sandbox: RunningSandbox) -> Iterator[Gateway]:
    post = Post()
    yield wechat(sandbox, post)
    post.server.shutdown()


@pytest.fixture(scope="module")
def bills(gateway: Gateway) -> WeChatBills:
    return WeChatBills(gateway.settings, "http://127.0.0.1:1/callbacks/wechat-pay", SystemClock())


def today() -> date:
    return date.fromisoformat(time.strftime("%Y-%m-%d", time.gmtime(time.time() + 8 * 3600)))


def fetched(bills: WeChatBills, kind: StatementKind = StatementKind.TRADE) -> list[RowIn]:
    file = io.BytesIO()
    sha1 = bills.fetch(kind, today(), file)
    reading.check_whole(file, sha1)
    return list(reading.rows_of(file, TRADE if kind is StatementKind.TRADE else FUNDS))


def test_the_days_payments_and_refunds_are_in_both_statements(bills: WeChatBills, gateway: Gateway) -> None:
    order = gateway.paid()
    fact = bills.query(order.out_trade_no)
    back = refund_of(order, fact.transaction_id, amount_fen=700)
    bills.refund(back)

    trade = {row.number: row for row in fetched(bills)}
    funds = {row.number: row for row in fetched(bills, StatementKind.FUNDS)}

    paid_row, back_row = trade[order.out_trade_no], trade[back.out_refund_no]
    assert (paid_row.subject, paid_row.amount_fen, paid_row.foreign_no) == (Subject.PAYMENT, 2500, fact.transaction_id)
    assert paid_row.at == fact.paid_at
    assert (back_row.subject, back_row.amount_fen) == (Subject.REFUND, 700)
    assert back_row.outcome in {Outcome.DONE, Outcome.IN_PROGRESS}
    assert funds[fact.transaction_id].amount_fen == 2500


def test_a_day_without_trade_has_no_statement(bills: WeChatBills) -> None:
    for kind in StatementKind:
        with pytest.raises(StatementAbsent):
            bills.fetch(kind, date(2020, 1, 1), io.BytesIO())


def test_a_flawed_statement_is_known_as_such(bills: WeChatBills, gateway: Gateway) -> None:
    gateway.paid()
    whole = [(row.number, row.amount_fen) for row in fetched(bills)]  # a refund may arrive meanwhile

    found = {}
    for mode in ("bill_half", "bill_altered", "bill_creating"):
        gateway.drive("wxpay/switch", mode=mode, scope="next")
        try:
            found[mode] = str(len(fetched(bills)))
        except StatementFlawed as error:
            found[mode] = error.flaw
        except StatementNotReady as error:
            found[mode] = error.code
    assert found == {"bill_half": "cut_short", "bill_altered": "sha1_differs", "bill_creating": "STATEMENT_CREATING"}

    for mode in ("bill_bom", "bill_gbk"):
        gateway.drive("wxpay/switch", mode=mode, scope="next")
        assert [(row.number, row.amount_fen) for row in fetched(bills)] == whole


def test_our_signature_goes_to_nobody_but_the_gateway(bills: WeChatBills, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = {"hash_value": "0" * 40, "download_url": "http://127.0.0.1:1/v3/billdownload/file?token=x"}
    monkeypatch.setattr(bills._client, "trade_bill", lambda **_: (200, json.dumps(elsewhere)))

    with pytest.raises(StatementNotReady) as refused:
        bills.fetch(StatementKind.TRADE, today(), io.BytesIO())

    assert refused.value.code == "provider_away"
