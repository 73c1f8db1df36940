"""What goes back of a bill in parts is told in parts, so that the hospital system's books add up to ours."""

from __future__ import annotations

from app.payment.models import Refund, RefundLine
from app.payment.states import BillState, RefundState
from tests import factories_pharmacy
from tests.conftest import MORNING
from tests.hl7.test_outbound import Visit, paid_bill, told, visit

__all__ = ["visit"]


def test_what_goes_back_of_a_bill_in_two_refunds_is_told_once_each(visit: Visit) -> None:
    bill_id = paid_bill(visit)
    parts = ((1, 1000, 930), (1, 1000, 930))
    with visit.units.open() as uow:
        uow.session.get_one(factories_pharmacy.Bill, bill_id).state = BillState.REFUNDED
        made = []
        for place, (quantity, fund_fen, cash_fen) in enumerate(parts):
            refund = Refund(
                bill_id=bill_id,
                payment_order_id=None,
                out_refund_no=f"rf{place}",
                amount_fen=0,
                fund_fen=fund_fen,
                reason="by_staff",
                state=RefundState.SUCCEEDED,
                requested_at=MORNING,
                query_due_at=MORNING,
            )
            uow.session.add(refund)
            uow.session.flush()
            share = {"fund_fen": fund_fen, "other_fen": 0, "account_fen": 0, "cash_fen": cash_fen}
            uow.session.add(RefundLine(refund_id=refund.id, line_no=1, quantity=quantity, **share))
            made.append((refund.id, refund.public_id))

    messages = [told(visit.units, "RefundSucceeded", refund_id=key, bill_id=bill_id) for key, _ in made]

    for message, (_, number) in zip(messages, made, strict=True):
        assert message is not None
        (credit,) = message.segments("FT1")
        assert (credit.get("2"), credit.get("6"), credit.get("10")) == (f"{number}-1-CD", "CD", "1")
        assert (credit.written(11), credit.written(15)) == ("19.30&CNY", "10.00&CNY")
