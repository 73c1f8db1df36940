"""How a rehearsal pays: at the payment platform that the installation knows, or at a till that takes all at once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Protocol

import requests

from app.insurance import consents
from app.insurance import service as insurance
from app.kernel.ids import new_public_id
from app.kernel.uow import Actor, Units
from app.payment import asking, receipts, refunds, service
from app.payment.models import PayMethod
from app.payment.ports import (
    Asking,
    PaymentFact,
    PaymentFactState,
    PaymentProvider,
    PrepayAnswer,
    RefundAsking,
    RefundFact,
    RefundFactState,
)
from app.payment.states import BillState

PAID_WITHIN_SECONDS = 180.0
_LOOK_SECONDS = 0.1


class Cashier(Protocol):
    """Pays bills for patients."""

    def pay(self, units: Units, actor: Actor, bill_public_id: str) -> None:
        """The bill is paid when this returns."""

    def settle(self, units: Units) -> None:
        """Refunds that wait are made, where nobody else makes them."""


class AtOnce:
    """Pays at a till in this process: no network, no notification."""

    def __init__(self) -> None:
        """The till is open."""
        self._till = Till()

    def pay(self, units: Units, actor: Actor, bill_public_id: str) -> None:
        """The bill is paid when this returns."""
        _agree(units, actor, bill_public_id)
        asked = asking.start(units, self._till, actor, bill_public_id, PayMethod.NATIVE)
        if asked.is_settled:
            return
        with units.open(Actor("provider", self._till.name)) as uow:
            receipts.receive_paid(
                uow,
                out_trade_no=asked.out_trade_no,
                transaction_id=f"4200{asked.out_trade_no[-24:]}",
                amount_fen=asked.amount_fen,
                paid_at=uow.clock.wall_now(),
            )

    def settle(self, units: Units) -> None:
        """Refunds that wait are made."""
        while refunds.send_refunds(units, self._till):
            pass


class ByPlatform:
    """Pays at the demo's payment platform, whose signed notification reaches the web server; its jobs do the rest."""

    def __init__(self, provider: PaymentProvider, platform_url: str) -> None:
        """Where the platform's patients pay."""
        self._provider = provider
        self._url = f"{platform_url.rstrip('/')}/sandbox/wxpay/pay"

    def pay(self, units: Units, actor: Actor, bill_public_id: str) -> None:
        """The bill is paid when this returns; TimeoutError when the notification does not come."""
        _agree(units, actor, bill_public_id)
        asked = asking.start(units, self._provider, actor, bill_public_id, PayMethod.NATIVE)
        if asked.is_settled:
            return
        requests.post(self._url, json={"code_url": asked.code_url}, timeout=30).raise_for_status()
        give_up_at = time.monotonic() + PAID_WITHIN_SECONDS
        while time.monotonic() < give_up_at:
            with units.open(actor, reads_only=True) as uow:
                if service.bill_of_account(uow, bill_public_id).state == BillState.PAID:
                    return
            time.sleep(_LOOK_SECONDS)
        raise TimeoutError(f"bill {bill_public_id} is not paid")

    def settle(self, units: Units) -> None:
        """The demo's jobs send refunds by themselves."""


def _agree(units: Units, actor: Actor, bill_public_id: str) -> None:
    """The patient agrees to pay what no insurance covers."""
    with units.open(actor) as uow:
        split = insurance.split_of(uow, service.bill_of_account(uow, bill_public_id).split_id)
        if split is not None:
            consents.agree(uow, split)


class Till:
    """Fits `app.payment.ports.PaymentProvider`."""

    name = "rehearsal"

    def prepay_jsapi(self, asking: Asking, openid: str) -> PrepayAnswer:
        """The order is taken."""
        return PrepayAnswer(prepay_id=f"rehearsal{new_public_id()}")

    def prepay_native(self, asking: Asking) -> PrepayAnswer:
        """The order is taken."""
        return PrepayAnswer(code_url=f"rehearsal:{asking.out_trade_no}")

    def page_url(self, asking: Asking, return_url: str) -> str:
        """There is no page; the patient pays by the code."""
        return ""

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

    def query_refund(self, out_refund_no: str, out_trade_no: str) -> RefundFact:
        """The money is back."""
        return RefundFact(RefundFactState.SUCCEEDED, out_refund_no)
