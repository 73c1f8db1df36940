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


class RefundExceedsPaid(Refused):
    """More would go back than came in for this order."""

    code = "refund_exceeds_paid"
