"""The states that only working places show, in words and with the colour of their tag."""

from __future__ import annotations

import enum
from datetime import datetime

from flask_babel import lazy_gettext as _l

from app.analytics.models import ChannelKind
from app.insurance.states import SettlementState
from app.kernel.clock import hospital_day
from app.kernel.inbox import InboxState
from app.kernel.outbox import OutboxState
from app.notifications.states import Channel, MessageState
from app.payment.models import PayMethod, Purpose
from app.payment.states import ClaimState, MixedOrderState, OrderState, RefundState
from app.pharmacy.states import CheckKind, IdentityFact
from app.prescription.models import PrescriptionLine, PrescriptionSource
from app.prescription.orders import DrugCategory
from app.revisit.states import Note, PlanState
from app.runtime import runtime
from app.scheduling.states import SessionState
from app.web import show

_STATES: tuple[tuple[enum.StrEnum, str, object], ...] = (
    (SessionState.OPEN, "ok", _l("开放")),
    (SessionState.CLOSED, "info", _l("已结束")),
    (SessionState.STOPPED, "bad", _l("已停诊")),
    (InboxState.RECEIVED, "wait", _l("已收未处理")),
    (InboxState.DONE, "ok", _l("已处理")),
    (InboxState.FILED, "info", _l("已归档，无影响")),
    (InboxState.REFUSED, "bad", _l("已拒绝")),
    (OutboxState.WAITING, "wait", _l("等待发送")),
    (OutboxState.SENDING, "info", _l("正在发送")),
    (OutboxState.SENT, "ok", _l("已送达")),
    (OutboxState.DEAD, "bad", _l("发送失败")),
    (MessageState.QUEUED, "wait", _l("等待发送")),
    (MessageState.SENT, "info", _l("已发出")),
    (MessageState.DELIVERED, "ok", _l("已送达")),
    (MessageState.FAILED, "bad", _l("未送达")),
    (MessageState.SUPPRESSED, "warn", _l("未发送")),
    (OrderState.CREATED, "wait", _l("已建立")),
    (OrderState.ASKED, "wait", _l("等待付款")),
    (OrderState.UNKNOWN, "warn", _l("结果未知")),
    (OrderState.PAID, "ok", _l("已支付")),
    (OrderState.CLOSED, "info", _l("已关闭")),
    (OrderState.MISMATCH, "bad", _l("金额不符")),
    (MixedOrderState.MISMATCH, "bad", _l("金额不符")),
    (OrderState.REFUND_DUE, "wait", _l("待退款")),
    (OrderState.REFUNDED, "info", _l("已退款")),
    (ClaimState.WAITING, "wait", _l("待复核")),
    (ClaimState.GRANTED, "ok", _l("已同意")),
    (ClaimState.DECLINED, "warn", _l("已拒绝")),
    (RefundState.REQUESTED, "wait", _l("待退款")),
    (RefundState.REVERSING, "wait", _l("等待医保撤销")),
    (RefundState.RESETTLING, "wait", _l("等待医保重新结算")),
    (RefundState.SENT, "info", _l("退款处理中")),
    (RefundState.SUCCEEDED, "ok", _l("已退款")),
    (RefundState.FAILED, "bad", _l("退款失败")),
    (SettlementState.WANTED, "wait", _l("等待医保回答")),
    (SettlementState.UNKNOWN, "warn", _l("结果未知，正在冲正")),
    (SettlementState.UNDOING, "warn", _l("已退款，等待冲正")),
    (SettlementState.REVERSING, "wait", _l("等待撤销结算")),
    (SettlementState.DOUBTFUL, "warn", _l("撤销结果未知，正在核实")),
    (SettlementState.STUCK, "bad", _l("医保不肯撤销")),
    (SettlementState.WITHDRAWING, "wait", _l("等待撤回费用")),
    (SettlementState.HELD, "bad", _l("回答不可信，已拦下")),
    (SettlementState.FAILED, "bad", _l("医保拒绝")),
    (PlanState.ACTIVE, "wait", _l("待预约")),
    (PlanState.BOOKED, "ok", _l("已预约")),
    (PlanState.DONE, "ok", _l("已复诊")),
    (PlanState.CANCELLED, "warn", _l("已取消")),
    (PlanState.LAPSED, "warn", _l("已过期")),
)
# By kind of thing and word: `waiting` of a ticket and `waiting` of a letter are equal as text and not the same state.
_BY_KIND = {(type(state), state.value): (kind, words) for state, kind, words in _STATES}
NOTES = {
    Note.NONE: _l("无"),
    Note.BRING_RESULTS: _l("带检查结果"),
    Note.COME_FASTING: _l("空腹"),
    Note.BRING_MEDICINE_BOX: _l("带药盒"),
}
CHANNEL_KINDS = {
    ChannelKind.POSTER: _l("海报"),
    ChannelKind.LEAFLET: _l("单页"),
    ChannelKind.ARTICLE: _l("文章"),
    ChannelKind.SCREEN: _l("屏幕"),
    ChannelKind.DESK: _l("台卡"),
}
TOPICS = {
    "hospital": _l("医院系统"),
    "message": _l("就诊消息"),
    "refund.wechat": _l("微信退款"),
    "refund.alipay": _l("支付宝退款"),
    "refund.mixed": _l("医保退款通知"),
    "phone_code": _l("登录验证码"),
    "hl7_replay": _l("消息重放"),
}
REFUND_REASONS = {
    "late": _l("付款超时"),
    "surplus": _l("重复付款"),
    "too_late": _l("号源已释放"),
    "not_settled": _l("医保结算未成功"),
    "cancelled": _l("预约已取消"),
    "voided": _l("处方已作废"),
    "by_staff": _l("窗口退费"),
}
METHODS = {
    PayMethod.JSAPI: _l("微信内支付"),
    PayMethod.NATIVE: _l("扫码支付"),
    PayMethod.WAP: _l("支付宝页面"),
    PayMethod.MIXED: _l("医保混合支付"),
    PayMethod.CASH: _l("现金"),
    PayMethod.CARD: _l("刷卡"),
}
WAYS = {Channel.WECHAT: _l("微信"), Channel.SMS: _l("短信"), Channel.INAPP: _l("站内")}
SOURCES = {PrescriptionSource.HIS: _l("医院系统"), PrescriptionSource.DESK: _l("医生工作台")}
PURPOSES = {Purpose.REGISTRATION: _l("挂号"), Purpose.PRESCRIPTION: _l("处方")}
CATEGORIES = {DrugCategory.WESTERN: _l("西药"), DrugCategory.PATENT: _l("中成药"), DrugCategory.HERBAL: _l("中药饮片")}
# 四查十对 (处方管理办法, article 37); the review's checks have the same words.
CHECKS = {
    CheckKind.FORM: (_l("查处方"), _l("对科别、姓名、年龄")),
    CheckKind.DRUGS: (_l("查药品"), _l("对药名、剂型、规格、数量")),
    CheckKind.INCOMPATIBILITY: (_l("查配伍禁忌"), _l("对药品性状、用法用量")),
    CheckKind.REASONABLE_USE: (_l("查用药合理性"), _l("对临床诊断")),
}
IDENTITY_FACTS = {
    IdentityFact.PHONE_TAIL: _l("手机尾号"),
    IdentityFact.BIRTH_DATE: _l("出生日期"),
    IdentityFact.ID_CARD: _l("身份证件"),
}


def tag(state: enum.StrEnum) -> dict[str, str]:
    """The state's tag: `kind` and `text`, of the working places' own states or of everybody's."""
    if (type(state), state.value) in _BY_KIND:
        kind, words = _BY_KIND[(type(state), state.value)]
        return {"kind": kind, "text": str(words)}
    return {"kind": show.state_kind(state), "text": show.state_words(state)}


def options(states: type[enum.StrEnum]) -> list[tuple[str, str]]:
    """The states as a filter's choices, with everything first."""
    return [("", str(_l("全部"))), *((state.value, tag(state)["text"]) for state in states)]


def topic_words(topic: str) -> str:
    """医院系统 · hospital: what an outbox is for, and its name in the figures."""
    return f"{TOPICS[topic]} · {topic}" if topic in TOPICS else topic


def exact(instant: datetime | None) -> str:
    """11-23 09:30:07 on the hospital's wall; '' for a moment that has not come."""
    return instant.astimezone(runtime().settings.time_zone).strftime("%m-%d %H:%M:%S") if instant else ""


def ago_words(instant: datetime, now: datetime) -> str:
    """12 分钟, 3 小时 or 2 天: how long since then."""
    minutes = max(0, int((now - instant).total_seconds() // 60))
    amount, unit_zh, unit_en = (minutes, "分钟", "min")
    if minutes >= 60 * 48:
        amount, unit_zh, unit_en = (minutes // 1440, "天", "days")
    elif minutes >= 120:
        amount, unit_zh, unit_en = (minutes // 60, "小时", "hours")
    return f"{amount} {unit_en if show.is_english() else unit_zh}"


def on_day(instant: datetime) -> str:
    """2026-11-23 at the hospital."""
    return hospital_day(instant, runtime().settings.time_zone).isoformat()


def drug_row(line: PrescriptionLine) -> list[str]:
    """The drug as a table's row: name, strength, how to take it, how much, what it costs."""
    return [
        line.drug_name,
        line.spec,
        show.usage_words(line),
        f"{line.quantity} {line.unit}",
        show.yuan(line.amount_fen),
    ]
