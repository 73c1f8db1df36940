"""A bill, an order and a refund go only where their tables lead, and every table is used up."""

from __future__ import annotations

import itertools

import pytest

from app.kernel.moves import IllegalMove, move
from app.kernel.uow import Units
from app.payment.states import (
    BILL,
    ORDER,
    REFUND,
    BillAction,
    BillState,
    OrderAction,
    OrderState,
    RefundAction,
    RefundState,
)
from tests.factories import Person
from tests.factories_payment import bill

MACHINES = [(BILL, BillState, BillAction), (ORDER, OrderState, OrderAction), (REFUND, RefundState, RefundAction)]


@pytest.mark.parametrize(("machine", "states", "actions"), MACHINES)
def test_every_state_is_reached_and_every_action_leads_somewhere(machine, states, actions):
    reached, more = {machine.initial}, True
    while more:
        following = {to for (state, _), to in machine.moves.items() if state in reached}
        more = not following <= reached
        reached |= following

    assert reached == set(states)
    assert {action for _, action in machine.moves} == set(actions)


@pytest.mark.parametrize(("state", "action"), list(itertools.product(BillState, BillAction)))
def test_a_bill_makes_each_move_of_its_table_and_no_other(units: Units, who: Person, state, action):
    with units.open() as uow:
        made = bill(uow, who)
        made.state = state
        uow.session.flush()
        try:
            moved = move(uow, BILL, made, action)
        except IllegalMove as refusal:
            moved, facts = None, refusal.facts
            assert facts["state"] == state.value
        uow.session.rollback()

    assert moved == BILL.moves.get((state, action))
