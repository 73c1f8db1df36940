"""What the insurer settled goes back to it first, whole; the patient's money follows; what is kept is settled anew."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.couriers.fsi import FsiInsurer
from app.insurance import choosing, for_staff, taking_back
from app.insurance.models import Settlement, Split
from app.insurance.states import SettlementState
from app.kernel.errors import VisitError
from app.kernel.uow import Actor, Units
from app.payment import insured_refunds
from app.payment.models import BillLine, RefundClaim, RefundLine
from app.payment.states import BillState, RefundState
from app.prescription.models import Prescription
from tests.conftest import SetClock
from tests.factories_prescription import line
from tests.factories_refunds import (
    REST,
    WHOLE,
    ask,
    assert_all_is_back,
    assert_ledger_holds,
    give_all_back,
    invoiced,
    paid,
    refunds_of,
    sent,
    shares,
    states,
    step,
)
from tests.factories_settlement import House, house, switch
from tests.sandbox.fixtures import RunningSandbox


@pytest.fixture
def home(units: Units, clock: SetClock, sandbox: RunningSandbox) -> House:
    for mode in ("down", "slow", "late", "wrong_sum", "wrong_person", "twice", "no_cancel"):
        switch(sandbox, mode, "off")
    return house(units, clock, sandbox)


def test_the_patients_money_waits_for_the_insurers_answer(home: House, clock: SetClock) -> None:
    made = paid(home)
    switch(home.sandbox, "down", "all")
    give_all_back(home, made)
    for _ in range(4):
        home.work()
        clock.step(minutes=2)

    waiting = refunds_of(home, made)[0]
    assert (waiting.state, home.till.refunds) == (RefundState.REVERSING, {})
    assert_ledger_holds(home)
    with home.units.open(reads_only=True) as uow:
        assert [case.state for case in for_staff.to_look_at(uow)] == [SettlementState.DOUBTFUL]
    switch(home.sandbox, "down", "off")
    clock.step(minutes=6)
    home.work()
    assert list(home.till.refunds) == [waiting.out_refund_no]
    home.finish_refunds()

    assert_all_is_back(home, made)


def test_a_reversal_whose_answer_cannot_be_believed_is_undone_before_another_is_sent(home: House) -> None:
    made = paid(home)
    give_all_back(home, made)
    switch(home.sandbox, "twice")  # it is done, and the answer is to something else

    taking_back.take_back(home.units, home.insurer, home.case(made).id, None)
    assert (home.case(made).state, states(home)) == (SettlementState.DOUBTFUL, ["cancelled"])
    taking_back.clear_up(home.units, home.insurer, home.case(made).id, None)
    assert (home.case(made).state, states(home)) == (SettlementState.REVERSING, ["settled"])
    home.work()
    home.finish_refunds()

    assert sent(home, "begin_reverse") == 2
    assert_all_is_back(home, made)


def test_control_without_2601_a_second_reversal_is_refused(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: sent again on a guess, the 2208 of a settlement that is gone is refused, and the money waits."""
    monkeypatch.setattr(FsiInsurer, "undo_cancel", lambda *_: None)
    made = paid(home)
    give_all_back(home, made)
    switch(home.sandbox, "twice")  # it is done, and the answer is to something else

    home.work()

    assert (home.case(made).state, home.till.refunds) == (SettlementState.STUCK, {})


def test_an_insurer_that_will_not_take_it_back_is_a_case_for_the_staff(home: House) -> None:
    made = paid(home)
    switch(home.sandbox, "no_cancel")
    give_all_back(home, made)
    home.work()

    assert (home.case(made).state, home.till.refunds) == (SettlementState.STUCK, {})
    with home.units.open() as uow:
        assert [case.id for case in for_staff.to_look_at(uow)] == [home.case(made).id]
        choosing.take_back_again(uow, home.case(made).public_id)
    home.work()
    home.finish_refunds()

    assert_all_is_back(home, made)


def test_what_the_insurers_office_confirmed_lets_the_money_go(home: House) -> None:
    made = paid(home)
    switch(home.sandbox, "no_cancel", "all")
    give_all_back(home, made)
    home.work()

    with home.units.open(Actor("staff", "s1")) as uow:
        choosing.take_back_by_word(uow, home.case(made).public_id)
    home.work()

    assert home.case(made).state is SettlementState.REVERSED
    assert refunds_of(home, made)[0].state is RefundState.SENT


def test_a_line_goes_back_and_the_rest_is_settled_anew(home: House) -> None:
    made = paid(home)
    before = home.bill(made)

    ask(home, made, {2: 1})
    assert (home.bill(made).state, refunds_of(home, made)[0].state) == (
        BillState.PARTLY_REFUNDED,
        RefundState.REVERSING,
    )
    assert_ledger_holds(home)
    home.work()
    home.finish_refunds()

    back = refunds_of(home, made)[0]
    assert (back.fund_fen, back.other_fen, back.account_fen, back.amount_fen) == tuple(
        was - now for was, now in zip(WHOLE, REST, strict=True)
    )
    assert (back.state, back.amount_fen) == (RefundState.SUCCEEDED, 10_30)
    assert states(home) == ["cancelled", "settled"]
    assert home.used() == (200_00, 184_20, 0)
    assert invoiced(home, made) == before.total_fen - 22_40
    assert_ledger_holds(home)
    with home.units.open(reads_only=True) as uow:
        kept = uow.session.scalars(select(BillLine).where(BillLine.bill_id == before.id, BillLine.line_no == 1)).one()
        left = [getattr(kept, f"{payer}_fen") - getattr(kept, f"refunded_{payer}_fen") for payer in ("fund", "cash")]
    assert left == [184_20, 292_80]


def test_pieces_of_a_line_go_back_one_after_the_other_until_all_is_back(home: House) -> None:
    made = paid(home)

    for pieces in ({1: 10}, {2: 1}, {1: 20}):
        ask(home, made, pieces)
        home.work()
        home.finish_refunds()
        assert_ledger_holds(home)

    assert [back.ends_bill for back in refunds_of(home, made)] == [False, False, True]
    assert states(home) == ["cancelled", "cancelled", "cancelled"]
    assert_all_is_back(home, made)


def test_while_the_insurer_is_at_work_no_other_line_goes_back(home: House) -> None:
    made = paid(home)
    ask(home, made, {2: 1})

    with pytest.raises(VisitError) as refusal:
        ask(home, made, {1: 1})

    assert refusal.value.code == "refund_under_way"


@pytest.mark.parametrize("rounds", [1, *(pytest.param(each, marks=pytest.mark.long) for each in (0, 2, 3))])
def test_a_prescription_that_falls_meanwhile_gives_all_back(home: House, rounds: int) -> None:
    made = paid(home)
    ask(home, made, {2: 1})
    for _ in range(rounds):
        step(home)

    give_all_back(home, made)
    home.work()
    home.finish_refunds()
    home.work()
    home.finish_refunds()

    assert_all_is_back(home, made)


def test_a_rest_whose_2207_is_lost_is_undone_and_settled_by_another_batch(home: House) -> None:
    made = paid(home)
    ask(home, made, {2: 1})
    step(home)  # 2208
    step(home)  # 2206 of the rest
    switch(home.sandbox, "twice")
    home.work()
    home.finish_refunds()

    assert states(home) == ["cancelled", "undone", "settled"]
    assert refunds_of(home, made)[0].state is RefundState.SUCCEEDED
    assert_ledger_holds(home)


def test_a_rest_that_would_cost_somebody_more_waits_for_the_staff(home: House, clock: SetClock) -> None:
    made = paid(home)
    ask(home, made, {2: 1})
    step(home)
    quick = home.prescribed(line("AML5", 5))
    with home.units.open() as uow:
        uow.session.get_one(Settlement, home.case(made).id).due_at += timedelta(seconds=1)
    home.work()
    home.pay(home.bill(quick))
    home.work()
    clock.step(seconds=2)
    home.work()

    case = home.case(made)
    assert (case.state, case.flaw) == (SettlementState.HELD, "costs_more")
    assert home.till.refunds == {}
    with home.units.open(reads_only=True) as uow:
        asker = uow.session.scalars(select(RefundClaim.asked_by)).one()
    with pytest.raises(VisitError) as refusal, home.units.open(Actor("staff", "s1", asker)) as uow:
        insured_refunds.give_all_back(uow, case.id, limit_fen=200_00)
    assert refusal.value.code == "second_person_needed"
    with home.units.open(Actor("staff", "s2", asker + 1)) as uow:
        insured_refunds.give_all_back(uow, case.id, limit_fen=200_00)
    home.work()
    home.finish_refunds()

    assert home.bill(made).state is BillState.REFUNDED
    assert_ledger_holds(home)


@pytest.mark.long
def test_a_rest_that_the_insurer_refused_is_asked_for_again(home: House) -> None:
    made = paid(home)
    ask(home, made, {2: 1})
    step(home)
    switch(home.sandbox, "wrong_sum")
    home.work()
    assert home.case(made).state is SettlementState.HELD

    with home.units.open(Actor("staff", "s1")) as uow:
        choosing.ask_again(uow, uow.session.get_one(Prescription, made.id))
    home.work()
    home.finish_refunds()

    assert refunds_of(home, made)[0].state is RefundState.SUCCEEDED
    assert states(home) == ["cancelled", "settled"]


@pytest.mark.long
def test_the_lines_of_a_refund_add_up_with_what_is_kept(home: House) -> None:
    """What a payer bears more of a kept line is told as less than nothing back, and never of the bill."""
    made = paid(home)
    ask(home, made, {2: 1})
    home.work()

    with home.units.open(reads_only=True) as uow:
        rows = uow.session.scalars(select(RefundLine).order_by(RefundLine.line_no)).all()
        rest = uow.session.scalars(select(Split).where(Split.root_id.is_not(None))).one()
        case = uow.session.scalars(select(Settlement).where(Settlement.root_split_id.is_not(None))).one()
    assert [(row.line_no, row.quantity) for row in rows] == [(1, 0), (2, 1)]
    assert sum(rows[0].__dict__[payer] for payer in ("fund_fen", "other_fen", "account_fen", "cash_fen")) == 0
    assert (shares(rest), case.remainder) == (REST, [[1, 30]])
