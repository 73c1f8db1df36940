"""What the hospital needs of whoever settles insurance's part and takes the patient's in one go on the phone."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from app.payment.mixed_rules import MedOrderType, MixedSums


@dataclass(frozen=True)
class Named:
    """A person as the order names them; sealed before it is sent."""

    name: str = field(repr=False)
    id_number: str = field(repr=False)


@dataclass(frozen=True)
class MixedAsking:
    """A mixed order as it is asked for; every try under one `out_trade_no` says the same.

    `prepay_id` is that of the cash part's order, which has the same `out_trade_no`; `relative` is whose bill it is when
    that is not the payer.
    """

    out_trade_no: str
    order_type: MedOrderType
    openid: str
    payer: Named
    relative: Named | None
    sums: MixedSums
    pay_order_id: str = ""
    pay_auth_no: str = field(default="", repr=False)
    prepay_id: str = ""
    ordered_at: datetime | None = None


class MixedState(enum.StrEnum):
    """How the two parts stand together; `absent`: the provider has never heard of the order."""

    OPEN = "open"
    PAID = "paid"
    FAILED = "failed"
    REFUNDED = "refunded"
    ABSENT = "absent"


@dataclass(frozen=True)
class MixedFact:
    """A mixed order as the provider sees it; `self_state` and `med_ins_state` are its words for the two parts."""

    state: MixedState
    mix_trade_no: str = ""
    self_state: str = ""
    med_ins_state: str = ""
    sums: MixedSums | None = None
    pay_order_id: str = ""


@dataclass(frozen=True)
class MixedRefund:
    """Insurance's part of a mixed order is back with it, as the provider is told of it."""

    mix_trade_no: str
    out_refund_no: str
    sums: MixedSums
    refunded_at: datetime


class MixedProvider(Protocol):
    """Every call may raise ProviderAway or ProviderRefused; a repeated call with equal arguments changes nothing."""

    def place(self, asking: MixedAsking) -> MixedFact:
        """The order is taken and can be paid."""

    def query(self, out_trade_no: str, mix_trade_no: str = "") -> MixedFact:
        """What has become of the order, by either number."""

    def tell_refund(self, refund: MixedRefund) -> None:
        """The provider knows that insurance's part went back."""

    def call_up(self, mix_trade_no: str, prepay_id: str) -> Mapping[str, str]:
        """The parameters with which the page opens the payment; made here, without the network."""
