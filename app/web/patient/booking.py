"""Choosing a day and a doctor of a department, and holding a place for a patient."""

from __future__ import annotations

from datetime import date, timedelta

from flask import redirect, render_template, request, session, url_for
from flask_babel import gettext

from app.identity import guardians, proofs
from app.identity import service as identity
from app.identity.models import Patient, Relation
from app.kernel.errors import BadInput
from app.kernel.uow import Uow
from app.queueing import shared_lines
from app.registration import service as registration
from app.registration.errors import AlreadyRegistered
from app.registration.limits import rules_of_session
from app.registration.rules import cancel_closes_at
from app.rulebook.service import rules_for
from app.rulebook.terms import CancelUntil, Rules
from app.scheduling import opening
from app.scheduling import service as scheduling
from app.scheduling.errors import SoldOut
from app.scheduling.models import BookingChannel, Department
from app.scheduling.rules import is_released, where_of
from app.scheduling.service import SessionCard
from app.scheduling.states import SessionState
from app.web import edge, line_words, show
from app.web.patient import blueprint, family, releasing, sold_out

STRIP_DAYS = 7


@blueprint.get("/departments/<code>")
def department(code: str) -> edge.Answer:
    """The department's sessions of one day, each with its free places; the day strip leads to the others."""
    uow = edge.current_uow()
    found = scheduling.department_by_code(uow, code)
    turn = releasing.turn_of(found)
    uow = edge.current_uow()  # another one when the page has just given a turn
    first = _week_of(request.args.get("day", ""), uow.today())
    cards = _cards(uow, found, first)
    rules = rules_for(uow, where_of(found))
    bookable = [card for card in cards if can_be_booked(card, rules, uow)]
    to_come = [card for card in cards if card not in bookable and _has_its_own_release(card, uow)]
    day = _day_shown(request.args.get("day", ""), first, bookable)
    return render_template(
        "patient/department.html",
        code=code,
        name=show.in_language(found.name, found.name_en),
        place=show.in_language(found.location, found.location_en),
        turn=releasing.told(found, turn) if turn else None,
        day=show.day_words(day),
        days=_strip(found, first, day, [*bookable, *to_come], uow),
        sessions=[
            *(row_of(card) for card in bookable if _day_of(card) == day),
            *(_row_to_come(card) for card in to_come if _day_of(card) == day),
        ],
        weeks=_weeks(found, first, uow.today()),
    )


def _cards(uow: Uow, found: Department, first: date) -> list[SessionCard]:
    """The strip's sessions, each with the places that whoever asks can have by the way they came."""
    last, today = first + timedelta(days=STRIP_DAYS - 1), uow.today()
    cards = scheduling.cards(uow, department_id=found.id, from_day=first, to_day=last)
    if first != today or not is_here(uow):
        return cards
    here = scheduling.cards(uow, department_id=found.id, from_day=today, to_day=today, channel=BookingChannel.LOBBY)
    return here + [card for card in cards if _day_of(card) != today]


def is_here(uow: Uow) -> bool:
    """True when a code in the house was scanned today, which makes the places kept for the lobby theirs."""
    return bool(session.get("lobby_day", "") == uow.today().isoformat())


def channel_of(uow: Uow, session_id: str) -> BookingChannel:
    """How the patient comes to a place of the session: by the lobby to one of today's, else from anywhere."""
    is_of_today = is_here(uow) and _day_of(scheduling.card(uow, session_id)) == uow.today()
    return BookingChannel.LOBBY if is_of_today else BookingChannel.ONLINE


def can_be_booked(card: SessionCard, rules: Rules, uow: Uow) -> bool:
    """True while the session is open and the rules let it be booked."""
    return _is_bookable(card, uow) and is_released(rules, card.session, uow.now(), uow.zone)


def _is_bookable(card: SessionCard, uow: Uow) -> bool:
    session = card.session
    return session.state == SessionState.OPEN and session.ends_at > uow.now()


def _day_of(card: SessionCard) -> date:
    session = card.session
    return session.visit_day


def _read_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _week_of(text: str, today: date) -> date:
    """The first day of the strip that shows the day asked for: today, or whole strips later."""
    wanted = _read_day(text) or today
    ahead = min(max((wanted - today).days, 0), opening.OPEN_AHEAD_DAYS)
    return today + timedelta(days=ahead - ahead % STRIP_DAYS)


def _day_shown(text: str, first: date, bookable: list[SessionCard]) -> date:
    """The day asked for; without one the first day of the strip that has a free place."""
    wanted = _read_day(text)
    if wanted is not None and first <= wanted < first + timedelta(days=STRIP_DAYS):
        return wanted
    return next((_day_of(card) for card in bookable if card.free_places), first)


def _strip(found: Department, first: date, shown: date, cards: list[SessionCard], uow: Uow) -> list[dict[str, object]]:
    days, bookable = [], [card for card in cards if not _has_its_own_release(card, uow)]
    for day in (first + timedelta(days=ahead) for ahead in range(STRIP_DAYS)):
        free = sum(card.free_places for card in bookable if _day_of(card) == day)
        full = gettext("约满") if any(_day_of(card) == day for card in bookable) else gettext("未放号")
        has_sessions = any(_day_of(card) == day for card in cards)
        note = gettext("余 %(places)s", places=free) if free else full if has_sessions else gettext("无班")
        days.append(
            {
                "label": gettext("今天") if day == uow.today() else show.weekday(day),
                "date": show.short_day(day),
                "note": note,
                "href": url_for("patient.department", code=found.code, day=day.isoformat()) if has_sessions else "",
                "current": day == shown,
            }
        )
    return days


def _weeks(found: Department, first: date, today: date) -> dict[str, str]:
    """Where the strips before and after are, '' at the ends."""
    before, after = first - timedelta(days=STRIP_DAYS), first + timedelta(days=STRIP_DAYS)
    last = today + timedelta(days=opening.OPEN_AHEAD_DAYS)
    return {
        "before": url_for("patient.department", code=found.code, day=before.isoformat()) if before >= today else "",
        "after": url_for("patient.department", code=found.code, day=after.isoformat()) if after <= last else "",
    }


def row_of(card: SessionCard) -> dict[str, object]:
    """The session as a line to choose it by; `href` leads to booking it, '' when it is full."""
    session = card.session
    return {
        "href": url_for("patient.clinic_session", session_id=session.public_id) if card.free_places else "",
        "doctor": card.practitioner.name,
        "title": show.title_words(card.practitioner.title),
        "good_at": card.practitioner.good_at,
        "time": f"{show.HALF_DAYS[session.half_day]} {show.time_span(session.starts_at, session.ends_at)}",
        "fee": show.yuan(session.fee_fen),
        "free": card.free_places,
        "later": _later_words(card),
    }


def _has_its_own_release(card: SessionCard, uow: Uow) -> bool:
    sits = card.session
    release_at = sits.release_at
    return _is_bookable(card, uow) and release_at is not None and release_at > uow.now()


def _row_to_come(card: SessionCard) -> dict[str, object]:
    """A session that cannot be chosen yet, with the moment from which it can."""
    sits = card.session
    at = show.near_moment(sits.release_at or sits.starts_at)
    return row_of(card) | {"href": "", "later": str(gettext("%(at)s 放号", at=at)), "to_come": True}


def _later_words(card: SessionCard) -> str:
    """From when on places that are kept for the window, the lobby or a revisit can be had; '' while others are free."""
    if card.free_places or card.opens_at is None:
        return ""
    return str(gettext("留给窗口、现场和复诊的号，%(at)s 起对所有人开放", at=show.near_moment(card.opens_at)))


def next_words(card: SessionCard) -> str:
    """When the place begins that would be had now; '' when there is none."""
    return str(gettext("现在约到 %(at)s 的号", at=show.clock_time(card.next_at))) if card.next_at else ""


@blueprint.get("/sessions/<session_id>")
def clinic_session(session_id: str) -> edge.Answer:
    """What would be booked, for whom, and the rules; one button holds a place."""
    uow = edge.current_uow()
    card = scheduling.card(uow, session_id, channel=channel_of(uow, session_id))
    current, rules = family.chosen_patient(uow), rules_of_session(uow, card.session)
    return render_template(
        "patient/session.html",
        card=row_of(card),
        is_open=_is_bookable(card, uow),
        facts=_facts(uow, card),
        session_id=session_id,
        department_href=url_for("patient.department", code=card.department.code, day=_day_of(card).isoformat()),
        members=[_member(uow, rules, *row) for row in identity.patients_of(uow)],
        chosen=current.public_id if current else "",
        hold_minutes=rules.hold_minutes,
        insures_fee=bool(rules.fee_insurance_code),
        check_in_minutes=rules.check_in_opens_minutes,
        cancel_words=_cancel_words(card, rules, uow),
    )


def _member(uow: Uow, rules: Rules, patient: Patient, relation: Relation) -> dict[str, str]:
    """Somebody for whom the place can be; `note` and `href` say what has to be done before."""
    known = {
        "value": patient.public_id,
        "label": show.with_note(identity.name_of(uow, patient), show.RELATIONS[relation]),
    }
    if guardians.is_missing(uow, patient):
        href = url_for("patient.consent", patient_id=patient.public_id, next=request.path)
        return known | {"note": str(gettext("需要监护人同意")), "href": href}
    if rules.verified_only and not proofs.is_proven(patient):
        return known | {"note": str(gettext("未实名核验，请先带身份证到挂号窗口核验"))}
    return known


def _cancel_words(card: SessionCard, rules: Rules, uow: Uow) -> str:
    """Until when a place of the session can be given back: minutes before its time, or a moment."""
    sits = card.session
    title, starts_at = card.practitioner.title, sits.starts_at
    closes_at = cancel_closes_at(rules, starts_at, title=title, zone=uow.zone)
    if rules.cancel_until == CancelUntil.CLOCK:
        return str(gettext("%(until)s 前可在线取消。", until=show.moment(closes_at)))
    minutes = int((starts_at - closes_at).total_seconds() // 60)
    return str(gettext("就诊前 %(minutes)s 分钟可在线取消。", minutes=minutes))


def _facts(uow: Uow, card: SessionCard) -> list[dict[str, str]]:
    session = card.session
    where = line_words.where(card.department, shared_lines.rooms_ahead(uow, session))
    return [
        {"label": gettext("科室"), "value": show.in_language(card.department.name, card.department.name_en)},
        {"label": gettext("医生"), "value": show.with_title(card.practitioner.name, card.practitioner.title)},
        {
            "label": gettext("时间"),
            "value": f"{show.day_words(_day_of(card))} {row_of(card)['time']}",
            "note": next_words(card),
        },
        {"label": gettext("地点"), "value": where},
        {"label": gettext("挂号费"), "value": show.yuan(session.fee_fen)},
    ]


@blueprint.post("/registrations")
@edge.at_once
@edge.not_too_often
@edge.do_once
def hold() -> edge.Answer:
    """A place is held for the patient; one who has it already is led to it."""
    patient_id, session_id = request.form.get("patient", ""), request.form.get("session", "")
    if not patient_id or not session_id:
        raise BadInput(fields={"patient": "required"})
    uow = edge.current_uow()
    try:
        held = registration.hold(
            uow,
            session_public_id=session_id,
            patient_public_id=patient_id,
            source_code=session.get("source", ""),
            channel=channel_of(uow, session_id),
        )
    except AlreadyRegistered as standing:
        if "registration" not in standing.facts:
            raise
        return redirect(url_for("patient.registration", registration_id=standing.facts["registration"]))
    except SoldOut as refusal:
        if refusal.code == SoldOut.code:  # not while places are kept for others
            sold_out.note(session_id)
        raise
    sold_out.found(session_id)
    if session.get(family.CHOSEN) != patient_id:
        session[family.CHOSEN] = patient_id
    return redirect(url_for("patient.registration", registration_id=held.public_id))
