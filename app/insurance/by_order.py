"""The other way to settle with the insurer: a pay order that the patient pays together with their own part.

Instead of a 2207 after the patient's money is in, the insurer's mobile payment centre settles the same batch of fees
when the patient types the password of their electronic insurance card. Whichever comes first settles the batch.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from app.events import SettlementMade, SplitSettled
from app.insurance import cases, claims, service, sql, subjects
from app.insurance.answered import Answer
from app.insurance.models import Settlement, Split, SplitLine
from app.insurance.ports import Claim, PayOrder, Visit
from app.insurance.states import SETTLEMENT, SPLIT, UNDER_WAY, SettlementAction, SettlementState, SplitAction
from app.kernel import audit
from app.kernel.moves import move
from app.kernel.uow import Uow


@dataclass(frozen=True)
class Basis:
    """What a pay order is made of: the visit at the insurer, the fees, and what was quoted for them."""

    visit: Visit
    claim: Claim
    quoted: Answer


def basis_of(uow: Uow, split_id: int) -> Basis | None:
    """What a pay order for the split is made of; None when its figures are not the insurer's, or stand no longer."""
    case = cases.of_split(uow, split_id)
    split = uow.session.get_one(Split, split_id)
    if case is None or not cases.is_fresh(uow, split):
        return None
    visit = claims.visit_of(uow, case)
    return Basis(visit, claims.claim_of(uow, case), quoted_of(uow, case, split)) if visit else None


def quoted_of(uow: Uow, case: Settlement, split: Split) -> Answer:
    """What the insurer quoted for the split."""
    lines = uow.session.scalars(select(SplitLine).where(SplitLine.split_id == split.id).order_by(SplitLine.line_no))
    return claims.answer_of(case, split, list(lines))


def quoted_of_split(uow: Uow, split_id: int) -> Answer | None:
    """What the insurer quoted for the split, however it stands; None when the figures are not the insurer's."""
    case = cases.of_split(uow, split_id)
    return quoted_of(uow, case, uow.session.get_one(Split, split_id)) if case else None


def may_settle(uow: Uow, split_id: int) -> bool:
    """False while a 2207 of the same batch is on its way: what the pay order did is used once that is certain."""
    found = cases.of_split(uow, split_id)
    return found is None or cases.locked(uow, found.id).state not in UNDER_WAY


def take_back(uow: Uow, split_id: int, order: PayOrder, setl_id: str | None) -> None:
    """The pay order settled the split, but the rest of it was not paid: the settlement is taken back.

    Where the split could still be paid its subject is divided anew, since the insurer settles a batch once.
    `setl_id` is None where the insurer's answer could not be believed: a pay order goes back by its own number.
    """
    found = cases.of_split(uow, split_id)
    case = cases.locked(uow, found.id) if found else None
    if case is None or case.state is not SettlementState.PRESETTLED:
        settle(uow, split_id, order, setl_id)
        return
    subject = subjects.subject_of(uow, case)
    service.drop(uow, subject, why="paid_in_part")
    settle(uow, split_id, order, setl_id)
    service.make_split(uow, subject)


def settle(uow: Uow, split_id: int, order: PayOrder, setl_id: str | None) -> bool:
    """The pay order settled the split; True then, and when it is told again.

    False when the settlement was let go meanwhile, or came to another end: it is taken back at the insurer, and nothing
    is charged by it.
    """
    found = cases.of_split(uow, split_id)
    case = cases.locked(uow, found.id) if found else None
    if case is None or not SETTLEMENT.may(case.state, SettlementAction.SETTLE_BY_ORDER):
        return case is not None and case.state is SettlementState.SETTLED
    split = uow.session.get_one(Split, split_id)
    now = uow.now()
    facts = {"setl_id": setl_id, "pay_order_id": order.pay_order_id, "settled_at": now, "due_at": now, "tries": 0}
    move(uow, SETTLEMENT, case, SettlementAction.SETTLE_BY_ORDER, **facts)  # type: ignore[arg-type]
    audit.record(uow, "settlement.settle", "settlement", case.public_id, fund_fen=split.fund_fen)
    if case.state is not SettlementState.SETTLED:
        return False
    move(uow, SPLIT, split, SplitAction.SETTLE)
    sql.note_used(uow, case.coverage_id, split)
    named = subjects.named(case)
    uow.publish(SplitSettled(split.id, *named, case.patient_id))
    payers = (split.fund_fen, split.other_fen, split.account_fen, split.cash_fen)
    uow.publish(SettlementMade(case.id, split.id, *named, case.patient_id, *payers))
    return True
