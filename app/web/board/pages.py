"""The list of screens, a department's board, a door's screen, and the parts of them that refresh themselves."""

from __future__ import annotations

from flask import render_template, url_for

from app.queueing import boards
from app.queueing.boards import Board, BoardRow, Shown
from app.runtime import runtime
from app.scheduling import service as scheduling
from app.scheduling.models import Department
from app.web import edge, show, work
from app.web.board import blueprint
from app.web.board.voice import may_speak, said
from app.web.live import fragment

MOST_CALLS = 3  # strips that fit above the table on a 1080-line screen
NEXT_ON_BOARD = 2


@blueprint.get("/")
def home() -> edge.Answer:
    """The departments, each with its board and the doors of today; a lobby's screen is opened from the console."""
    boards = [
        {
            "label": _name(department),
            "note": show.in_language(department.location, department.location_en),
            "href": url_for("board.department", code=department.code),
            "doors": _doors(department),
        }
        for department in scheduling.departments(edge.current_uow())
    ]
    return render_template("board/list.html", boards=boards)


def _doors(department: Department) -> list[dict[str, str]]:
    return [
        {"label": show.room_words(room), "href": url_for("board.door", code=department.code, room=room)}
        for room in boards.rooms(edge.current_uow(), department=department)
    ]


@blueprint.get("/<code>")
def department(code: str) -> edge.Answer:
    """The department's board for a screen of 1920 by 1080; it needs no log-in and shows nobody's full name."""
    found = boards.board(edge.current_uow(), code)
    zone = str(runtime().settings.time_zone)
    now_text = edge.current_uow().now().isoformat()
    return render_template(
        "board/department.html",
        name=_name(found),
        code=code,
        zone=zone,
        now_text=now_text,
        may_speak=may_speak(),
        **_facts(found),
    )


@blueprint.get("/<code>/live")
def live(code: str) -> edge.Answer:
    """The calls and rooms alone, or 304 while nobody moved."""
    return fragment("board/live.html", **_facts(boards.board(edge.current_uow(), code)))


def _name(department: Department | Board) -> str:
    return show.in_language(department.name, department.name_en)


def _facts(board: Board) -> dict[str, object]:
    called = [_call(row) for row in board.rows if row.called]
    return {"called": called[:MOST_CALLS], "rooms": [_room(row) for row in board.rows]}


def _shown(who: Shown) -> dict[str, str]:
    number, name = who
    return {"number": number, "name": name}


def _call(row: BoardRow) -> dict[str, str]:
    """Who is called where; `key` is another for each time they are called."""
    number, name = row.called or ("", "")
    key, say = f"{number}-{row.calls}", said(number, row.room)
    return {"number": number, "name": name, "room": row.room, "key": key, "say": say}


def _room(row: BoardRow) -> dict[str, object]:
    now = row.serving or row.called
    return {
        "room": row.room,
        "doctor": row.doctor,
        "now": now[0] if now else "",
        "next": " ".join(number for number, _ in row.next[:NEXT_ON_BOARD]),
        "waiting": row.waiting,
    }


@blueprint.get("/<code>/door")
def door(code: str) -> edge.Answer:
    """The screen at the door of the room that the address names; nobody's full name, nothing to press."""
    room = _room_asked()
    zone, now_text = str(runtime().settings.time_zone), edge.current_uow().now().isoformat()
    facts = _door_facts(boards.board(edge.current_uow(), code), room)
    return render_template(
        "board/door.html", code=code, room=room, zone=zone, now_text=now_text, may_speak=may_speak(), **facts
    )


@blueprint.get("/<code>/door/live")
def door_live(code: str) -> edge.Answer:
    """What the door's screen shows now, or 304 while nobody moved."""
    return fragment("board/door_live.html", **_door_facts(boards.board(edge.current_uow(), code), _room_asked()))


def _room_asked() -> str:
    return work.asked("room", 24)


def _door_facts(board: Board, room: str) -> dict[str, object]:
    row = board.at_door(room, edge.current_uow().now())
    if row is None:
        return {"doctor": "", "department": _name(board), "called": None, "serving": "", "next": [], "waiting": 0}
    return {
        "doctor": row.doctor,
        "department": _name(board),
        "called": _call(row) if row.called else None,
        "serving": row.serving[0] if row.serving else "",
        "next": [_shown(one) for one in row.next],
        "waiting": row.waiting,
    }
