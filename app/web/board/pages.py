"""The list of departments, one department's board, and the part of it that refreshes itself."""

from __future__ import annotations

from flask import render_template, url_for

from app.queueing import lobbies
from app.queueing import service as queueing
from app.queueing.service import BoardRow
from app.runtime import runtime
from app.scheduling import service as scheduling
from app.scheduling.models import Department
from app.web import edge, show
from app.web.board import blueprint
from app.web.board.lobby import name_of
from app.web.live import fragment

MOST_CALLS = 3  # strips that fit above the table on a 1080-line screen


@blueprint.get("/")
def home() -> edge.Answer:
    """The departments, each with its board, and the lobbies, each with its code."""
    boards = [
        {
            "label": _name(department),
            "note": show.in_language(department.location, department.location_en),
            "href": url_for("board.department", code=department.code),
        }
        for department in scheduling.departments(edge.current_uow())
    ]
    codes = [
        {"label": name_of(lobby), "href": url_for("board.lobby", lobby=lobby.code)}
        for lobby in lobbies.lobbies(edge.current_uow())
    ]
    return render_template("board/list.html", boards=boards, lobbies=codes)


@blueprint.get("/<code>")
def department(code: str) -> edge.Answer:
    """The department's board for a screen of 1920 by 1080; it needs no log-in and shows nobody's full name."""
    found = scheduling.department_by_code(edge.current_uow(), code)
    zone = str(runtime().settings.time_zone)
    now_text = edge.current_uow().now().isoformat()
    return render_template(
        "board/department.html", name=_name(found), code=code, zone=zone, now_text=now_text, **_facts(found)
    )


@blueprint.get("/<code>/live")
def live(code: str) -> edge.Answer:
    """The calls and rooms alone, or 304 while nobody moved."""
    return fragment("board/live.html", **_facts(scheduling.department_by_code(edge.current_uow(), code)))


def _name(department: Department) -> str:
    return show.in_language(department.name, department.name_en)


def _facts(department: Department) -> dict[str, object]:
    rows = queueing.board(edge.current_uow(), department=department)
    called = [{"number": row.called[0], "name": row.called[1], "room": row.room} for row in rows if row.called[0]]
    return {"called": called[:MOST_CALLS], "rooms": [_room(row) for row in rows]}


def _room(row: BoardRow) -> dict[str, object]:
    return {
        "room": row.room,
        "doctor": f"{row.practitioner.name} {row.practitioner.title}",
        "now": row.serving or row.called[0],
        "next": " ".join(row.next_numbers),
        "waiting": row.waiting,
    }
