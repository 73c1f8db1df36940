"""WeChat Pay v3 (微信支付) as the hospital's payment provider: orders, queries, closing and refunds by `wechatpayv3`.

The library signs what we send and checks the signature of what comes back, in public-key mode. What the provider sends
by itself is checked in `app.payment.notifications`, which calls nobody.
"""

from __future__ import annotations

import functools
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.couriers.provider_answers import text_of
from app.kernel.clock import Clock
from app.payment.notifications import NotificationKeys, public_key
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
from config import WeChatPaySettings

# 查询订单, trade_state
PAYMENT_STATES = {
    "SUCCESS": PaymentFactState.PAID,
    "REFUND": PaymentFactState.REFUNDED,
    "NOTPAY": PaymentFactState.OPEN,
    "USERPAYING": PaymentFactState.OPEN,
    "CLOSED": PaymentFactState.CLOSED,
    "REVOKED": PaymentFactState.CLOSED,
    "PAYERROR": PaymentFactState.OPEN,
}
# 查询单笔退款, status
REFUND_STATES = {
    "SUCCESS": RefundFactState.SUCCEEDED,
    "PROCESSING": RefundFactState.PROCESSING,
    "CLOSED": RefundFactState.FAILED,
    "ABNORMAL": RefundFactState.FAILED,
}
Call = Callable[..., tuple[int, str | bytes]]


class WeChatPayCourier:
    """Carries orders and refunds to WeChat Pay; safe to use from many threads."""

    name = "wechat"

    def __init__(self, settings: WeChatPaySettings, notify_url: str, clock: Clock) -> None:
        """`notify_url` is where notifications shall come: no query part, https outside of a demo."""
        self._settings = settings
        self._notify_url = notify_url
        self._clock = clock

    @functools.cached_property
    def _client(self) -> Any:  # noqa: ANN401 - the library has no types
        """The library's client, made at the first call: it brings `requests`, which most processes never need."""
        from wechatpayv3 import WeChatPay  # noqa: PLC0415 - see above
        from wechatpayv3.type import WeChatPayType  # noqa: PLC0415 - see above

        settings = self._settings
        client: Any = WeChatPay(
            wechatpay_type=WeChatPayType.JSAPI,
            mchid=settings.mchid,
            private_key=Path(settings.merchant_key_file).read_text(encoding="ascii"),
            cert_serial_no=settings.merchant_serial,
            appid=settings.appid,
            apiv3_key=settings.apiv3_key,
            notify_url=self._notify_url,
            timeout=(settings.timeout_seconds, settings.timeout_seconds),
            public_key=Path(settings.public_key_file).read_text(encoding="ascii"),
            public_key_id=settings.public_key_id,
        )
        # The library knows one gateway only and keeps its address in a private field.
        client._core._gate_way = settings.base_url  # noqa: SLF001
        # In public-key mode an answer under another key is false; the library would go and fetch certificates.
        client._core._update_certificates = lambda: None  # noqa: SLF001
        return client

    def prepay_jsapi(self, asking: Asking, openid: str) -> PrepayAnswer:
        """The order can be paid inside WeChat by the person `openid` names."""
        from wechatpayv3.type import WeChatPayType  # noqa: PLC0415 - see `_client`

        told = self._call(
            self._client.pay, pay_type=WeChatPayType.JSAPI, payer={"openid": openid}, **self._order(asking)
        )
        return PrepayAnswer(prepay_id=text_of(told, "prepay_id"))

    def prepay_native(self, asking: Asking) -> PrepayAnswer:
        """The order can be paid by whoever scans the `code_url`."""
        from wechatpayv3.type import WeChatPayType  # noqa: PLC0415 - see `_client`

        told = self._call(self._client.pay, pay_type=WeChatPayType.NATIVE, **self._order(asking))
        return PrepayAnswer(code_url=text_of(told, "code_url"))

    def _order(self, asking: Asking) -> dict[str, Any]:
        return {
            "description": asking.description,
            "out_trade_no": asking.out_trade_no,
            "amount": {"total": asking.amount_fen, "currency": "CNY"},
            "time_expire": asking.lapses_at.astimezone(UTC).isoformat(timespec="seconds"),
        }

    def page_url(self, asking: Asking, return_url: str) -> str:
        """WeChat Pay has no page of its own for browsers that needs no asking."""
        return ""

    def call_up(self, prepay_id: str) -> Mapping[str, str]:
        """The signed parameters of `WeixinJSBridge` (JSAPI调起支付): appId, timeStamp, nonceStr and package."""
        stamp = str(int(self._clock.wall_now().timestamp()))
        nonce, package = secrets.token_hex(16), f"prepay_id={prepay_id}"
        sign = self._client.sign([self._settings.appid, stamp, nonce, package])
        return {
            "appId": self._settings.appid,
            "timeStamp": stamp,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": sign,
        }

    def query(self, out_trade_no: str) -> PaymentFact:
        """What has become of the order."""
        try:
            told = self._call(self._client.query, out_trade_no=out_trade_no)
        except ProviderRefused as error:
            if error.code == "ORDER_NOT_EXIST":
                return PaymentFact(PaymentFactState.ABSENT)
            raise
        is_ours = (told.get("mchid"), told.get("out_trade_no")) == (self._settings.mchid, out_trade_no)
        state = PAYMENT_STATES.get(text_of(told, "trade_state"))
        if not is_ours or state is None:
            raise ProviderAway("the answer is not about this order")
        if state is not PaymentFactState.PAID:
            return PaymentFact(state)
        return PaymentFact(
            state,
            transaction_id=text_of(told, "transaction_id"),
            amount_fen=_amount_fen(told),
            payer_ref=str((told.get("payer") or {}).get("openid", "")),
            paid_at=_instant(text_of(told, "success_time")),
        )

    def close(self, out_trade_no: str) -> None:
        """The order can no longer be paid, as far as the provider manages: query it afterwards."""
        self._call(self._client.close, out_trade_no=out_trade_no)

    def refund(self, asking: RefundAsking) -> RefundFact:
        """The refund is taken on; that it was taken on does not mean it has arrived."""
        told = self._call(
            self._client.refund,
            out_refund_no=asking.out_refund_no,
            transaction_id=asking.transaction_id,
            amount={"refund": asking.amount_fen, "total": asking.order_fen, "currency": "CNY"},
            reason=asking.reason,
        )
        return _refund_fact(told, asking.out_refund_no)

    def query_refund(self, out_refund_no: str, out_trade_no: str) -> RefundFact:
        """What has become of the refund."""
        try:
            told = self._call(self._client.query_refund, out_refund_no=out_refund_no)
        except ProviderRefused as error:
            if error.code == "RESOURCE_NOT_EXISTS":
                return RefundFact(RefundFactState.ABSENT)
            raise
        return _refund_fact(told, out_refund_no)

    def ask(self, path: str, data: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The JSON answered at any of the gateway's addresses, asked with GET, or POST when there is `data`.

        What is in `data` may be sealed: the address is told which of its keys was used.
        """
        from wechatpayv3.type import RequestType  # noqa: PLC0415 - see `_client`

        method = RequestType.GET if data is None else RequestType.POST
        core = self._client._core  # noqa: SLF001 - the library has no function for these addresses
        return self._call(core.request, path=path, method=method, data=data, cipher_data=data is not None)

    def seal(self, text: str) -> str:
        """The text under the provider's public key (RSA-OAEP), in base64."""
        return str(self._client._core.encrypt(text))  # noqa: SLF001 - as above

    def _call(self, call: Call, **arguments: object) -> dict[str, Any]:
        """The JSON of a good answer; ProviderAway when none that can be trusted came, ProviderRefused for a no."""
        try:
            status, body = call(**arguments)
        except Exception as error:  # the library raises bare Exception for a false signature
            raise ProviderAway(type(error).__name__) from error
        if status == 429 or status >= 500:
            raise ProviderAway(f"HTTP {status}")
        told = _json(body)
        if status >= 300:
            raise ProviderRefused(str(told.get("code", f"HTTP_{status}"))[:40])
        return told


def notification_keys(settings: WeChatPaySettings) -> NotificationKeys:
    """By what the provider's notifications are believed: the key named in the settings."""
    key = public_key(Path(settings.public_key_file).read_bytes())
    return NotificationKeys(
        settings.mchid, settings.appid, settings.apiv3_key.encode("ascii"), {settings.public_key_id: key}
    )


def _json(body: str | bytes) -> dict[str, Any]:
    try:
        told = json.loads(body or "{}")
    except ValueError as error:
        raise ProviderAway("the answer is not JSON") from error
    if not isinstance(told, dict):
        raise ProviderAway("the answer is not an object")
    return told


def _amount_fen(told: Mapping[str, Any]) -> int:
    amount = told.get("amount")
    total = amount.get("total") if isinstance(amount, dict) else None
    if type(total) is not int:
        raise ProviderAway("the answer has no amount")
    return total


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ProviderAway("the answer has no time") from error
    if instant.tzinfo is None:
        raise ProviderAway("the answer has a time without a zone")
    return instant


def _refund_fact(told: Mapping[str, Any], out_refund_no: str) -> RefundFact:
    status = text_of(told, "status")
    if told.get("out_refund_no") != out_refund_no or status not in REFUND_STATES:
        raise ProviderAway("the answer is not about this refund")
    state = REFUND_STATES[status]
    return RefundFact(state, status if state is RefundFactState.FAILED else "")
