"""No refund stays where it is for ever: one the provider does not know, or that was tried once more, is followed."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.kernel import outbox
from app.kernel.outbox import OutboxItem
from app.kernel.uow import Units
from app.payment import refunds
from app.payment.ports import RefundFact, RefundFactState
from app.payment.states import BillState, RefundState
from tests.conftest import SetClock
from tests.factories_payment import Till
from tests.unit.payment.conftest import Asker
from tests.unit.payment.test_money_back import bill_state, give_back, paid, the_refund

__all__ = ["paid"]


def test_a_refund_that_the_provider_took_on_and_does_not_know_is_sent_again_under_its_number(
    units: Units, asker: Asker, till: Till, paid: str, clock: SetClock
):
    refund = give_back(units, asker, paid)
    assert refund is not None
    refunds.send_refunds(units, till)
    till.refund_facts[refund.out_refund_no] = RefundFact(RefundFactState.ABSENT)

    clock.step(seconds=61)
    refunds.query_refunds(units, till)
    till.refund_facts[refund.out_refund_no] = RefundFact(RefundFactState.SUCCEEDED)
    clock.step(seconds=1)
    refunds.send_refunds(units, till)

    assert [call for call in till.calls if call.startswith("refund ")] == [f"refund {refund.out_refund_no}"] * 2
    assert (the_refund(units).state, bill_state(units)) == (RefundState.SUCCEEDED, BillState.REFUNDED)


def test_a_refused_refund_that_is_sent_again_is_followed_to_its_end(
    units: Units, asker: Asker, till: Till, paid: str, clock: SetClock
):
    refund = give_back(units, asker, paid)
    assert refund is not None
    till.refuses = "INVALID_REQUEST"
    refunds.send_refunds(units, till)
    till.refuses = ""
    with units.open() as uow:
        outbox.send_again(uow, uow.session.scalars(select(OutboxItem.id)).one())

    refunds.send_refunds(units, till)
    assert (the_refund(units).state, the_refund(units).failure) == (RefundState.SENT, "")
    till.refund_facts[refund.out_refund_no] = RefundFact(RefundFactState.SUCCEEDED)
    clock.step(seconds=61)
    refunds.query_refunds(units, till)

    assert (the_refund(units).state, bill_state(units)) == (RefundState.SUCCEEDED, BillState.REFUNDED)


@pytest.mark.parametrize("code", ["SIGN_ERROR", "isv.invalid-signature"])
def test_a_provider_that_does_not_know_our_signature_fails_no_refund(
    units: Units, asker: Asker, till: Till, paid: str, clock: SetClock, code: str
):
    """As while the hospital changes its key: what it asks for is right, only nobody believes it."""
    give_back(units, asker, paid)
    till.refuses = code
    refunds.send_refunds(units, till)
    assert the_refund(units).state == RefundState.REQUESTED

    till.refuses = ""
    clock.step(seconds=5)
    refunds.send_refunds(units, till)
    assert the_refund(units).state == RefundState.SENT
