"""What the hospital system is told of money beyond paid and refunded: who bears a line, and lines nobody wanted."""

from __future__ import annotations

from app.payment.models import Refund, RefundLine
from app.payment.states import RefundState
from app.prescription.models import PrescriptionSource
from tests import factories_pharmacy
from tests.conftest import MORNING
from tests.hl7.test_outbound import Visit, paid_bill, told, visit

__all__ = ["visit"]


def test_a_line_that_is_borne_otherwise_now_is_told_without_pieces(visit: Visit) -> None:
    bill_id = paid_bill(visit)
    with visit.units.open() as uow:
        refund = Refund(
            bill_id=bill_id,
            out_refund_no="rf1",
            amount_fen=0,
            reason="by_staff",
            state=RefundState.SUCCEEDED,
            resettles=True,
            requested_at=MORNING,
            query_due_at=MORNING,
        )
        uow.session.add(refund)
        uow.session.flush()
        shares = {"fund_fen": -40, "other_fen": 0, "account_fen": 0, "cash_fen": 40}
        uow.session.add(RefundLine(refund_id=refund.id, line_no=1, quantity=0, **shares))

    message = told(visit.units, "RefundSucceeded", refund_id=refund.id, bill_id=bill_id)

    assert message is not None
    [line] = message.segments("FT1")
    assert (line.get("10"), line.written(11), line.written(15)) == ("0", "0.00&CNY", "-0.40&CNY")


def test_a_line_that_the_patient_did_not_want_is_told_to_whoever_wrote_it(visit: Visit) -> None:
    with visit.units.open() as uow:
        pair = [factories_pharmacy.a_prescription(uow, visit.person.patient.id) for _ in range(2)]
        for written, source in zip(pair, (PrescriptionSource.HIS, PrescriptionSource.DESK), strict=True):
            written.source = source

    theirs, ours = (
        told(visit.units, "LineDeclined", prescription_id=written.id, line_no=1, patient_id=1, rest_id=None)
        for written in pair
    )

    assert ours is None
    assert theirs is not None
    [line] = theirs.segments("FT1")
    assert (line.get("6"), line.get("10"), line.get("30.1")) == ("AJ", "2", "")
    assert line.get("23.1").startswith("RX")
