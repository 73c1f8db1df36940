"""Being in the house: what the phone scanned in the lobby, and checking in today's registrations by one tap."""

from __future__ import annotations

import json
from datetime import datetime

from flask import Response, flash, make_response, redirect, render_template, session, url_for
from flask_babel import gettext

from app.kernel.errors import VisitError
from app.kernel.uow import Uow
from app.queueing import lobbies
from app.queueing.errors import CheckInElsewhere
from app.queueing.lobbies import Scanned
from app.queueing.models import Lobby
from app.registration import service as registrations
from app.registration.listing import Listed, listed_of_account
from app.registration.states import RegistrationState
from app.web import edge, show
from app.web.patient import blueprint
from app.web.patient.visit import door_opens_at, may_check_in
from app.web.patient.visits import row_of

SHOWN = {RegistrationState.BOOKED, RegistrationState.CHECKED_IN, RegistrationState.IN_CONSULTATION}


def scanned_here() -> Scanned | None:
    """The lobby whose code this browser scanned last; None when it never scanned one."""
    kept = session.get("lobby")
    return Scanned(kept[0], datetime.fromisoformat(kept[1])) if kept else None


@blueprint.get("/check-in")
def check_in_list() -> edge.Answer:
    """Where the lobby's code leads: today's registrations, each with its button, and one for all of them."""
    uow, scanned = edge.current_uow(), scanned_here()
    today = [found for found in listed_of_account(uow) if found.registration.visit_day == uow.today()]
    listed = [found for found in today if found.registration.state in SHOWN]
    rows = [_row(uow, found, scanned) for found in listed]
    fresh = scanned if lobbies.is_fresh(uow, scanned) else None
    page = render_template(
        "patient/check_in.html",
        registrations=rows,
        at_lobby=_name(lobbies.lobby_by_code(uow, fresh.lobby_code)) if fresh else "",
        may_check_in_all=sum(bool(row["post"]) for row in rows) > 1,
        near=_near(uow, [found for found in listed if found.registration.state == RegistrationState.BOOKED]),
    )
    return _may_ask_where(page)


def _row(uow: Uow, found: Listed, scanned: Scanned | None) -> dict[str, object]:
    """The registration with its button, or with the reason why it has none."""
    row = row_of(uow, found) | {"post": "", "why_not": ""}
    if row["may_check_in"]:
        try:
            lobbies.may_check_in(uow, found.registration, scanned)
        except CheckInElsewhere:
            row["why_not"] = gettext("这个科室请到 %(where)s 签到。", where=_where(uow, found))
        except VisitError:
            row["why_not"] = gettext("请用手机扫候诊厅屏幕上的签到码，或到护士站报到。")
        else:
            row["post"] = url_for("patient.check_in", registration_id=found.registration.public_id)
    return row


def _where(uow: Uow, found: Listed) -> str:
    served, department = lobbies.lobbies_of(uow, found.department), found.department
    return _name(served[0]) if served else show.in_language(department.location, department.location_en)


def _name(lobby: Lobby) -> str:
    return show.in_language(lobby.name, lobby.name_en)


def _near(uow: Uow, listed: list[Listed]) -> str:
    """Where those can check in who have not yet, for the phone to compare: [[latitude, longitude, metres], …]."""
    places = {
        (lobby.latitude_e6 / 1e6, lobby.longitude_e6 / 1e6, lobby.near_metres)
        for found in listed
        for lobby in lobbies.lobbies_of(uow, found.department)
        if lobby.latitude_e6 is not None and lobby.longitude_e6 is not None
    }
    return json.dumps(sorted(places)) if places else ""


def _may_ask_where(page: str) -> Response:
    """The one page whose script may ask the phone where it is, if its owner lets it."""
    answer = make_response(page)
    answer.headers["Permissions-Policy"] = "geolocation=(self), microphone=(), camera=(self)"
    return answer


@blueprint.post("/registrations/<registration_id>/check-in")
def check_in(registration_id: str) -> edge.Answer:
    """The patient is in the house and has a number; a second tap shows the same one."""
    uow = edge.current_uow()
    row = registrations.of_account(uow, registration_id)
    lobbies.check_in_by_phone(uow, registration=row, scanned=scanned_here())
    return redirect(url_for("patient.visit", registration_id=registration_id))


@blueprint.post("/check-in")
def check_in_all() -> edge.Answer:
    """Everybody of the account who may check in here and now has a number; the others are left as they are."""
    uow, scanned = edge.current_uow(), scanned_here()
    today = [found for found in listed_of_account(uow) if found.registration.visit_day == uow.today()]
    open_now = [found for found in today if _is_open(uow, found) and _row(uow, found, scanned)["post"]]
    numbers = [
        lobbies.check_in_by_phone(uow, registration=found.registration, scanned=scanned).number for found in open_now
    ]
    if numbers:
        flash(gettext("已签到，候诊号 %(numbers)s", numbers=show.listed(numbers)), "ok")
    return redirect(url_for("patient.check_in_list"))


def _is_open(uow: Uow, found: Listed) -> bool:
    opens_at = door_opens_at(uow, found.clinic_session)
    return may_check_in(found.registration, found.clinic_session, opens_at, uow.now())
