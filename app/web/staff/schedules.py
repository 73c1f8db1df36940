"""Sessions by day and department: how full they are, stopping one, and opening the days ahead."""

from __future__ import annotations

from datetime import date, timedelta

from flask import flash, redirect, url_for
from flask_babel import gettext

from app.kernel.errors import Refused
from app.kernel.uow import Uow
from app.registration import closing
from app.registration import for_staff as visits_of
from app.scheduling import for_staff as sittings
from app.scheduling import plans
from app.scheduling import service as scheduling
from app.scheduling.models import Practitioner
from app.scheduling.service import SessionCard
from app.scheduling.states import SESSION, SessionAction
from app.web import edge, show, show_work, work
from app.web.staff import ADMIN, OPERATIONS, PLACE, blueprint, keeping
from app.web.staff.lists import field
from app.web.staff.shifts import tabs

DAYS_SHOWN = 7


class StopReasonMissing(Refused):
    """A session is stopped for a reason, which is kept."""

    code = "reason_required"
    http_status = 422


@blueprint.get("/schedules")
@work.needs(ADMIN, OPERATIONS)
def schedules() -> edge.Answer:
    """The sessions of one day, of one department or all."""
    uow = edge.current_uow()
    day = work.day(work.asked("day", 10)) or uow.today()
    departments = scheduling.departments(uow)
    code = work.one_of(work.asked("department", 24), [department.code for department in departments])
    chosen = next((department.id for department in departments if department.code == code), None)
    cards = scheduling.cards(uow, department_id=chosen, from_day=day, to_day=day, channel=None)
    return work.page(
        "staff/schedules.html",
        PLACE,
        tabs=tabs("schedules"),
        days=_days(uow.today(), day, code),
        filters=[
            field("day", gettext("日期"), kind="date") | {"value": day.isoformat()},
            field(
                "department",
                gettext("科室"),
                options=[
                    ("", gettext("全部")),
                    *((each.code, show.in_language(each.name, each.name_en)) for each in departments),
                ],
            ),
        ],
        sessions=_rows(uow, cards),
    )


def _days(today: date, chosen: date, code: str) -> list[dict[str, object]]:
    days = [today + timedelta(days=ahead) for ahead in range(DAYS_SHOWN)]
    return [
        {
            "label": f"{show.weekday(day)} {show.short_day(day)}",
            "href": url_for("staff.schedules", day=day.isoformat(), department=code),
            "current": day == chosen,
        }
        for day in days
    ]


def _rows(uow: Uow, cards: list[SessionCard]) -> list[dict[str, object]]:
    sizes = sittings.places(uow, [sits.id for sits in (card.session for card in cards)])
    return [_row(card, sizes) for card in cards]


def _row(card: SessionCard, sizes: dict[int, int]) -> dict[str, object]:
    sits = card.session
    return {
        "time": f"{show.HALF_DAYS[sits.half_day]} {show.time_span(sits.starts_at, sits.ends_at)}",
        "department": show.in_language(card.department.name, card.department.name_en),
        "doctor": show.with_title(card.practitioner.name, card.practitioner.title),
        "room": sits.room,
        "room_words": show.room_words(sits.room),
        "free": f"{card.free_places} / {sizes.get(sits.id, 0)}",
        "fee": show.yuan(sits.fee_fen),
        "tag": show_work.tag(sits.state),
        "href": url_for("staff.session_page", session_id=sits.public_id),
    }


@blueprint.get("/schedules/<session_id>")
@work.needs(ADMIN, OPERATIONS)
def session_page(session_id: str) -> edge.Answer:
    """One session: its visits by state, and stopping it."""
    uow = edge.current_uow()
    card = scheduling.card(uow, session_id, channel=None)
    sits = card.session
    counts = visits_of.counts_of_session(uow, sits.id)
    return work.page(
        "staff/session.html",
        PLACE,
        session_id=session_id,
        session=_rows(uow, [card])[0],
        day=show.day_words(sits.visit_day),
        counts=[{"value": count, "label": show.state_words(state)} for state, count in counts.items()],
        keeping=keeping.forms(uow, sits),
        may_stop=SESSION.may(sits.state, SessionAction.STOP),
        stands_in_for=_planned(uow, card),
        doctors=_others(uow, card),
        list_href=url_for("staff.schedules", day=sits.visit_day.isoformat()),
    )


def _planned(uow: Uow, card: SessionCard) -> str:
    """Who was to sit before another doctor stood in; '' when nobody does."""
    sits = card.session
    planned_id = sits.planned_practitioner_id
    return sittings.doctor_by_id(uow, planned_id).name if planned_id else ""


def _others(uow: Uow, card: SessionCard) -> list[tuple[str, str]]:
    """Who may stand in: the department's doctors first, then the house's, each with where they belong."""
    elsewhere = {each.id: show.in_language(each.name, each.name_en) for each in scheduling.departments(uow)}
    elsewhere.pop(card.department.id)
    doctors = [doctor for doctor in sittings.doctors(uow) if doctor.id != card.practitioner.id]
    doctors.sort(key=lambda doctor: doctor.department_id != card.department.id)
    return [(doctor.code, _who(doctor, elsewhere.get(doctor.department_id, ""))) for doctor in doctors]


def _who(doctor: Practitioner, department: str) -> str:
    words = show.with_title(doctor.name, doctor.title)
    return show.with_note(words, department) if department else words


@blueprint.post("/schedules/<session_id>/substitute")
@work.needs(ADMIN, OPERATIONS)
def substitute(session_id: str) -> edge.Answer:
    """Another doctor sits: everybody keeps their place, is told, and may cancel free of charge."""
    told = closing.substitute(edge.current_uow(), public_id=session_id, practitioner_code=work.typed("doctor", 24))
    flash(gettext("已替诊，%(count)s 位患者保留原号并会收到通知", count=told), "ok")
    return redirect(url_for("staff.session_page", session_id=session_id))


@blueprint.post("/schedules/<session_id>/stop")
@work.needs(ADMIN, OPERATIONS)
def stop_session(session_id: str) -> edge.Answer:
    """The session is stopped: its places are cancelled, its patients told, their fees given back."""
    why = work.typed("reason", 120)
    if not why:
        raise StopReasonMissing
    cancelled = closing.stop_session(edge.current_uow(), public_id=session_id, why=why)
    flash(gettext("已停诊，取消了 %(count)s 个号；患者会收到通知和改约入口，费用原路退回", count=cancelled), "warn")
    return redirect(url_for("staff.session_page", session_id=session_id))


@blueprint.post("/schedules/open-ahead")
@work.needs(ADMIN, OPERATIONS)
def open_ahead() -> edge.Answer:
    """Every shift's sessions stand for the coming weeks; those that did already stay."""
    opened = plans.open_ahead(edge.current_uow())
    flash(gettext("新开放了 %(count)s 场门诊", count=opened), "ok")
    return redirect(url_for("staff.schedules"))
