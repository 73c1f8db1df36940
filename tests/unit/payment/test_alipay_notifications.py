"""Alipay's calls are believed by signature, addressee and age alone; whatever else is sent changes nothing."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote_plus, urlencode

import pytest
from sqlalchemy import func, select

from app.kernel.inbox import InboxItem
from app.kernel.moves import Move
from app.kernel.uow import Units
from app.payment.alipay_notifications import read_alipay
from app.payment.asking import start
from app.payment.models import Bill, PaymentOrder, PayMethod
from app.payment.notifications import Flaw, NotificationRefused
from app.payment.ports import PaymentFact, PaymentFactState
from app.payment.querying import close_expired, query_missing
from app.payment.receiving import accept_alipay, process_notifications
from app.payment.states import BillState, OrderState
from tests.conftest import MORNING, SetClock
from tests.factories_payment import Till, alipay_facts, alipay_form, alipay_keys, foreign_key
from tests.unit.payment.conftest import Asker

Hostile = Callable[[str], bytes]


@pytest.fixture
def till() -> Till:
    return Till(name="alipay")


def _with(**changes: str) -> Hostile:
    return lambda number: alipay_form(alipay_facts(number, **changes))


def _without(name: str) -> Hostile:
    return lambda number: alipay_form({key: value for key, value in alipay_facts(number).items() if key != name})


def _after(**after: str) -> Hostile:
    return lambda number: alipay_form(alipay_facts(number), **after)


def _doubled(number: str) -> bytes:
    return alipay_form(alipay_facts(number)) + b"&total_amount=0.01"


HOSTILE: dict[str, tuple[Hostile, Flaw]] = {
    "no signature": (_after(sign=""), Flaw.SIGNATURE),
    "a signature that is not base64": (_after(sign="%%%"), Flaw.SIGNATURE),
    "a signature of nothing": (_after(sign="AAAA"), Flaw.SIGNATURE),
    "an older kind of signature": (_after(sign_type="RSA"), Flaw.TYPE),
    "no kind of signature": (_after(sign_type=""), Flaw.TYPE),
    "signed with another key": (lambda n: alipay_form(alipay_facts(n), key=foreign_key()), Flaw.SIGNATURE),
    "an amount altered on the way": (_after(total_amount="0.01"), Flaw.SIGNATURE),
    "a field added on the way": (_after(extra="1"), Flaw.SIGNATURE),
    "another order's number put in": (_after(out_trade_no="mzother"), Flaw.SIGNATURE),
    "for another app": (_with(app_id="2021999999999999"), Flaw.FOREIGN),
    "for another seller": (_with(seller_id="2088999999999999"), Flaw.FOREIGN),
    "for no seller": (_without("seller_id"), Flaw.FOREIGN),
    "told 27 hours ago": (_with(notify_time="2026-11-22 06:29:00"), Flaw.STALE),
    "told ten minutes ahead": (_with(notify_time="2026-11-23 09:40:01"), Flaw.STALE),
    "told at no time": (_without("notify_time"), Flaw.MALFORMED),
    "told at a time that is none": (_with(notify_time="0000-13-99 99:99:99"), Flaw.MALFORMED),
    "without a number of its own": (_without("notify_id"), Flaw.MALFORMED),
    "a number with a line break": (_with(notify_id="a\nb"), Flaw.MALFORMED),
    "a fraction of a fen": (_with(total_amount="25.001"), Flaw.MALFORMED),
    "an amount in other figures": (_with(total_amount="２５.00"), Flaw.MALFORMED),
    "a negative amount": (_with(total_amount="-25.00"), Flaw.MALFORMED),
    "no amount": (_with(total_amount=""), Flaw.MALFORMED),
    "nought": (_with(total_amount="0.00"), Flaw.MALFORMED),
    "an order's number of another shape": (_with(out_trade_no="mz'; --"), Flaw.MALFORMED),
    "no payment's time": (_without("gmt_payment"), Flaw.MALFORMED),
    "a zero character": (_with(trade_no="2026\x00"), Flaw.MALFORMED),
    "half a character": (lambda _: b"out_trade_no=%ED%A0%80&sign_type=RSA2&sign=AAAA", Flaw.MALFORMED),
    "another character set": (_with(charset="GBK"), Flaw.MALFORMED),
    "a field twice": (_doubled, Flaw.MALFORMED),
    "not a form": (lambda _: b"<xml/>", Flaw.MALFORMED),
    "nothing": (lambda _: b"", Flaw.TYPE),
    "JSON": (lambda _: b'{"out_trade_no": "1"}', Flaw.MALFORMED),
    "a thousand fields": (lambda _: urlencode({f"f{n}": "1" for n in range(1000)}).encode(), Flaw.MALFORMED),
    "1 MB": (lambda _: b"a=" + b"1" * 2**20, Flaw.TOO_LARGE),
}


@pytest.fixture
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever tries to reach anybody from Python fails the test."""

    def refuse(*_: object) -> None:
        raise AssertionError("a notification made us call somebody")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def states(units: Units) -> tuple[BillState, OrderState]:
    with units.open(reads_only=True) as uow:
        return uow.session.scalars(select(Bill.state)).one(), uow.session.scalars(select(PaymentOrder.state)).one()


@pytest.mark.usefixtures("_no_network")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_notification_is_refused_and_changes_nothing(name: str, units: Units, asker: Asker):
    number = asker.order()
    with units.open(reads_only=True) as uow:
        moves_before = uow.session.scalar(select(func.count()).select_from(Move))
    make, flaw = HOSTILE[name]
    body = make(number)

    status = accept_alipay(units, alipay_keys(), body)
    process_notifications(units)

    assert 400 <= status < 500
    with pytest.raises(NotificationRefused) as refused:
        read_alipay(body, MORNING, alipay_keys())
    assert refused.value.flaw is flaw
    assert states(units) == (BillState.OPEN, OrderState.ASKED)
    with units.open(reads_only=True) as uow:
        assert uow.session.scalars(select(InboxItem)).all() == []
        assert uow.session.scalar(select(func.count()).select_from(Move)) == moves_before


def test_a_true_notification_pays_the_bill(units: Units, asker: Asker):
    number = asker.order()

    assert accept_alipay(units, alipay_keys(), alipay_form(alipay_facts(number))) == 200
    assert states(units) == (BillState.OPEN, OrderState.ASKED)
    process_notifications(units)

    assert states(units) == (BillState.PAID, OrderState.PAID)


def test_what_is_kept_holds_no_more_than_is_used(units: Units, asker: Asker):
    accept_alipay(
        units, alipay_keys(), alipay_form(alipay_facts(asker.order(), buyer_logon_id="w***@mail.cn", body="癌症"))
    )

    with units.open(reads_only=True) as uow:
        kept = uow.session.scalars(select(InboxItem)).one().body.decode()
    assert "mail.cn" not in kept
    assert "癌症" not in kept


def test_fifty_of_the_same_at_once_have_one_effect(units: Units, asker: Asker, heard: list[object]):
    body = alipay_form(alipay_facts(asker.order()))

    def tell(_: int) -> int:
        status = accept_alipay(units, alipay_keys(), body)
        process_notifications(units, limit=5)
        return status

    with ThreadPoolExecutor(50) as pool:
        assert set(pool.map(tell, range(50))) == {200}
    process_notifications(units)

    assert states(units) == (BillState.PAID, OrderState.PAID)
    assert [type(event).__name__ for event in heard].count("BillPaid") == 1


def test_the_same_payment_told_under_another_number_is_quiet(units: Units, asker: Asker, heard: list[object]):
    number = asker.order()

    for _ in range(3):
        assert accept_alipay(units, alipay_keys(), alipay_form(alipay_facts(number))) == 200
        process_notifications(units)

    assert [type(event).__name__ for event in heard].count("BillPaid") == 1


@pytest.mark.parametrize("changes", [{"total_amount": "24.99"}, {"out_trade_no": "mznobodys"}])
def test_money_that_fits_no_order_is_on_the_work_list_and_books_nothing(
    units: Units, asker: Asker, changes: dict[str, str]
):
    body = alipay_form(alipay_facts(asker.order(), **changes))

    assert accept_alipay(units, alipay_keys(), body) == 400
    assert accept_alipay(units, alipay_keys(), body) == 400
    process_notifications(units)

    assert states(units) == (BillState.OPEN, OrderState.ASKED)
    with units.open(reads_only=True) as uow:
        assert uow.session.scalars(select(InboxItem.state)).one() == "refused"


def test_an_order_of_another_provider_is_not_paid_by_alipay(units: Units, asker: Asker):
    wechat = Till(name="wechat")
    number = start(units, wechat, asker.who.actor, asker.bill(), PayMethod.NATIVE).out_trade_no

    assert accept_alipay(units, alipay_keys(), alipay_form(alipay_facts(number))) == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"trade_status": "WAIT_BUYER_PAY"},
        {"trade_status": "TRADE_CLOSED"},
        {"refund_fee": "25.00", "out_biz_no": "rf1"},
    ],
)
def test_what_is_no_payment_is_thanked_for_and_changes_nothing(units: Units, asker: Asker, changes: dict[str, str]):
    body = alipay_form(alipay_facts(asker.order(), **changes))

    assert accept_alipay(units, alipay_keys(), body) == 200
    process_notifications(units)

    assert states(units) == (BillState.OPEN, OrderState.ASKED)


def test_a_signature_holds_for_the_fields_as_they_were_decoded():
    facts = alipay_facts("mz1", subject="a b&c=d+e%20f 药费")
    body = alipay_form(facts)

    assert quote_plus("a b&c=d+e%20f 药费").encode() in body
    assert read_alipay(body, MORNING, alipay_keys()).paid is not None


def test_an_order_nobody_opened_stands_until_its_time_is_over(units: Units, till: Till, asker: Asker, clock: SetClock):
    number = asker.order()
    till.facts[number] = PaymentFact(PaymentFactState.UNSEEN)

    clock.step(minutes=2)
    query_missing(units, till)
    assert states(units)[1] == OrderState.ASKED
    clock.step(minutes=29)
    close_expired(units, till)

    assert states(units)[1] == OrderState.CLOSED


def test_an_order_on_alipays_page_needs_no_asking_and_has_one_number(units: Units, till: Till, asker: Asker):
    bill = asker.bill()

    with ThreadPoolExecutor(20) as pool:
        asked = list(
            pool.map(lambda _: start(units, till, asker.who.actor, bill, PayMethod.WAP).out_trade_no, range(20))
        )

    assert len(set(asked)) == 1
    assert till.calls == []
    assert states(units)[1] == OrderState.ASKED
