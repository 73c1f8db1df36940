"""The insurer's mobile payment centre (医保移动支付中心): pay orders for what insurance pays, from the patient's phone.

Transactions 6201 (upload), 6202 (pay), 6203 (refund), 6301 (query) and 6401 (revoke), each in the SM2/SM4 envelope.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.couriers.fsi_answers import fen, text
from app.couriers.http import CONNECT_SECONDS
from app.couriers.sm_envelope import EnvelopeFalse, EnvelopeKeys, opened, wrapped
from app.insurance.ports import (
    AnswerFlawed,
    Claim,
    Graded,
    InsurerAway,
    InsurerRefused,
    PayFact,
    PayFactState,
    PayOrder,
    Sums,
    Visit,
)
from app.kernel.clock import Clock
from app.kernel.money import yuan_text as yuan
from config import MobileInsuranceSettings

CHINA = ZoneInfo("Asia/Shanghai")
PATHS = {
    "6201": "/org/local/api/hos/uldFeeInfo",
    "6202": "/org/local/api/hos/pay_order",
    "6203": "/org/local/api/hos/refund_Order",
    "6301": "/org/local/api/hos/query_order_info",
    "6401": "/org/local/api/hos/revoke_order",
}
# ordStas: 0 to 2 on its way, 3 to 6 settled, 7 to 13 taken back or let go, 14 to 16 failed.
_STATES = (
    (range(3), PayFactState.UNDER_WAY),
    (range(3, 7), PayFactState.SETTLED),
    (range(7, 14), PayFactState.GONE),
    (range(14, 17), PayFactState.FAILED),
)


class MobilePayCentre:
    """Carries pay orders to the centre; safe to use from many threads."""

    def __init__(self, settings: MobileInsuranceSettings, clock: Clock) -> None:
        """Nothing is called before it is asked."""
        self._settings = settings
        self._clock = clock
        self._keys = EnvelopeKeys(settings.app_id, settings.app_secret, settings.private_key, settings.public_key)

    def upload(self, visit: Visit, claim: Claim, graded: Sequence[Graded], order_no: str) -> PayOrder:
        """6201 费用明细上传: the pay order of these fees, the same one for the same `order_no`."""
        told = self._ask(
            "6201",
            {
                "orgCodg": self._settings.org_code,
                "psnNo": visit.psn_no,
                "insutype": visit.insutype,
                "medOrgOrd": order_no,
                "userName": claim.certificate.name,
                "mdtrtId": visit.mdtrt_id,
                "chrgBchno": claim.batch_no,
                "iptOtpNo": claim.visit_no,
                "begntime": _instant(claim.begun_at),
                "medType": "11",
                "acctUsedFlag": "1",
                "psnSetlway": "01",
                "medfeeSumamt": yuan(claim.total_fen),
                "diseinfoList": [{"diagCode": claim.diagnosis_code, "diagName": claim.diagnosis_name, "diagType": "1"}],
                "feedetailList": [
                    {
                        "feedetlSn": line.number,
                        "medListCodg": fee.code,
                        "detItemFeeSumamt": yuan(line.amount_fen),
                        "cnt": f"{fee.quantity}.00",
                        "pric": yuan(fee.unit_price_fen),
                    }
                    for line, fee in zip(graded, claim.fees, strict=True)
                ],
            },
        )
        return PayOrder(text(told, "payOrdId", 64), text(told, "payToken", 40))

    def pay(self, order: PayOrder, quoted: Sums) -> PayFact:
        """6202 支付下单: insurance pays its part; an answer with other sums than those quoted is a flaw."""
        told = self._ask("6202", {"payOrdId": order.pay_order_id, "payAuthNo": order.pay_token, "deposit": "0"})
        return _checked(_fact(told, order.pay_order_id), quoted)

    def query(self, order: PayOrder, quoted: Sums) -> PayFact:
        """6301 订单查询: what has become of the pay order."""
        told = self._ask("6301", {"payOrdId": order.pay_order_id, "payToken": order.pay_token})
        return _checked(_fact(told, order.pay_order_id), quoted)

    def refund(self, order: PayOrder, refund_no: str, sums: Sums) -> None:
        """6203 退款: all that insurance paid is back with it; repeated under one `refund_no` it is one refund."""
        told = self._ask(
            "6203",
            {
                "payOrdId": order.pay_order_id,
                "appRefdSn": refund_no,
                "appRefdTime": self._stamp(),
                "totlRefdAmt": yuan(sums.fund_fen + sums.other_fen + sums.account_fen),
                "fundRefdAmt": yuan(sums.fund_fen + sums.other_fen),
                "psnAcctRefdAmt": yuan(sums.account_fen),
                "cashRefdAmt": yuan(0),
                "refdType": "HI",
            },
        )
        if told.get("refStatus") != "SUCC":
            raise InsurerAway("6203: the refund is not done yet")

    def revoke(self, order: PayOrder) -> None:
        """6401 费用明细上传撤销: the pay order can no longer be paid; refused for one that was."""
        self._ask("6401", {"payOrdId": order.pay_order_id, "payToken": order.pay_token})

    def _ask(self, infno: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """What the centre answered, in its envelope, to this asking."""
        body = self._post(infno, json.dumps(wrapped(self._keys, data, self._stamp()), ensure_ascii=False).encode())
        if str(body.get("code")) != "0":
            raise InsurerRefused(f"{infno}: {str(body.get('message', ''))[:120]}")
        try:
            return opened(self._keys, body)
        except EnvelopeFalse as false:
            raise InsurerAway(f"{infno}: {false}") from None

    def _post(self, infno: str, body: bytes) -> dict[str, Any]:
        import requests  # noqa: PLC0415 - most processes never ask an insurer

        try:
            answer = requests.post(
                self._settings.base_url + PATHS[infno],
                data=body,
                headers={"Content-Type": "application/json; charset=utf-8"},
                timeout=(CONNECT_SECONDS, self._settings.timeout_seconds),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise InsurerAway(type(error).__name__) from None
        if answer.status_code != 200:
            raise InsurerAway(f"HTTP {answer.status_code}")
        try:
            told = json.loads(answer.content, parse_float=str)
        except ValueError:
            raise InsurerAway("the answer is not JSON") from None
        if not isinstance(told, dict):
            raise InsurerAway("the answer is not an object")
        return told

    def _stamp(self) -> str:
        return self._clock.wall_now().astimezone(CHINA).strftime("%Y%m%d%H%M%S")


def _instant(at: datetime) -> str:
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _fact(told: Mapping[str, Any], pay_order_id: str) -> PayFact:
    """The answer's order, with I6 holding: feeSumamt = ownPayAmt + psnAcctPay + fundPay."""
    if told.get("payOrdId") != pay_order_id:
        raise AnswerFlawed("payOrdId")
    code = str(told.get("ordStas", ""))
    number = int(code) if code.isascii() and code.isdecimal() and len(code) <= 2 else -1
    state = next((state for codes, state in _STATES if number in codes), None)
    if state is None:
        raise AnswerFlawed("ordStas")
    fact = PayFact(
        state,
        total_fen=fen(told, "feeSumamt"),
        fund_fen=fen(told, "fundPay"),
        account_fen=fen(told, "psnAcctPay"),
        cash_fen=fen(told, "ownPayAmt"),
        setl_id=str(told.get("setlId") or "")[:30],
    )
    if fact.total_fen != fact.cash_fen + fact.account_fen + fact.fund_fen:
        raise AnswerFlawed("I6")
    return fact


def _checked(fact: PayFact, quoted: Sums) -> PayFact:
    """A settled pay order names its settlement and says what the patient was shown; AnswerFlawed otherwise."""
    if fact.state is not PayFactState.SETTLED:
        return fact
    if not fact.setl_id:
        raise AnswerFlawed("setlId")
    told = (fact.total_fen, fact.fund_fen, fact.account_fen, fact.cash_fen)
    if told != (quoted.total_fen, quoted.fund_fen + quoted.other_fen, quoted.account_fen, quoted.cash_fen):
        raise AnswerFlawed("figures_changed")
    return fact
