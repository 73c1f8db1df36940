"""Taking a settlement back at the insurer: 2208, or 6203 where a pay order made it, one at a time, never on a guess.

The number of a 2208 stands before it is sent. When nobody can say what became of it, it is undone (2601) under that
number, and only then is another one sent; a 6203 is asked about (6301) and repeated under its own number.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from app.events import SettlementReversed
from app.insurance import by_order, cases, claims, subjects
from app.insurance.models import Settlement, Split
from app.insurance.ports import (
    AnswerFlawed,
    Insurer,
    InsurerAway,
    InsurerRefused,
    MobileCentre,
    PayFactState,
    PayOrder,
    Sums,
    Visit,
    for_log,
)
from app.insurance.states import SETTLEMENT, SettlementAction, SettlementState
from app.kernel import audit
from app.kernel.moves import move
from app.kernel.uow import Actor, Units, Uow

LEASE_SECONDS = 60
JOB = Actor("job", "settlement")
_S, _A = SettlementState, SettlementAction
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Brief:
    """What a worker needs of a settlement that goes back; `order` when a pay order made it."""

    visit: Visit
    setl_id: str
    message_id: str
    order: PayOrder | None
    refund_no: str
    sums: Sums


def work(units: Units, insurer: Insurer, case_id: int, centre: MobileCentre | None) -> None:
    """The settlement is a step further on its way back, whichever step is next."""
    with units.open(JOB, reads_only=True) as uow:
        state = uow.session.get_one(Settlement, case_id).state
    if state is _S.REVERSING:
        take_back(units, insurer, case_id, centre)
    elif state is _S.TAKING_BACK:  # whoever asked did not live to hear the answer
        _step(units, case_id, _S.TAKING_BACK, _doubt)
    elif state is _S.DOUBTFUL:
        clear_up(units, insurer, case_id, centre)


def take_back(units: Units, insurer: Insurer, case_id: int, centre: MobileCentre | None) -> None:
    """2208 or 6203; no answer leaves it doubtful, a refusal leaves it to a person."""
    with units.open(JOB) as uow:
        case = cases.locked(uow, case_id)
        if not SETTLEMENT.may(case.state, _A.BEGIN_REVERSE):
            return
        due_at = uow.now() + timedelta(seconds=LEASE_SECONDS)
        message_id = None if case.pay_order_id else insurer.new_message_id()
        move(uow, SETTLEMENT, case, _A.BEGIN_REVERSE, cancel_message_id=message_id, due_at=due_at)
        brief = _brief(uow, case)
    try:
        if brief.order is None:
            insurer.cancel(brief.visit, brief.setl_id, brief.message_id)
        else:
            _centre(centre).refund(brief.order, brief.refund_no, brief.sums)
    except InsurerRefused as no:
        if brief.order is not None and _is_back_already(centre, brief.order, brief.sums):
            _step(units, case_id, _S.TAKING_BACK, taken_back)
            return
        _log.error("settlement %d: the insurer does not take it back (%s)", case_id, for_log(no))
        _step(units, case_id, _S.TAKING_BACK, _get_stuck, str(no))
    except (InsurerAway, AnswerFlawed) as error:
        _log.warning("settlement %d: nobody can say whether it was taken back (%s)", case_id, error)
        _step(units, case_id, _S.TAKING_BACK, _doubt)
    else:
        _step(units, case_id, _S.TAKING_BACK, taken_back)


def _is_back_already(centre: MobileCentre | None, order: PayOrder, sums: Sums) -> bool:
    """Whether the insurer refuses since its office has taken the order back by hand."""
    try:
        return _centre(centre).query(order, sums).state is PayFactState.GONE
    except (InsurerAway, InsurerRefused, AnswerFlawed):
        return False


def clear_up(units: Units, insurer: Insurer, case_id: int, centre: MobileCentre | None) -> None:
    """What became of a 2208 or 6203 is certain again, or is asked about later."""
    with units.open(JOB, reads_only=True) as uow:
        brief = _brief(uow, uow.session.get_one(Settlement, case_id))
    try:
        if brief.order is None:
            insurer.undo_cancel(brief.visit, brief.message_id)
            is_back = False
        else:
            is_back = _centre(centre).query(brief.order, brief.sums).state is PayFactState.GONE
    except (InsurerAway, InsurerRefused, AnswerFlawed) as error:
        _log.warning("settlement %d: what became of its reversal is not told (%s)", case_id, for_log(error))
        _step(units, case_id, _S.DOUBTFUL, cases.postpone, "cancel")
    else:
        _step(units, case_id, _S.DOUBTFUL, taken_back if is_back else reverse_again)


def _centre(centre: MobileCentre | None) -> MobileCentre:
    if centre is None:
        raise InsurerAway("this house has no mobile payment centre")
    return centre


def _brief(uow: Uow, case: Settlement) -> _Brief:
    visit = claims.visit_of(uow, case)
    assert visit is not None
    order = PayOrder(case.pay_order_id, "") if case.pay_order_id else None
    quoted = by_order.quoted_of(uow, case, uow.session.get_one(Split, case.split_id))
    number = case.cancel_message_id or ""
    return _Brief(visit, case.setl_id or "", number, order, f"rf{case.public_id}", quoted.sums)


def _step(units: Units, case_id: int, state: SettlementState, step: cases.Step, *facts: object) -> None:
    with units.open(JOB) as uow:
        case = cases.locked(uow, case_id)
        if case.state is state:
            step(uow, case, *facts)


def _doubt(uow: Uow, case: Settlement) -> None:
    move(uow, SETTLEMENT, case, _A.DOUBT, due_at=uow.now())
    audit.record(uow, "settlement.doubt", "settlement", case.public_id)


def _get_stuck(uow: Uow, case: Settlement, flaw: str) -> None:
    move(uow, SETTLEMENT, case, _A.GET_STUCK, flaw=flaw[:60])
    audit.record(uow, "settlement.get_stuck", "settlement", case.public_id, outcome=flaw[:60])


def reverse_again(uow: Uow, case: Settlement) -> None:
    """It is certain that nothing was taken back yet, so it is asked for once more."""
    move(uow, SETTLEMENT, case, _A.REVERSE_AGAIN, due_at=uow.now())


def taken_back(uow: Uow, case: Settlement) -> None:
    """The insurer has taken the settlement back, as it answered or as a person was told there."""
    split = uow.session.get_one(Split, case.split_id)
    move(uow, SETTLEMENT, case, _A.FINISH_REVERSE, flaw="")
    audit.record(uow, "settlement.reverse", "settlement", case.public_id, fund_fen=split.fund_fen)
    payers = (split.fund_fen, split.other_fen, split.account_fen, split.cash_fen)
    uow.publish(SettlementReversed(case.id, split.id, *subjects.named(case), case.patient_id, *payers))
