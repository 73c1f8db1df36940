"""A bill to pay, a provider whose answers the test sets, and notifications as WeChat Pay would sign them."""

from __future__ import annotations

import base64
import functools
import itertools
import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from sqlalchemy import select

from app.events import BillPaid
from app.insurance import consents
from app.insurance import service as insurance
from app.kernel.uow import Units, Uow
from app.payment import service
from app.payment.alipay_notifications import AlipayKeys, signed_text
from app.payment.models import Bill, BillLine, Purpose
from app.payment.notifications import NotificationKeys
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
from app.registration.models import Registration
from tests.factories import Person

MCHID, APPID, SERIAL = "1900000001", "wx0123456789abcdef", "PUB_KEY_ID_0119000000012026010100000000000001"
APIV3_KEY = b"0123456789abcdef0123456789abcdef"
_SUBJECTS = itertools.count(900_000)
_KEYS_ARE_MADE_ONCE = threading.Lock()  # also when sixteen threads of a test ask first


def bill(uow: Uow, who: Person, *, cash_fen: int = 2500, fund_fen: int = 0) -> Bill:
    """A bill of one line for a prescription that stands nowhere else."""
    line = BillLine(
        line_no=1,
        invoice_category="western",
        name="奥美拉唑肠溶胶囊",
        quantity=1,
        unit="盒",
        unit_price_fen=cash_fen + fund_fen,
        amount_fen=cash_fen + fund_fen,
        fund_fen=fund_fen,
        other_fen=0,
        account_fen=0,
        cash_fen=cash_fen,
    )
    draft = service.Draft(Purpose.PRESCRIPTION, next(_SUBJECTS), who.patient.id, account_id=who.account.id)
    return service.open_bill(uow, draft, [line])


def fee_paid(uow: Uow, registration: Registration) -> BillPaid:
    """What is said when the bill for the registration's fee is paid."""
    bill_id = uow.session.scalars(
        select(Bill.id).where(Bill.purpose == Purpose.REGISTRATION, Bill.subject_id == registration.id)
    ).one()
    return BillPaid(bill_id, Purpose.REGISTRATION.value, registration.id, registration.patient_id)


def agree(units: Units, who: Person, bill: Bill) -> None:
    """The patient agrees to pay what no insurance covers of the bill."""
    with units.open(who.actor) as uow:
        split = insurance.split_of(uow, bill.split_id)
        if split is not None:
            consents.agree(uow, split)


@dataclass
class Till:
    """A payment provider in memory; `away` and `refuses` are how it answers the next calls."""

    name: str = "wechat"
    away: bool = False
    refuses: str = ""
    orders: dict[str, Asking] = field(default_factory=dict)
    facts: dict[str, PaymentFact] = field(default_factory=dict)
    refunds: dict[str, RefundAsking] = field(default_factory=dict)
    refund_facts: dict[str, RefundFact] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def _hear(self, call: str) -> None:
        with self.lock:
            self.calls.append(call)
        if self.away:
            raise ProviderAway("timed out")
        if self.refuses:
            raise ProviderRefused(self.refuses)

    def _take(self, asking: Asking) -> None:
        with self.lock:
            known = self.orders.setdefault(asking.out_trade_no, asking)
            self.facts.setdefault(asking.out_trade_no, PaymentFact(PaymentFactState.OPEN))
        assert known == asking, "the same number must be asked for with the same parameters"

    def prepay_jsapi(self, asking: Asking, openid: str) -> PrepayAnswer:
        self._hear(f"prepay {asking.out_trade_no}")
        self._take(asking)
        return PrepayAnswer(prepay_id=f"wx{secrets.token_hex(8)}")

    def prepay_native(self, asking: Asking) -> PrepayAnswer:
        self._hear(f"prepay {asking.out_trade_no}")
        self._take(asking)
        return PrepayAnswer(code_url=f"weixin://wxpay/bizpayurl?pr={secrets.token_hex(4)}")

    def page_url(self, asking: Asking, return_url: str) -> str:
        return ""

    def call_up(self, prepay_id: str) -> Mapping[str, str]:
        return {"package": f"prepay_id={prepay_id}"}

    def query(self, out_trade_no: str) -> PaymentFact:
        self._hear(f"query {out_trade_no}")
        return self.facts.get(out_trade_no, PaymentFact(PaymentFactState.ABSENT))

    def close(self, out_trade_no: str) -> None:
        self._hear(f"close {out_trade_no}")
        if self.facts.get(out_trade_no, PaymentFact(PaymentFactState.ABSENT)).state is PaymentFactState.OPEN:
            self.facts[out_trade_no] = PaymentFact(PaymentFactState.CLOSED)

    def refund(self, asking: RefundAsking) -> RefundFact:
        self._hear(f"refund {asking.out_refund_no}")
        with self.lock:
            known = self.refunds.setdefault(asking.out_refund_no, asking)
        assert known == asking, "the same number must be asked for with the same parameters"
        return self.refund_facts.setdefault(asking.out_refund_no, RefundFact(RefundFactState.PROCESSING))

    def query_refund(self, out_refund_no: str, out_trade_no: str) -> RefundFact:
        self._hear(f"query refund {out_refund_no}")
        return self.refund_facts.get(out_refund_no, RefundFact(RefundFactState.ABSENT))

    def pay(self, out_trade_no: str, paid_at: datetime, *, amount_fen: int | None = None) -> PaymentFact:
        """The patient pays: what a query answers from now on."""
        fen = self.orders[out_trade_no].amount_fen if amount_fen is None else amount_fen
        transaction_id = "4200" + out_trade_no.upper()[-24:]
        fact = PaymentFact(PaymentFactState.PAID, transaction_id, fen, "oPayer", paid_at)
        self.facts[out_trade_no] = fact
        return fact


@functools.cache
def _key(whose: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def platform_key() -> rsa.RSAPrivateKey:
    with _KEYS_ARE_MADE_ONCE:
        return _key("platform")


def foreign_key() -> rsa.RSAPrivateKey:
    with _KEYS_ARE_MADE_ONCE:
        return _key("foreign")


def notification_keys() -> NotificationKeys:
    return NotificationKeys(MCHID, APPID, APIV3_KEY, {SERIAL: platform_key().public_key()})


ALIPAY_APP, ALIPAY_SELLER = "2021000000000001", "2088000000000001"


def alipay_keys() -> AlipayKeys:
    return AlipayKeys(ALIPAY_APP, ALIPAY_SELLER, platform_key().public_key())


def alipay_facts(out_trade_no: str, /, **changes: str) -> dict[str, str]:
    """The fields of Alipay's notification of 25.00 yuan paid at the hospital's morning, not signed yet."""
    facts = {
        "notify_type": "trade_status_sync",
        "notify_id": secrets.token_hex(16),
        "notify_time": "2026-11-23 09:30:00",
        "charset": "utf-8",
        "app_id": ALIPAY_APP,
        "seller_id": ALIPAY_SELLER,
        "out_trade_no": out_trade_no,
        "trade_no": "20261123220014" + str(int.from_bytes(out_trade_no.encode()[-5:]))[:14],
        "subject": "门诊药费",
        "trade_status": "TRADE_SUCCESS",
        "total_amount": "25.00",
        "buyer_id": "2088102169481075",
        "gmt_payment": "2026-11-23 09:29:58",
    }
    return facts | changes


def alipay_form(facts: Mapping[str, str], *, key: rsa.RSAPrivateKey | None = None, **after: str) -> bytes:
    """The signed form; `after` are fields changed once it was signed."""
    signature = (key or platform_key()).sign(signed_text(facts), PKCS1v15(), SHA256())
    told = {**facts, "sign_type": "RSA2", "sign": base64.b64encode(signature).decode(), **after}
    return urlencode(told).encode()


def signed(body: bytes, at: datetime, *, key: rsa.RSAPrivateKey | None = None) -> dict[str, str]:
    stamp, nonce = str(int(at.timestamp())), secrets.token_hex(16)
    message = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
    signature = (key or platform_key()).sign(message, PKCS1v15(), SHA256())
    return {
        "Wechatpay-Timestamp": stamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": base64.b64encode(signature).decode(),
        "Wechatpay-Serial": SERIAL,
        "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
    }


def seal(content: bytes, *, associated_data: str = "transaction", told_data: str | None = None) -> dict[str, str]:
    nonce = secrets.token_hex(6)
    sealed = AESGCM(APIV3_KEY).encrypt(nonce.encode(), content, associated_data.encode())
    return {
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(sealed).decode(),
        "associated_data": associated_data if told_data is None else told_data,
        "nonce": nonce,
    }


def envelope(resource: Mapping[str, str], *, event_id: str = "", event_type: str = "TRANSACTION.SUCCESS") -> bytes:
    return json.dumps(
        {
            "id": event_id or secrets.token_hex(16),
            "create_time": "2026-11-23T09:30:00+08:00",
            "resource_type": "encrypt-resource",
            "event_type": event_type,
            "summary": "支付成功",
            "resource": {"original_type": "transaction", **resource},
        },
        ensure_ascii=False,
    ).encode()


def paid_facts(out_trade_no: str, amount_fen: int = 2500, **changes: Any) -> bytes:
    facts = {
        "appid": APPID,
        "mchid": MCHID,
        "out_trade_no": out_trade_no,
        "transaction_id": "4200" + out_trade_no.upper()[-24:],
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "success_time": "2026-11-23T09:30:00+08:00",
        "payer": {"openid": "oPayer"},
        "amount": {"total": amount_fen, "payer_total": amount_fen, "currency": "CNY"},
    }
    return json.dumps(facts | changes).encode()


def refund_facts(out_refund_no: str, status: str = "SUCCESS") -> bytes:
    return json.dumps({"mchid": MCHID, "out_refund_no": out_refund_no, "refund_status": status}).encode()
