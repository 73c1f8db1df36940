"""Staff give back part of a bill 退费: for a reason, and above the hospital's limit only with a second person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.kernel import audit
from app.kernel.errors import NotFound
from app.kernel.moves import move
from app.kernel.uow import Uow
from app.payment import parts, refunds, service
from app.payment.errors import ClaimWaits, NotRefundable, RefundReasonMissing, SecondPersonNeeded
from app.payment.models import Bill, RefundClaim
from app.payment.rules import PAYERS
from app.payment.states import CLAIM, ClaimAction, ClaimState

REASON = "by_staff"
SHOWN = 50


def bill_named(uow: Uow, public_id: str) -> Bill:
    """The bill named `public_id`, for those of the staff who may see all of them; else NotFound."""
    found = uow.session.scalars(select(Bill).where(Bill.public_id == public_id)).first()
    if found is None:
        raise NotFound
    return found


def ask(uow: Uow, bill: Bill, quantities: Mapping[int, int], *, reason: str, limit_fen: int) -> RefundClaim:
    """So many pieces of these lines go back: at once up to `limit_fen` of all payers, else when another person agrees.

    What went back of the bill on one person's word before counts with it, so that no limit is passed in small steps.
    Refuses `refund_reason_required`, `refund_claim_waits`, and what `refunds.give_back_lines` refuses.
    """
    if not reason.strip():
        raise RefundReasonMissing
    bill = service.locked(uow, bill.id)
    if bill.state not in refunds.REFUNDABLE:
        raise NotRefundable(state=bill.state.value)
    asked = parts.wanted(uow, bill.id, quantities)
    claim = RefundClaim(
        bill_id=bill.id,
        lines=[[part.line_no, part.quantity] for part in asked],
        total_fen=sum(getattr(part, payer) for part in asked for payer in PAYERS),
        reason=reason.strip()[:200],
        asked_by=uow.actor.id,
        asked_at=uow.now(),
    )
    try:
        with uow.session.begin_nested():
            uow.session.add(claim)
    except IntegrityError:
        raise ClaimWaits(bill=bill.public_id) from None
    audit.record(uow, "refund.ask", "bill", bill.public_id, total_fen=claim.total_fen)
    if claim.total_fen + _given_alone(uow, bill.id) <= limit_fen:
        _grant(uow, claim, decided_by=None)
    return claim


def _given_alone(uow: Uow, bill_id: int) -> int:
    """What of the bill was granted without a second person."""
    alone = (RefundClaim.state == ClaimState.GRANTED, RefundClaim.decided_by.is_(None))
    given = select(func.coalesce(func.sum(RefundClaim.total_fen), 0)).where(RefundClaim.bill_id == bill_id, *alone)
    return int(uow.session.scalar(given) or 0)


def grant(uow: Uow, *, public_id: str) -> RefundClaim:
    """Another person agrees, and the money is on its way; refuses `second_person_needed` and what `ask` refuses."""
    claim = _waiting(uow, public_id)
    _grant(uow, claim, decided_by=uow.actor.id)
    return claim


def decline(uow: Uow, *, public_id: str) -> RefundClaim:
    """Another person does not agree, and nothing goes back; refuses `second_person_needed`."""
    claim = _waiting(uow, public_id)
    move(uow, CLAIM, claim, ClaimAction.DECLINE, decided_by=uow.actor.id, decided_at=uow.now())
    audit.record(uow, "refund.decline", "refund_claim", public_id)
    return claim


def waiting_and_recent(uow: Uow) -> Sequence[tuple[RefundClaim, Bill]]:
    """The claims with their bills: those that wait first, then the newest."""
    rows = uow.session.execute(
        select(RefundClaim, Bill)
        .join(Bill, Bill.id == RefundClaim.bill_id)
        .order_by(RefundClaim.state != ClaimState.WAITING, RefundClaim.id.desc())
        .limit(SHOWN)
    )
    return [(claim, bill) for claim, bill in rows]


def _waiting(uow: Uow, public_id: str) -> RefundClaim:
    claim = uow.session.scalars(select(RefundClaim).where(RefundClaim.public_id == public_id).with_for_update()).first()
    if claim is None:
        raise NotFound
    if claim.asked_by == uow.actor.id:
        raise SecondPersonNeeded
    return claim


def _grant(uow: Uow, claim: RefundClaim, *, decided_by: int | None) -> None:
    bill = uow.session.get_one(Bill, claim.bill_id)
    quantities = {int(line_no): int(quantity) for line_no, quantity in claim.lines}
    move(uow, CLAIM, claim, ClaimAction.GRANT, decided_by=decided_by, decided_at=uow.now())
    refund = refunds.give_back_lines(uow, bill, quantities, reason=REASON)
    claim.refund_id = refund.id
    audit.record(uow, "refund.grant", "refund_claim", claim.public_id, total_fen=claim.total_fen)
