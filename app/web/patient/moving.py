"""Moving a booked visit (改约): choosing the new time, seeing what it costs, and one button that exchanges places."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext

from app.kernel.uow import Uow
from app.registration import exchanges, limits, rescheduling
from app.registration import service as registrations
from app.registration.errors import AlreadyRegistered, CannotReschedule, ExchangeWaits
from app.registration.models import Registration
from app.scheduling import service as scheduling
from app.scheduling.opening import OPEN_AHEAD_DAYS
from app.scheduling.service import SessionCard
from app.web import edge, show
from app.web.patient import blueprint
from app.web.patient.booking import can_be_booked, channel_of, next_words, row_of

DAYS_SHOWN = 14
MOST_SHOWN = 40  # more than anybody reads, and a page for a slow network


@blueprint.get("/registrations/<registration_id>/move")
def move(registration_id: str) -> edge.Answer:
    """The times to which the visit can be moved: the doctor's own, or by `all` every one of the department's."""
    uow = edge.current_uow()
    found = registrations.of_account(uow, registration_id)
    _refuse_unless_movable(uow, found)
    card = scheduling.card_by_id(uow, found.session_id)
    is_all = request.args.get("all", "") == "1"
    return render_template(
        "patient/move.html",
        registration_id=registration_id,
        now=_when(uow, found, card),
        is_all=is_all,
        sessions=[_choice(registration_id, other) for other in _others(uow, found, card, is_all=is_all)],
        until=_until(uow, found),
    )


def _refuse_unless_movable(uow: Uow, found: Registration) -> None:
    if not rescheduling.may_move(uow, found):
        waiting = exchanges.exchange_of(uow, found)
        if waiting is not None:
            raise ExchangeWaits(registration=waiting.public_id)
        raise CannotReschedule(state=found.state.value)


def _others(uow: Uow, found: Registration, card: SessionCard, *, is_all: bool) -> list[SessionCard]:
    """The next sessions with a free place, not the visit's: the doctor's, or of a fortnight the whole department's."""
    last = uow.today() + timedelta(days=DAYS_SHOWN if is_all else OPEN_AHEAD_DAYS)
    cards = scheduling.cards(
        uow,
        department_id=card.department.id,
        practitioner_id=None if is_all else card.practitioner.id,
        from_day=uow.today(),
        to_day=last,
    )
    rules = limits.rules_of_session(uow, card.session)
    fitting = (
        other for other in cards if other.free_places and not _is_of(other, found) and can_be_booked(other, rules, uow)
    )
    return list(islice(fitting, MOST_SHOWN))


def _is_of(card: SessionCard, found: Registration) -> bool:
    sits = card.session
    return sits.id == found.session_id


def _choice(registration_id: str, card: SessionCard) -> dict[str, object]:
    sits = card.session
    href = url_for("patient.confirm_move", registration_id=registration_id, session_id=sits.public_id)
    return {**row_of(card), "day": show.day_words(sits.visit_day), "href": href}


def _until(uow: Uow, found: Registration) -> str:
    closes_at = rescheduling.closes(uow, found)
    return show.moment(closes_at) if closes_at else ""


def _when(uow: Uow, found: Registration, card: SessionCard) -> str:
    slot, sits = registrations.slot_of(uow, found), card.session
    at = show.clock_time(slot.starts_at if slot else sits.starts_at)
    return f"{show.day_words(found.visit_day)} {at} {card.practitioner.name}"


@blueprint.get("/registrations/<registration_id>/move/<session_id>")
def confirm_move(registration_id: str, session_id: str) -> edge.Answer:
    """From when to when, and what becomes of the fee; one button exchanges the places."""
    uow = edge.current_uow()
    found = registrations.of_account(uow, registration_id)
    _refuse_unless_movable(uow, found)
    card = scheduling.card(uow, session_id)
    sits = card.session
    return render_template(
        "patient/move_confirm.html",
        registration_id=registration_id,
        session_id=session_id,
        facts=[
            {"label": gettext("现在的时间"), "value": _when(uow, found, scheduling.card_by_id(uow, found.session_id))},
            {
                "label": gettext("改到"),
                "value": f"{show.day_words(sits.visit_day)} {row_of(card)['time']}",
                "note": next_words(card),
            },
            {"label": gettext("医生"), "value": show.with_title(card.practitioner.name, card.practitioner.title)},
            {"label": gettext("挂号费"), "value": show.yuan(_fee_fen(uow, found, card))},
        ],
        fee_words=_fee_words(uow, found, card),
        has_place=bool(card.free_places),
    )


def _fee_fen(uow: Uow, found: Registration, card: SessionCard) -> int:
    return rescheduling.fee_fen(uow, found, card.session)


def _fee_words(uow: Uow, found: Registration, card: SessionCard) -> str:
    """What is to be paid and what comes back."""
    fee_fen = _fee_fen(uow, found, card)
    if fee_fen == found.fee_fen and not found.fee_is_insured:
        return str(gettext("挂号费相同，不用再付。"))
    former, new = show.yuan(found.fee_fen), show.yuan(fee_fen)
    if fee_fen == 0:
        return str(gettext("新号不收费，原号的 %(former)s 全额原路退回。", former=former))
    minutes = limits.rules_of_session(uow, card.session).hold_minutes
    if found.fee_is_insured:
        words = gettext(
            "原来的挂号费经医保结算，不能直接换：新号为您保留 %(minutes)s 分钟，按新号重新核定和支付；", minutes=minutes
        )
        return str(words + gettext("付好并确认以后原号才退回，费用连同医保部分全额退回。没有支付，原号不变。"))
    words = gettext(
        "新号为您保留 %(minutes)s 分钟，请支付 %(new)s；付好并确认以后原号才退回，", minutes=minutes, new=new
    )
    return str(words + gettext("原来的 %(former)s 全额原路退回。没有支付，原号不变。", former=former))


@blueprint.post("/registrations/<registration_id>/move/<session_id>")
@edge.not_too_often
@edge.do_once
def do_move(registration_id: str, session_id: str) -> edge.Answer:
    """The visit has its new time, or a place that waits for its fee; sent twice, it leads to the same registration."""
    uow = edge.current_uow()
    try:
        found = rescheduling.reschedule(
            uow, public_id=registration_id, session_public_id=session_id, channel=channel_of(uow, session_id)
        )
    except AlreadyRegistered as standing:
        if "registration" not in standing.facts:
            raise
        return redirect(url_for("patient.registration", registration_id=standing.facts["registration"]))
    if found.public_id == registration_id:
        flash(gettext("改约成功，原来的号已退回"), "ok")
    return redirect(url_for("patient.registration", registration_id=found.public_id))
