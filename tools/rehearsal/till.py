"""A payment provider of a rehearsal: it takes every order and every refund at once, and moves no money."""

from __future__ import annotations

from collections.abc import Mapping

from app.kernel.ids import new_public_id
from app.payment.ports import (
    Asking,
    PaymentFact,
    PaymentFactState,
    PrepayAnswer,
    RefundAsking,
    RefundFact,
    RefundFactState,
)


class Till:
    """Fits `app.payment.ports.PaymentProvider`."""

    name = "rehearsal"

    def prepay_jsapi(self, asking: Asking, openid: str) -> PrepayAnswer:
        """The order is taken."""
        return PrepayAnswer(prepay_id=f"rehearsal{new_public_id()}")

    def prepay_native(self, asking: Asking) -> PrepayAnswer:
        """The order is taken."""
        return PrepayAnswer(code_url=f"rehearsal:{asking.out_trade_no}")

    def call_up(self, prepay_id: str) -> Mapping[str, str]:
        """What a page would hand to the provider's sheet."""
        return {"package": prepay_id}

    def query(self, out_trade_no: str) -> PaymentFact:
        """Orders are told of by whoever plays the patient; asked, the till knows them as open."""
        return PaymentFact(PaymentFactState.OPEN)

    def close(self, out_trade_no: str) -> None:
        """Nothing more can be paid for the order."""

    def refund(self, asking: RefundAsking) -> RefundFact:
        """The money is back."""
        return RefundFact(RefundFactState.SUCCEEDED, asking.out_refund_no)

    def query_refund(self, out_refund_no: str) -> RefundFact:
        """The money is back."""
        return RefundFact(RefundFactState.SUCCEEDED, out_refund_no)
