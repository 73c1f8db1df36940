"""WeChat Pay's mixed orders (医保自费混合收款, `/v3/med-ins`): insurance's part and the patient's in one payment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from app.couriers.wechat_pay import WeChatPayCourier
from app.kernel.clock import Clock
from app.payment.mixed_ports import MixedAsking, MixedFact, MixedRefund, MixedState, Named
from app.payment.mixed_rules import MixedSums, MixPayType, check_sums, id_digest, pay_type_of
from app.payment.ports import ProviderAway, ProviderRefused
from config import WeChatPaySettings

STATES = {
    "MIX_PAY_CREATED": MixedState.OPEN,
    "MIX_PAY_SUCCESS": MixedState.PAID,
    "MIX_PAY_FAIL": MixedState.FAILED,
    "MIX_PAY_REFUND": MixedState.REFUNDED,
}
ABSENT = frozenset({"ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS", "NOT_FOUND"})
NOWHERE = "0,0"  # where the payer stands is not asked of them
_NUMBER = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)


class WeChatMedIns:
    """Carries mixed orders to WeChat Pay, over the courier of its plain ones."""

    def __init__(self, courier: WeChatPayCourier, settings: WeChatPaySettings, callback_url: str, clock: Clock) -> None:
        """`callback_url` is where notifications shall come: no query part, https outside of a demo."""
        self._courier = courier
        self._settings = settings
        self._callback_url = callback_url
        self._clock = clock

    def place(self, asking: MixedAsking) -> MixedFact:
        """The order is taken and can be paid; sums that do not add up are refused here (`mixed_sums_false`)."""
        return _fact(self._courier.ask("/v3/med-ins/orders", self._body(asking)), asking.out_trade_no)

    def _body(self, asking: MixedAsking) -> dict[str, Any]:
        """The order, with the fields that its kind has and without those that it must not have."""
        sums, settings = asking.sums, self._settings
        check_sums(sums)
        kind = pay_type_of(sums)
        body: dict[str, Any] = {
            "mix_pay_type": kind.value,
            "order_type": asking.order_type.value,
            "appid": settings.appid,
            "openid": asking.openid,
            "payer": self._person(asking.payer),
            "pay_for_relatives": asking.relative is not None,
            "out_trade_no": asking.out_trade_no,
            "serial_no": asking.out_trade_no[-20:],
            "city_id": settings.med_city_id,
            "med_inst_name": settings.med_name,
            "med_inst_no": settings.med_code,
            "total_fee": sums.total_fen,
            "med_ins_gov_fee": sums.gov_fen,
            "med_ins_self_fee": sums.self_fen,
            "med_ins_other_fee": sums.other_fen,
            "med_ins_cash_fee": sums.med_ins_cash_fen,
            "wechat_pay_cash_fee": sums.cash_fen,
            "callback_url": self._callback_url,
        }
        if asking.relative is not None:
            body["relative"] = self._person(asking.relative)
        if sums.add_fen:
            body["cash_add_detail"] = [{"cash_add_fee": sums.add_fen, "cash_add_type": "DEFAULT_ADD_TYPE"}]
        if sums.reduce_fen:
            body["cash_reduce_detail"] = [{"cash_reduce_fee": sums.reduce_fen, "cash_reduce_type": "HOSPITAL_REDUCE"}]
        if kind is not MixPayType.INSURANCE_ONLY:
            body["prepay_id"] = asking.prepay_id
        if kind is not MixPayType.CASH_ONLY:
            ordered_at = asking.ordered_at or self._clock.wall_now()
            body |= {
                "pay_order_id": asking.pay_order_id,
                "pay_auth_no": asking.pay_auth_no,
                "geo_location": NOWHERE,
                "med_ins_order_create_time": ordered_at.isoformat(timespec="seconds"),
            }
        return body

    def _person(self, person: Named) -> dict[str, str]:
        return {
            "name": self._courier.seal(person.name),
            "id_digest": self._courier.seal(id_digest(person.id_number)),
            "card_type": "ID_CARD",
        }

    def query(self, out_trade_no: str, mix_trade_no: str = "") -> MixedFact:
        """What has become of the order, by the mixed number where it is known, else by ours."""
        by = f"mix-trade-no/{quote(mix_trade_no)}" if mix_trade_no else f"out-trade-no/{quote(out_trade_no)}"
        try:
            return _fact(self._courier.ask(f"/v3/med-ins/orders/{by}"), out_trade_no)
        except ProviderRefused as error:
            if error.code in ABSENT:
                return MixedFact(MixedState.ABSENT)
            raise

    def tell_refund(self, refund: MixedRefund) -> None:
        """WeChat Pay knows that insurance's part went back; it asks for this, it does not find out by itself."""
        sums = refund.sums
        self._courier.ask(
            f"/v3/med-ins/refunds/notify?mix_trade_no={quote(refund.mix_trade_no)}",
            {
                "med_refund_total_fee": sums.insured_fen,
                "med_refund_gov_fee": sums.gov_fen,
                "med_refund_self_fee": sums.self_fen,
                "med_refund_other_fee": sums.other_fen,
                "refund_time": refund.refunded_at.isoformat(timespec="seconds"),
                "out_refund_no": refund.out_refund_no,
            },
        )

    def call_up(self, mix_trade_no: str, prepay_id: str) -> Mapping[str, str]:
        """The parameters of `requestMedicalInsurancePay`; those of the cash part only where there is one."""
        cash = dict(self._courier.call_up(prepay_id)) if prepay_id else {}
        cash.pop("appId", None)
        return {"appid": self._settings.appid, "mixTradeNo": mix_trade_no, **cash}


def _fact(told: Mapping[str, Any], out_trade_no: str) -> MixedFact:
    """The order as it was told, when it is ours and its sums add up; ProviderAway otherwise."""
    number, state = told.get("mix_trade_no"), STATES.get(str(told.get("mix_pay_status")))
    is_ours = told.get("out_trade_no") == out_trade_no and isinstance(number, str) and _NUMBER.fullmatch(number)
    if not is_ours or state is None:
        raise ProviderAway("the answer is not about this order")
    return MixedFact(
        state,
        mix_trade_no=str(number),
        self_state=str(told.get("self_pay_status", ""))[:24],
        med_ins_state=str(told.get("med_ins_pay_status", ""))[:24],
        sums=_sums(told),
        pay_order_id=str(told.get("pay_order_id", ""))[:64],
    )


def _sums(told: Mapping[str, Any]) -> MixedSums:
    return MixedSums(
        total_fen=_fen(told.get("total_fee")),
        gov_fen=_fen(told.get("med_ins_gov_fee", 0)),
        self_fen=_fen(told.get("med_ins_self_fee", 0)),
        other_fen=_fen(told.get("med_ins_other_fee", 0)),
        med_ins_cash_fen=_fen(told.get("med_ins_cash_fee", 0)),
        cash_fen=_fen(told.get("wechat_pay_cash_fee", 0)),
        add_fen=sum(_fen(part.get("cash_add_fee")) for part in told.get("cash_add_detail") or ()),
        reduce_fen=sum(_fen(part.get("cash_reduce_fee")) for part in told.get("cash_reduce_detail") or ()),
    )


def _fen(value: object) -> int:
    if type(value) is not int or not 0 <= value < 10**12:
        raise ProviderAway("the answer has an amount that is none")
    return value
