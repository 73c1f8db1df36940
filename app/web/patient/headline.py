"""The one thing the patient should do now: what stands at the top of the visit's page, with one button."""

from __future__ import annotations

from collections.abc import Callable

from flask import url_for
from flask_babel import gettext

from app.payment.states import BillState
from app.pharmacy.states import BagState
from app.prescription.states import PrescriptionState
from app.web import line_words, show
from app.web.patient.visit import Visit

Headline = dict[str, object]
GOES_BACK = {BillState.REFUNDING, BillState.PARTLY_REFUNDED, BillState.REFUNDED}


def headline(visit: Visit) -> Headline:
    """Title, text and button of the visit's stage; `number` is there when the patient has one to listen for.

    `post` is the address of a form with one button, `href` of a page; `kind` colours the card.
    """
    return {"stage": visit.stage, "kind": "info", **_HEADLINES[visit.stage](visit)}


def _where(visit: Visit) -> str:
    return line_words.where(visit.card.department, visit.rooms)


def _when(visit: Visit) -> str:
    return f"{show.day_words(visit.registration.visit_day)} {show.clock_time(visit.starts_at)}"


def _id(visit: Visit) -> str:
    return visit.registration.public_id


def _held(visit: Visit) -> Headline:
    until, bill = visit.registration.held_until, visit.fee_bill
    if bill is None or bill.state is not BillState.OPEN:
        return _fee_with_insurer(visit)
    return {
        "kind": "warn",
        "title": gettext("号源已锁定，等待支付") if bill.cash_fen else gettext("号源已锁定，等待确认"),
        "text": f"{_when(visit)} · {_where(visit)}",
        "by": show.clock_time(until),
        "minutes": show.minutes_left(until, visit.now),
        "button": gettext("去支付 %(fee)s", fee=show.yuan(bill.cash_fen)) if bill.cash_fen else gettext("去确认"),
        "href": url_for("patient.registration", registration_id=_id(visit)),
    }


def _fee_with_insurer(visit: Visit) -> Headline:
    until = show.clock_time(visit.registration.held_until)
    return {
        "title": gettext("号源已锁定，挂号费在医保处理中"),
        "text": f"{_when(visit)} · {_where(visit)}",
        "note": gettext("号为您保留到 %(until)s", until=until),
        "button": gettext("挂号详情"),
        "href": url_for("patient.registration", registration_id=_id(visit)),
    }


def _booked(visit: Visit) -> Headline:
    return {
        "title": gettext("号已留好，等医院确认") if visit.is_asked else gettext("已预约，请按时签到"),
        "text": f"{_when(visit)} · {_where(visit)}",
        "note": gettext("就诊当天 %(at)s 起可以签到", at=show.clock_time(visit.check_in_opens_at)),
        "button": gettext("挂号详情"),
        "href": url_for("patient.registration", registration_id=_id(visit)),
    }


def _check_in(visit: Visit) -> Headline:
    told = {"title": gettext("到院了吗？请签到取号"), "text": f"{_when(visit)} · {_where(visit)}"}
    if visit.needs_lobby_code:
        note = gettext("请用手机扫候诊厅屏幕上的签到码，或到护士站报到。")
        return {**told, "note": note, "button": gettext("去签到"), "href": url_for("patient.check_in_list")}
    post = url_for("patient.check_in", registration_id=_id(visit))
    return {**told, "button": gettext("我已到院，签到"), "post": post}


def _waiting(visit: Visit) -> Headline:
    ticket, position = visit.ticket, visit.position
    if ticket is None or position is None:
        return _serving(visit)
    wait = show.wait_words(position.low_minutes, position.high_minutes)
    ahead = gettext("前面还有 %(count)s 人，%(wait)s", count=position.ahead, wait=wait)
    other = position.called_number if position.called_number != ticket.number else ""  # they were called, and passed
    called = gettext("现在叫到 %(number)s", number=other) if other else ""
    opens_at = visit.clinic_session.starts_at
    return {
        "number": ticket.number,
        "text": ahead if position.ahead else gettext("下一位就是您，请在诊室外等候"),
        "room": _where(visit),
        "note": gettext("门诊 %(at)s 开始", at=show.clock_time(opens_at)) if visit.now < opens_at else called,
        "button": gettext("查看候诊情况"),
        "href": url_for("patient.visit", registration_id=_id(visit)),
    }


def _called(visit: Visit) -> Headline:
    return {
        "kind": "ok",
        "number": visit.ticket.number if visit.ticket else "",
        "text": gettext("轮到您了，请现在进诊室"),
        "room": _where(visit),
        "button": gettext("查看候诊情况"),
        "href": url_for("patient.visit", registration_id=_id(visit)),
    }


def _passed(visit: Visit) -> Headline:
    return {
        "kind": "warn",
        "number": visit.ticket.number if visit.ticket else "",
        "title": gettext("您的号已过"),
        "text": gettext("叫号时您不在诊室外。重新签到后，按医院的过号规则重新排队。"),
        "room": _where(visit),
        "button": gettext("我回来了，重新排队"),
        "post": url_for("patient.rejoin", registration_id=_id(visit)),
    }


def _away(visit: Visit) -> Headline:
    return {
        "number": visit.ticket.number if visit.ticket else "",
        "title": gettext("请先做检查"),
        "text": gettext("拿到结果后回来签到，不用重新挂号，会优先安排您回诊。"),
        "room": _where(visit),
        "button": gettext("检查做完了，回诊签到"),
        "post": url_for("patient.rejoin", registration_id=_id(visit)),
    }


def _serving(visit: Visit) -> Headline:
    return {
        "title": gettext("正在就诊"),
        "text": _where(visit),
        "note": gettext("医生开具的处方和检查会出现在这里"),
    }


def _review(_visit: Visit) -> Headline:
    return {
        "title": gettext("处方已开，药师正在审核"),
        "text": gettext("审核通过后就可以缴费，会有消息通知您。"),
    }


def _insurance(visit: Visit) -> Headline:
    errand = visit.unsettled
    if errand is None:
        return _serving(visit)
    page = url_for("patient.prescription", prescription_id=errand.prescription.public_id)
    if errand.bill is not None and errand.bill.state is BillState.SETTLING:
        done = gettext("已付款，正在医保结算") if errand.bill.cash_fen else gettext("已确认，正在医保结算")
        return {"title": done, "text": gettext("通常几秒钟完成，结算后开始配药。")}
    if errand.prescription.state is PrescriptionState.APPROVED and not errand.has_failed:
        text = gettext("算好您要付多少就会通知您，现在不用付款。")
        return {"title": gettext("正在向医保查询金额"), "text": text, "button": gettext("查看处方"), "href": page}
    return {
        "kind": "warn",
        "title": gettext("医保结算未成功"),
        "text": gettext("没有扣款；已付的费用会原路退回。"),
        "button": gettext("重新结算或自费"),
        "href": page,
    }


def _pay(visit: Visit) -> Headline:
    bill = visit.unpaid.bill if visit.unpaid else None
    if bill is None:
        return _serving(visit)
    total, covered_fen = show.yuan(bill.total_fen), bill.total_fen - bill.cash_fen
    covered = gettext("合计 %(total)s，医保和个人账户支付 %(covered)s", total=total, covered=show.yuan(covered_fen))
    return {
        "kind": "warn",
        "title": gettext("有一笔药费待支付") if bill.cash_fen else gettext("药费不用再付，请确认"),
        "amount": show.yuan(bill.cash_fen),
        "text": covered if covered_fen else "",
        "note": "" if bill.cash_fen else gettext("确认后开始配药。"),
        "button": gettext("查看明细并支付") if bill.cash_fen else gettext("查看明细并确认"),
        "href": url_for("patient.bill", bill_id=bill.public_id),
    }


def _picking(visit: Visit) -> Headline:
    errand = visit.errand(BagState.QUEUED, BagState.PICKING)
    where = show.window_words(errand.window.name, errand.window.location) if errand and errand.window else ""
    is_free = errand is not None and errand.bill is not None and errand.bill.cash_fen == 0
    return {
        "title": gettext("已确认，正在配药") if is_free else gettext("已支付，正在配药"),
        "text": gettext("配好后会通知您到 %(window)s 取药", window=where) if where else "",
        "button": gettext("查看取药码"),
        "href": url_for("patient.pickup", bag_id=errand.bag.public_id) if errand and errand.bag else "",
    }


def _pickup(visit: Visit) -> Headline:
    errand = visit.errand(BagState.READY, BagState.BEING_SERVED)
    if errand is None or errand.bag is None:
        return _serving(visit)
    where = show.window_words(errand.window.name, errand.window.location) if errand.window else ""
    return {
        "kind": "ok",
        "title": gettext("药已配好，请到 %(window)s 取药", window=where),
        "text": gettext("袋号 %(number)s", number=errand.bag.number),
        "button": gettext("出示取药码"),
        "href": url_for("patient.pickup", bag_id=errand.bag.public_id),
    }


def _revisit(visit: Visit) -> Headline:
    if visit.plan is None:
        return _done(visit)
    return {
        "kind": "ok",
        "title": gettext("本次就诊已完成"),
        "text": gettext("医生建议 %(day)s 前后复诊", day=show.day_words(visit.plan.due_day)),
        "button": gettext("一键预约复诊"),
        "href": url_for("patient.revisit", plan_id=visit.plan.public_id),
    }


def _done(_visit: Visit) -> Headline:
    return {
        "kind": "ok",
        "title": gettext("本次就诊已完成"),
        "text": gettext("祝您早日康复。"),
        "button": gettext("再次挂号"),
        "href": url_for("patient.departments"),
    }


def _lost(visit: Visit) -> Headline:
    words = {
        "expired": gettext("超过支付时间，号源已释放"),
        "cancelled": gettext("这个号已取消"),
        "no_show": gettext("您没有按时到诊"),
    }
    if visit.is_owed_another:
        words["cancelled"] = gettext("因医院调整，这个号已取消")
        leads_on = {
            "button": gettext("一键改约"),
            "href": url_for("patient.registration", registration_id=_id(visit)),
        }
    else:
        leads_on = {
            "button": gettext("重新预约"),
            "href": url_for("patient.department", code=visit.card.department.code),
        }
    return {
        "kind": "warn",
        "title": words.get(visit.stage, gettext("这个号已失效")),
        "text": f"{_when(visit)} · {_where(visit)}",
        "note": gettext("已付的费用会原路退回。") if visit.fee_bill and visit.fee_bill.state in GOES_BACK else "",
        **leads_on,
    }


_HEADLINES: dict[str, Callable[[Visit], Headline]] = {
    "held": _held,
    "booked": _booked,
    "check_in": _check_in,
    "waiting": _waiting,
    "called": _called,
    "passed": _passed,
    "away": _away,
    "serving": _serving,
    "review": _review,
    "insurance": _insurance,
    "pay": _pay,
    "picking": _picking,
    "pickup": _pickup,
    "revisit": _revisit,
    "done": _done,
    "completed": _done,
    "checked_in": _serving,
    "void": _done,
    "expired": _lost,
    "cancelled": _lost,
    "no_show": _lost,
}
