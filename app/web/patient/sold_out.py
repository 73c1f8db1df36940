"""A session that was just found sold out says so for a second more without asking the database: the rush's other side.

A place that comes back within that second is seen when it is over. What is answered here is no secret and nobody's
own, so nobody needs to be logged in for it and it is not put on record.
"""

from __future__ import annotations

import time

from flask import Response, jsonify, render_template, request, session
from flask_babel import get_locale

from app.scheduling.errors import SoldOut
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


def answer(session_id: str) -> Response | None:
    """The refusal, for a session found sold out a moment ago; None when it has to be looked at."""
    until = _until.get(_asked(session_id))
    if until is None or until < time.monotonic():
        return None
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
    key = (str(get_locale()), bool(session.get("elder")))
    if key not in _pages:
        said = words_for(SoldOut.code, {})
        layout = "patient/base.html"
        _pages[key] = render_template("patient/sold_out.html", layout=layout, code=SoldOut.code, kind="warn", **said)
    return _pages[key]
