"""A registration fee paid inside WeChat together with insurance's part: an order of the kind 挂号 (REG_PAY)."""

from __future__ import annotations

import pytest
import requests

from app.payment.errors import NotMixed
from app.payment.states import BillState, MixedOrderState
from app.registration import by_time
from app.registration.states import RegistrationState
from tests.factories_fees import Desk, desk
from tests.journeys.test_mixed_payment import Home, home, post

__all__ = ["home", "post"]


@pytest.fixture
def lobby(home: Home) -> Desk:
    return desk(home.house)


def kind_of(home: Home) -> str:
    books = requests.get(f"{home.house.sandbox.http_url}/sandbox/wxpay/med-ins/books", timeout=30).json()
    return next(row["order_type"] for row in books if row["mix_trade_no"] == home.order()[1].mix_trade_no)


def test_both_parts_of_a_fee_book_the_place_in_one_go_and_go_back_together(home: Home, lobby: Desk) -> None:
    made = lobby.hold()
    home.jobs()
    home.pay(home.start(lobby.bill(made)))
    home.after(seconds=25)
    home.jobs()

    assert kind_of(home) == "REG_PAY"
    assert (lobby.bill(made).state, lobby.now(made).state) == (BillState.PAID, RegistrationState.BOOKED)
    assert (home.settled(), home.house.invoices()) == (["settled"], 1)

    lobby.cancel(made)
    for _ in range(3):
        home.jobs()

    assert home.settled() == ["cancelled"]
    paid, returned = home.house.paid_and_returned()
    assert paid == returned == lobby.bill(made).cash_fen


def test_an_order_that_is_still_open_when_the_hold_ends_charges_neither(home: Home, lobby: Desk) -> None:
    made = lobby.hold()
    home.jobs()
    home.start(lobby.bill(made))
    home.house.clock.step(minutes=11)
    with home.units.open() as uow:
        by_time.expire_due(uow)
    for _ in range(3):
        home.after(seconds=25)
        home.jobs()

    assert home.order()[1].state is MixedOrderState.FAILED
    assert lobby.now(made).state is RegistrationState.EXPIRED
    assert (home.settled(), home.house.paid_and_returned()) == ([], (0, 0))


def test_a_fee_that_insurance_pays_alone_needs_no_order(home: Home) -> None:
    lobby = desk(home.house, fee_fen=25_00)
    made = lobby.hold()
    home.jobs()

    with pytest.raises(NotMixed):
        home.start(lobby.bill(made))
