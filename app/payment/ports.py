"""What the hospital needs of whoever moves the patient's money; called between units of work, never in one."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class ProviderAway(Exception):
    """No answer that can be trusted came: the deed may have happened or not; ask, never repeat under a new number."""


class ProviderRefused(Exception):
    """The provider said no, with its own `code`; the deed has not happened."""

    def __init__(self, code: str) -> None:
        """Keeps the provider's error code, e.g. `ORDER_PAID`."""
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Asking:
    """An order as the provider is asked to take it: `lapses_at` is when it can no longer be paid, in its own time."""

    out_trade_no: str
    amount_fen: int
    description: str
    lapses_at: datetime


@dataclass(frozen=True)
class PrepayAnswer:
    """The order is taken: `prepay_id` for the page inside WeChat, or `code_url` for the code to scan."""

    prepay_id: str = ""
    code_url: str = ""


class PaymentFactState(enum.StrEnum):
    """What the provider knows of an order; `absent`: it has never heard of it, nor ever will.

    `unseen`: it hears of the order when the payer opens it, and nobody has yet; past its time nobody can.
    """

    PAID = "paid"
    OPEN = "open"
    CLOSED = "closed"
    REFUNDED = "refunded"
    UNSEEN = "unseen"
    ABSENT = "absent"


@dataclass(frozen=True)
class PaymentFact:
    """An order as the provider sees it; the last four are filled when it was paid."""

    state: PaymentFactState
    transaction_id: str = ""
    amount_fen: int = 0
    payer_ref: str = ""
    paid_at: datetime | None = None


@dataclass(frozen=True)
class Paid:
    """Money that came in, as told by its provider: `paid_at` in its time, `payer_ref` its id of the payer."""

    out_trade_no: str
    transaction_id: str
    amount_fen: int
    paid_at: datetime
    payer_ref: str = ""


@dataclass(frozen=True)
class RefundAsking:
    """A refund as the provider is asked for it; every try under one `out_refund_no` says exactly the same."""

    out_refund_no: str
    transaction_id: str
    amount_fen: int
    order_fen: int
    reason: str


class RefundFactState(enum.StrEnum):
    """What the provider knows of a refund; `absent`: it has never heard of it."""

    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABSENT = "absent"


@dataclass(frozen=True)
class RefundFact:
    """A refund as the provider sees it; `code` says why it failed."""

    state: RefundFactState
    code: str = ""


class PaymentProvider(Protocol):
    """Every call may raise ProviderAway or ProviderRefused; a repeated call with equal arguments changes nothing."""

    name: str

    def prepay_jsapi(self, asking: Asking, openid: str) -> PrepayAnswer:
        """The order can be paid inside WeChat by the person `openid` names."""

    def prepay_native(self, asking: Asking) -> PrepayAnswer:
        """The order can be paid by whoever scans the `code_url`."""

    def page_url(self, asking: Asking, return_url: str) -> str:
        """The provider's own page on which the order can be paid; made here, without the network; '' without one."""

    def call_up(self, prepay_id: str) -> Mapping[str, str]:
        """The signed parameters with which the page opens the payment sheet; made here, without the network."""

    def query(self, out_trade_no: str) -> PaymentFact:
        """What has become of the order."""

    def close(self, out_trade_no: str) -> None:
        """The order can no longer be paid, as far as the provider manages: query it afterwards."""

    def refund(self, asking: RefundAsking) -> RefundFact:
        """The refund is taken on; that it was taken on does not mean it has arrived."""

    def query_refund(self, out_refund_no: str, out_trade_no: str) -> RefundFact:
        """What has become of the refund of the order."""
