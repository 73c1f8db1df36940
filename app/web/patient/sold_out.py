"""A session that was just found sold out says so for a second more without asking the database: the rush's other side.

While many go on asking, one of them looks when the second is over, and the others are still answered like this; so a
place that comes back is seen a second later, by one. What is answered here is no secret and nobody's own and does
nothing, so nobody needs to be logged in for it, nor come from a page of ours, and it is not put on record.
"""

from __future__ import annotations

import time

from flask import Response, jsonify, render_template, request, session

from app.scheduling.errors import SoldOut
from app.web.frame import choose_language
from app.web.words import words_for

SECONDS = 1.0
_until: dict[tuple[str, str], float] = {}
_pages: dict[tuple[str, bool], str] = {}


def note(session_id: str) -> None:
    """The session was found sold out now."""
    if len(_until) > 1000:
        _until.clear()
    _until[_asked(session_id)] = time.monotonic() + SECONDS


def forget() -> None:
    """A place may have come back."""
    _until.clear()


def answer_first() -> Response | None:
    """The refusal, for a place in a session found sold out a moment ago; None when it has to be looked at."""
    if not _until or request.endpoint != "patient.hold":
        return None
    asked = _asked(request.form.get("session", ""))
    until, now = _until.get(asked), time.monotonic()
    if until is None:
        return None
    if until + SECONDS < now:  # nobody asked for long, and meanwhile places may have been released: all look
        _until.pop(asked, None)
        return None
    if until < now:
        _until[asked] = now + SECONDS  # for the others: this one looks
        return None
    return _refusal()


def found(session_id: str) -> None:
    """There was a place in the session."""
    if _until:
        _until.pop(_asked(session_id), None)


def _refusal() -> Response:
    if request.accept_mimetypes.best == "application/json":
        response = jsonify(code=SoldOut.code, facts={})
    else:
        response = Response(_page(), mimetype="text/html")
    response.status_code = SoldOut.http_status
    return response


def _asked(session_id: str) -> tuple[str, str]:
    """Whoever stands in the lobby may have places that are kept for the lobby."""
    return session_id, str(session.get("lobby_day", ""))


def _page() -> str:
    """The page as every browser of this language and letter size gets it."""
    key = (choose_language(), bool(session.get("elder")))
    if key not in _pages:
        said = words_for(SoldOut.code, {})
        layout = "patient/base.html"
        _pages[key] = render_template("patient/sold_out.html", layout=layout, code=SoldOut.code, kind="warn", **said)
    return _pages[key]
