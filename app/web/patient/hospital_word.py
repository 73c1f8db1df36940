"""What the hospital system says to a booking, where that decides: being asked, overdue, or yes under its number."""

from __future__ import annotations

from datetime import timedelta

from flask import url_for
from flask_babel import gettext

from app.kernel.peer_rules import system_name
from app.kernel.uow import Uow
from app.registration import by_hospital, exchanges
from app.registration import service as registrations
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.runtime import runtime
from app.web import edge, live
from app.web.patient import blueprint

Word = dict[str, object]


@blueprint.get("/registrations/<registration_id>/word")
@edge.at_once
def hospital_word(registration_id: str) -> edge.Answer:
    """The hospital system's word alone, or 304 while it is the same."""
    uow = edge.current_uow()
    word = word_on(uow, registrations.of_account(uow, registration_id))
    page = url_for("patient.registration", registration_id=registration_id)
    return live.fragment("patient/_hospital_word.html", word=word, page=page)


def word_on(uow: Uow, row: Registration) -> Word:
    """Kind, title and text; `is_open` while the answer is out, `stays` for what the page says afterwards too.

    Empty where there is nothing to say.
    """
    former = exchanges.former_of(uow, row)
    if row.state == RegistrationState.CANCELLED:
        return _cancelled(row, former)
    if row.asked_at is None:
        return _of_former(uow, row) or _confirmed(uow, row)
    if row.state != RegistrationState.BOOKED:
        return {}
    deadline = timedelta(seconds=runtime().settings.hl7.booking_deadline_seconds)
    if uow.now() < row.asked_at + deadline:
        text = gettext("确认以前，原来的号仍是您的。") if former else gettext("一般几秒钟就有答复。")
        return _said("wait", gettext("正在请医院确认这个号"), text, is_open=True)
    return _said("wait", gettext("等待医院确认"), _overdue(has_former=former is not None), is_open=True)


def _overdue(*, has_former: bool) -> str:
    if has_former:
        return str(
            gettext(
                "医院系统还没有答复，原来的号仍是您的。医院确认后才换成新号；如果不接受，或就诊前两小时还没有答复，新号自动退回、全额退款。"
            )
        )
    return str(
        gettext(
            "医院系统还没有答复。号先为您留着，不用再约一次，也不用再付款；医院确认后会发消息，如果不接受会自动退号、全额退款。"
        )
    )


def _cancelled(row: Registration, former: Registration | None) -> Word:
    """What is said when the place went back, with the way to the one that the patient has still."""
    back = gettext("已付的费用会原路退回。") if row.fee_fen else ""
    if former is None:
        return _said("warn", gettext("这个号已取消"), back)
    href = url_for("patient.registration", registration_id=former.public_id)
    kept = gettext("原来的号不变，仍是您的。")
    return {**_said("warn", gettext("这个号已取消"), kept + back, stays=True), "href": href}


def _of_former(uow: Uow, row: Registration) -> Word:
    """What is said of a place while the hospital system is asked for the one that is to take it."""
    waiting = exchanges.exchange_of(uow, row) if row.state == RegistrationState.BOOKED else None
    if waiting is None or waiting.asked_at is None:
        return {}
    text = gettext("医院确认新号以前，这个号仍是您的；如果没有约成，请照常来。")
    return _said("wait", gettext("改约的新号在等医院确认"), text, is_open=True)


def _confirmed(uow: Uow, row: Registration) -> Word:
    hl7 = runtime().settings.hl7
    number = by_hospital.number_at(uow, row, system=system_name(hl7.his_application, hl7.his_facility))
    if not number or row.state != RegistrationState.BOOKED:
        return {}
    return _said("ok", gettext("医院已确认这个号"), gettext("医院预约号 %(number)s", number=number), stays=True)


def _said(kind: str, title: str, text: str, *, is_open: bool = False, stays: bool = False) -> Word:
    return {"kind": kind, "title": title, "text": text, "is_open": is_open, "stays": stays}
