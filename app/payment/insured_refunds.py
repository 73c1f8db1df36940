"""What becomes of a refund that waits for the insurer, as the insurer's answers come."""

from __future__ import annotations

from sqlalchemy import select

from app.insurance import remainder
from app.insurance import service as insurance
from app.insurance.models import Settlement
from app.insurance.states import SettlementState
from app.kernel.moves import move
from app.kernel.uow import Uow
from app.payment import parts, refunds, service
from app.payment.errors import SecondPersonNeeded
from app.payment.models import Bill, Refund, RefundClaim
from app.payment.rules import PAYERS
from app.payment.states import REFUND, RefundAction, RefundState


def follow_reversed(uow: Uow, split_id: int) -> None:
    """The insurer has taken its part back: the patient's money goes, or what is left is settled anew first."""
    bill, refund = _waiting(uow, split_id)
    if bill is None or refund is None:
        return
    if refund.ends_bill:
        if not service.insurer_may_hold(uow, bill):
            refunds.release(uow, refund)
    elif refund.state == RefundState.REVERSING:
        move(uow, REFUND, refund, RefundAction.RESETTLE)
        _settle_rest(uow, bill)


def follow_settled(uow: Uow, split_id: int) -> None:
    """What is left is settled: what each payer bears less of the bill than before is what goes back."""
    bill, refund = _waiting(uow, split_id)
    if bill is None or refund is None or refund.state != RefundState.RESETTLING:
        return
    kept = {
        line.line_no: {payer: getattr(line, payer) for payer in PAYERS} for line in insurance.lines_of(uow, split_id)
    }
    parts.keep_difference(uow, refund, kept, with_rest=False)
    refunds.take_sums(uow, bill, refund)
    refunds.release(uow, refund)


def follow_not_settled(uow: Uow, settlement_id: int, split_id: int) -> None:
    """What is left could not be settled: a 2207 that was undone is followed by another try, a refusal by a person."""
    bill, refund = _waiting(uow, split_id)
    if bill is None or refund is None or refund.state != RefundState.RESETTLING:
        return
    if refund.ends_bill:
        if not service.insurer_may_hold(uow, bill):
            refunds.release(uow, refund)
    elif uow.session.get_one(Settlement, settlement_id).state is SettlementState.REVERSED:
        _settle_rest(uow, bill)


def _settle_rest(uow: Uow, bill: Bill) -> None:
    assert bill.split_id is not None
    remainder.settle(uow, bill.split_id, parts.pieces_left(uow, bill.id))


def _waiting(uow: Uow, split_id: int) -> tuple[Bill | None, Refund | None]:
    bill = service.bill_of_split(uow, split_id)
    if bill is None:
        return None, None
    bill = service.locked(uow, bill.id)
    return bill, refunds.with_insurer(uow, bill.id)


def give_all_back(uow: Uow, settlement_id: int, *, limit_fen: int) -> Refund | None:
    """Staff give all of the bill back whose rest the insurer does not settle; None when nothing waits for it.

    Above `limit_fen` it is another person than who asked for the lines; refuses `second_person_needed`.
    """
    case = uow.session.get_one(Settlement, settlement_id)
    bill, refund = _waiting(uow, case.root_split_id) if case.root_split_id is not None else (None, None)
    if bill is None or refund is None:
        return None
    asked_by = uow.session.scalar(select(RefundClaim.asked_by).where(RefundClaim.refund_id == refund.id))
    if bill.total_fen > limit_fen and asked_by == uow.actor.id:
        raise SecondPersonNeeded
    return refunds.give_back(uow, bill, reason="by_staff")
