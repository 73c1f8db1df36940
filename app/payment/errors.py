"""How payment says no."""

from __future__ import annotations

from app.kernel.errors import Refused, TryLater


class BillNotOpen(Refused):
    """The bill is void, given back or past its time, so nothing can be paid; `facts['state']` says which."""

    code = "bill_not_open"


class AlreadyPaid(Refused):
    """The bill is paid; nothing more is asked for."""

    code = "already_paid"


class NeedsWeChat(Refused):
    """Paying inside WeChat needs the account's WeChat authorization; a code for another phone does not."""

    code = "needs_wechat"


class PaymentUnclear(TryLater):
    """Nobody knows yet whether the money has moved; the hospital is asking, and the patient must not pay twice."""

    code = "payment_unclear"


class PaymentUnavailable(TryLater):
    """The payment provider did not take the order on; no money has moved."""

    code = "payment_unavailable"


class NotRefundable(Refused):
    """Nothing of the bill is paid, so nothing can go back; `facts['state']` says how it stands."""

    code = "not_refundable"


class RefundReasonMissing(Refused):
    """Who asks for a refund says why."""

    code = "refund_reason_required"
    http_status = 422


class SecondPersonNeeded(Refused):
    """A refund above the hospital's limit is decided by another person than the one who asked."""

    code = "second_person_needed"


class ClaimWaits(Refused):
    """A refund of this bill waits for its second person already."""

    code = "refund_claim_waits"


class RefundExceedsPaid(Refused):
    """More would go back than came in for this order."""

    code = "refund_exceeds_paid"


class RefundUnderWay(Refused):
    """The insurer is at work on another refund of this bill; how much is left is known when it is done."""

    code = "refund_under_way"


class ShiftNotOpen(Refused):
    """Money crosses the window only into a drawer that somebody answers for: begin a shift first."""

    code = "shift_not_open"


class ShiftOpen(Refused):
    """The cashier has a shift already; it is closed, with its money counted, before the next one begins."""

    code = "shift_open"


class TenderNotValid(Refused):
    """What was handed over does not pay the bill, or the card slip is not told; `facts['why']` says which."""

    code = "tender_not_valid"
    http_status = 422


class SlipUsed(Refused):
    """This slip of this card terminal has paid something else today."""

    code = "slip_used"


class DrawerShort(Refused):
    """The drawer holds less cash than is to be handed back."""

    code = "drawer_short"


class NotAtTheWindow(Refused):
    """This refund goes back the way its payment came, by its provider, and is not handed out at the window."""

    code = "not_at_the_window"


class MixedSumsFalse(Refused):
    """A mixed order's sums do not add up, so that it is not sent; `facts['why']` says which."""

    code = "mixed_sums_false"


class NotMixed(Refused):
    """This bill cannot be settled and paid in one go; the patient can pay their own part by any other way."""

    code = "not_mixed"
