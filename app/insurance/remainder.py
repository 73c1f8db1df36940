"""What is left of a settled bill when some of it goes back: the rest is settled anew.

An insurer takes back a whole settlement only (2208), so the pieces that the patient keeps are uploaded and settled
(2204 to 2207) as a batch of their own. The patient's money is there already; nothing new is asked of anybody: when the
insurer would pay less of the rest than it paid of the whole, or the patient more, a person decides.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import or_, select

from app.insurance import cases, errors, subjects
from app.insurance.models import Coverage, Settlement, Split
from app.insurance.rules import Parts
from app.insurance.states import MAY_HOLD, SETTLEMENT, SettlementAction, SettlementState, SplitState
from app.kernel import audit
from app.kernel.moves import move
from app.kernel.uow import Uow

COSTS_MORE = "costs_more"
PAYERS = ("fund_fen", "other_fen", "account_fen", "cash_fen")
ENDED = (SettlementState.HELD, SettlementState.FAILED)


def standing_of(uow: Uow, root_id: int) -> Split:
    """The latest split of the bill that was opened by this one: of all of it, or of what is left."""
    of_bill = or_(Split.id == root_id, Split.root_id == root_id)
    return uow.session.scalars(
        select(Split)
        .where(of_bill, Split.state.in_((SplitState.SETTLED, SplitState.REVERSED)))
        .order_by(Split.id.desc())
        .limit(1)
    ).first() or uow.session.get_one(Split, root_id)


def may_be_held(uow: Uow, root_id: int) -> bool:
    """Whether the insurer may still have paid for anything of the bill that was opened by this split."""
    case_of_root = select(Settlement.id).where(
        or_(Settlement.split_id == root_id, Settlement.root_split_id == root_id), Settlement.state.in_(MAY_HOLD)
    )
    return uow.session.scalar(case_of_root.limit(1)) is not None


def settle(uow: Uow, root_id: int, pieces: Mapping[int, int]) -> Settlement:
    """The insurer is asked to settle so many pieces of these lines {line_no: pieces}, the rest having gone back."""
    root = uow.session.get_one(Split, root_id)
    coverage = uow.session.get_one(Coverage, standing_of(uow, root_id).coverage_id)
    case = cases.open_case(uow, subjects.subject_of(uow, root), coverage)
    case.remainder, case.root_split_id = [[line_no, count] for line_no, count in sorted(pieces.items())], root_id
    uow.session.flush()
    return case


def settle_again(uow: Uow, case: Settlement) -> None:
    """A remainder that the insurer refused, or answered falsely, is asked for anew under a new batch number."""
    if case.state not in ENDED or case.root_split_id is None:
        raise errors.SettlementUnderWay
    root_id, pieces = case.root_split_id, {int(line): int(count) for line, count in case.remainder or []}
    cases.let_go(uow, case)
    audit.record(uow, "settlement.asked_again", "settlement", case.public_id)
    settle(uow, root_id, pieces)


def costs_more(uow: Uow, case: Settlement, parts: Parts) -> bool:
    """Whether any payer would have to pay more of the rest than they paid before some of it went back."""
    if case.root_split_id is None:
        return False
    before = standing_of(uow, case.root_split_id)
    return any(getattr(parts, payer) > getattr(before, payer) for payer in PAYERS)


def go_on(uow: Uow, case: Settlement) -> None:
    """The insurer's figures for the rest stand, and the patient's part is in: it is settled at once."""
    move(uow, SETTLEMENT, case, SettlementAction.TAKE_CASH, due_at=uow.now(), tries=0)
