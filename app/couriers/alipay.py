"""Alipay 支付宝 as a payment provider: codes, its own page, queries, closing and refunds by `python-alipay-sdk`.

The library signs what we send and checks the signature of what comes back. What Alipay sends by itself is checked in
`app.payment.alipay_notifications`, which calls nobody. The library is an optional part of the installation.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from app.couriers.provider_answers import text_of
from app.kernel.clock import Clock
from app.kernel.money import parse_yuan, yuan_text
from app.payment.alipay_notifications import AlipayKeys
from app.payment.notifications import public_key
from app.payment.ports import (
    Asking,
    PaymentFact,
    PaymentFactState,
    PrepayAnswer,
    ProviderAway,
    ProviderRefused,
    RefundAsking,
    RefundFact,
    RefundFactState,
)
from config import AlipaySettings

CHINA = ZoneInfo("Asia/Shanghai")
GOOD = "10000"
AWAY = frozenset({"20000"})  # 服务不可用, 公共错误码
AWAY_SUBCODES = frozenset({"ACQ.SYSTEM_ERROR", "aop.ACQ.SYSTEM_ERROR", "isp.unknow-error", "aop.unknow-error"})
NEVER_SEEN = "ACQ.TRADE_NOT_EXIST"


class AlipayCourier:
    """Carries orders and refunds to Alipay; safe to use from many threads."""

    name = "alipay"

    def __init__(self, settings: AlipaySettings, notify_url: str, clock: Clock) -> None:
        """`notify_url` is where notifications shall come, https outside of a demo."""
        self._settings = settings
        self._notify_url = notify_url
        self._clock = clock

    @functools.cached_property
    def _client(self) -> Any:  # noqa: ANN401 - the library has no types
        """The library's client, made at the first call: most processes never need it."""
        from alipay import AliPay  # noqa: PLC0415 - an optional library
        from alipay.utils import AliPayConfig  # noqa: PLC0415 - as above

        settings = self._settings
        client: Any = AliPay(
            appid=settings.app_id,
            app_notify_url=self._notify_url,
            app_private_key_string=Path(settings.app_key_file).read_text(encoding="ascii"),
            alipay_public_key_string=Path(settings.public_key_file).read_text(encoding="ascii"),
            sign_type="RSA2",
            config=AliPayConfig(timeout=settings.timeout_seconds),
        )
        # The library knows Alipay's own gateways only and keeps the address in a private field.
        client._gateway = settings.base_url  # noqa: SLF001
        return client

    def prepay_jsapi(self, asking: Asking, openid: str) -> PrepayAnswer:
        """WeChat's own sheet pays by WeChat Pay only."""
        raise ProviderRefused("NOT_IN_WECHAT")

    def prepay_native(self, asking: Asking) -> PrepayAnswer:
        """The order can be paid by whoever scans the `code_url` (alipay.trade.precreate)."""
        told = self._call("alipay.trade.precreate", self._order(asking))
        code_url = told.get("qr_code")
        if not isinstance(code_url, str) or not 0 < len(code_url) <= 200:
            raise ProviderAway("the answer has no code")
        return PrepayAnswer(code_url=code_url)

    def _order(self, asking: Asking) -> dict[str, str]:
        return {
            "out_trade_no": asking.out_trade_no,
            "total_amount": yuan_text(asking.amount_fen),
            "subject": asking.description,
            "time_expire": self._wall(asking.lapses_at),
        }

    def page_url(self, asking: Asking, return_url: str) -> str:
        """Alipay's page for phones (alipay.trade.wap.pay), which opens its app where it is installed."""
        order = self._order(asking) | {"product_code": "QUICK_WAP_WAY"}
        signed = self._client.client_api(
            "alipay.trade.wap.pay",
            order,
            return_url=return_url,
            notify_url=self._notify_url,
            timestamp=self._wall(self._clock.wall_now()),
        )
        return f"{self._settings.base_url}?{signed}"

    def call_up(self, prepay_id: str) -> Mapping[str, str]:
        """There is no sheet of Alipay inside WeChat."""
        return {}

    def query(self, out_trade_no: str) -> PaymentFact:
        """What has become of the order; Alipay first hears of it when the payer opens it."""
        try:
            told = self._call("alipay.trade.query", {"out_trade_no": out_trade_no})
        except ProviderRefused as error:
            if error.code == NEVER_SEEN:
                return PaymentFact(PaymentFactState.UNSEEN)
            raise
        if told.get("out_trade_no") != out_trade_no:
            raise ProviderAway("the answer is not about this order")
        state = _state(told)
        if state is not PaymentFactState.PAID:
            return PaymentFact(state)
        return PaymentFact(
            state,
            transaction_id=text_of(told, "trade_no"),
            amount_fen=_fen(told, "total_amount"),
            payer_ref=str(told.get("buyer_user_id") or told.get("buyer_open_id") or "")[:64],
            paid_at=_instant(text_of(told, "send_pay_date")),
        )

    def close(self, out_trade_no: str) -> None:
        """The order can no longer be paid, as far as Alipay has heard of it: query it afterwards."""
        try:
            self._call("alipay.trade.close", {"out_trade_no": out_trade_no})
        except ProviderRefused as error:
            if error.code != NEVER_SEEN:
                raise

    def refund(self, asking: RefundAsking) -> RefundFact:
        """The refund is done when Alipay says that money moved; else it is to be asked about (fund_change)."""
        told = self._call(
            "alipay.trade.refund",
            {
                "trade_no": asking.transaction_id,
                "out_request_no": asking.out_refund_no,
                "refund_amount": yuan_text(asking.amount_fen),
                "refund_reason": asking.reason,
            },
        )
        if told.get("trade_no") != asking.transaction_id:
            raise ProviderAway("the answer is not about this order")
        has_moved = told.get("fund_change") == "Y"
        return RefundFact(RefundFactState.SUCCEEDED if has_moved else RefundFactState.PROCESSING)

    def query_refund(self, out_refund_no: str, out_trade_no: str) -> RefundFact:
        """What has become of the refund (alipay.trade.fastpay.refund.query); one Alipay never heard of is absent."""
        asked = {"out_trade_no": out_trade_no, "out_request_no": out_refund_no}
        try:
            told = self._call("alipay.trade.fastpay.refund.query", asked)
        except ProviderRefused as error:
            if error.code == NEVER_SEEN:
                return RefundFact(RefundFactState.ABSENT)
            raise
        if told.get("out_request_no", out_refund_no) != out_refund_no:
            raise ProviderAway("the answer is not about this refund")
        is_done = told.get("refund_status") == "REFUND_SUCCESS"
        return RefundFact(RefundFactState.SUCCEEDED if is_done else RefundFactState.ABSENT)

    def _call(self, method: str, content: dict[str, str]) -> dict[str, Any]:
        """The content of a good answer; ProviderAway when none that can be trusted came, ProviderRefused for a no."""
        stamp = self._wall(self._clock.wall_now())
        try:
            told = self._client.server_api(method, content, timestamp=stamp)
        except Exception as error:  # whatever a missing field, a false signature or the network brings
            raise ProviderAway(type(error).__name__) from error
        if not isinstance(told, dict):
            raise ProviderAway("the answer is not an object")
        code, sub_code = str(told.get("code")), str(told.get("sub_code", ""))
        if code in AWAY or sub_code in AWAY_SUBCODES:
            raise ProviderAway(sub_code or code)
        if code != GOOD:
            raise ProviderRefused((sub_code or f"CODE_{code}")[:40])
        return told

    @staticmethod
    def _wall(instant: datetime) -> str:
        return instant.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def alipay_keys(settings: AlipaySettings) -> AlipayKeys:
    """By what Alipay's notifications are believed."""
    return AlipayKeys(settings.app_id, settings.seller_id, public_key(Path(settings.public_key_file).read_bytes()))


def _state(told: Mapping[str, Any]) -> PaymentFactState:
    """交易状态: a closed trade that was paid once has been given back in full."""
    status = text_of(told, "trade_status")
    if status == "TRADE_CLOSED":
        return PaymentFactState.REFUNDED if told.get("send_pay_date") else PaymentFactState.CLOSED
    states = {
        "WAIT_BUYER_PAY": PaymentFactState.OPEN,
        "TRADE_SUCCESS": PaymentFactState.PAID,
        "TRADE_FINISHED": PaymentFactState.PAID,
    }
    if status not in states:
        raise ProviderAway("the answer has an unknown state")
    return states[status]


def _fen(told: Mapping[str, Any], name: str) -> int:
    try:
        return parse_yuan(text_of(told, name))
    except ValueError:
        raise ProviderAway(f"the answer has no {name}") from None


def _instant(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
    except ValueError:
        raise ProviderAway("the answer has no time") from None
