"""The lobbies where patients check in by themselves: which departments each serves, and where it is."""

from __future__ import annotations

from flask import flash, redirect, url_for
from flask_babel import gettext

from app.kernel.uow import Uow
from app.queueing import lobbies as places
from app.queueing.errors import LobbyNotValid
from app.queueing.lobbies import LobbyIn
from app.queueing.models import Lobby
from app.scheduling import service as scheduling
from app.web import edge, show, work
from app.web.staff import ADMIN, OPERATIONS, PLACE, blueprint


@blueprint.get("/lobbies")
@work.needs(ADMIN, OPERATIONS)
def lobbies() -> edge.Answer:
    """All lobbies with their screens, and the form for a new one or for the one that the address names."""
    uow = edge.current_uow()
    found, departments = places.lobbies(uow), scheduling.departments(uow)
    names = {one.id: show.in_language(one.name, one.name_en) for one in departments}
    chosen = next((lobby for lobby in found if lobby.code == work.asked("lobby", 24)), None)
    return work.page(
        "staff/lobbies.html",
        PLACE,
        lobbies=[_row(uow, lobby, names) for lobby in found],
        departments=[("", gettext("院区的全部科室")), *((str(one.id), names[one.id]) for one in departments)],
        typed=_typed_of(chosen),
        is_new=chosen is None,
        move_screen=url_for("staff.move_screen", lobby=chosen.code) if chosen else "",
    )


def _row(uow: Uow, lobby: Lobby, names: dict[int, str]) -> dict[str, object]:
    serves = names[lobby.department_id] if lobby.department_id else lobby.campus_code or gettext("全部科室")
    return {
        "name": show.in_language(lobby.name, lobby.name_en),
        "note": f"{lobby.code} · {serves}",
        "href": url_for("staff.lobbies", lobby=lobby.code),
        "screen": url_for("board.lobby", lobby=lobby.code, key=places.screen_key(uow, lobby)),
    }


def _typed_of(lobby: Lobby | None) -> dict[str, str]:
    """The form as it would be typed for the lobby; the empty form without one."""
    if lobby is None:
        return {"near_metres": "300"}
    return {
        "code": lobby.code,
        "name": lobby.name,
        "name_en": lobby.name_en,
        "department": str(lobby.department_id or ""),
        "campus_code": lobby.campus_code,
        "latitude": _degrees(lobby.latitude_e6),
        "longitude": _degrees(lobby.longitude_e6),
        "near_metres": str(lobby.near_metres),
    }


def _degrees(e6: int | None) -> str:
    return "" if e6 is None else f"{e6 / 1_000_000:.6f}"


@blueprint.post("/lobbies")
@work.needs(ADMIN, OPERATIONS)
def file_lobby() -> edge.Answer:
    """The lobby is as typed; refuses `lobby_not_valid`."""
    uow = edge.current_uow()
    told = LobbyIn(
        code=work.typed("code", 25),
        name=work.typed("name", 61),
        name_en=work.typed("name_en", 60),
        department_id=_department(uow, work.typed("department", 15)),
        campus_code=work.typed("campus_code", 24),
        latitude_e6=_e6(work.typed("latitude", 12)),
        longitude_e6=_e6(work.typed("longitude", 12)),
        near_metres=work.whole(work.typed("near_metres", 5)) or 0,
    )
    if not work.may_be_in_address(told.code):
        raise LobbyNotValid
    made = places.file_lobby(uow, told)
    flash(gettext("签到点“%(name)s”已保存", name=made.name), "ok")
    return redirect(url_for("staff.lobbies"))


@blueprint.post("/lobbies/<lobby>/screen")
@work.needs(ADMIN, OPERATIONS)
def move_screen(lobby: str) -> edge.Answer:
    """The lobby's screen has another address, since somebody outside knows the one before; NotFound."""
    moved = places.move_screen(edge.current_uow(), lobby)
    flash(gettext("“%(name)s”的签到屏换了网址，请在屏上打开新的网址", name=moved.name), "ok")
    return redirect(url_for("staff.lobbies", lobby=lobby))


def _department(uow: Uow, typed: str) -> int | None:
    """The key of a department of ours; None for the whole campus."""
    return next((one.id for one in scheduling.departments(uow) if str(one.id) == typed), None)


def _e6(typed: str) -> int | None:
    """39.9042 in millionths; None for an empty field. Refuses `lobby_not_valid` for what is no number."""
    if not typed:
        return None
    try:
        return round(float(typed) * 1_000_000)
    except (ValueError, OverflowError) as error:
        raise LobbyNotValid from error
