"""What somebody typed is not lost when their log-in ended, or their page grew old, before they sent it.

The form waits for a few minutes, sealed, in the browser's own cookie, until they have logged in and send it again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import request, session

from app.kernel.crypto import CannotOpen
from app.runtime import runtime
from app.web.paths import came_from, read_address

KEPT_FOR = timedelta(minutes=15)
LONGEST = 2600  # characters; a cookie holds 4096 bytes, with the log-in and what was chosen
SURFACES = {"patient", "desk", "review", "terminal", "window", "staff"}
NOT_TYPED = {"csrf_token", "once", "next", "nonce"}
_PLACE = "cookie.unsent"


@dataclass(frozen=True)
class Unsent:
    """A form that was not taken: where it goes, what is in it, and on which page of ours it stood ('': not known)."""

    path: str
    fields: list[tuple[str, str]]
    page: str


def patient_or_staff() -> str:
    """Whose log-in the page that was asked for needs."""
    return "patient" if request.blueprint == "patient" else "staff"


def keep() -> bool:
    """The form that was sent waits; False, and nothing is kept, when nothing was typed in it or it is too long."""
    fields = [pair for pair in request.form.items(multi=True) if pair[0] != "csrf_token"]
    if request.blueprint not in SURFACES or request.files or not {name for name, _ in fields} - NOT_TYPED:
        return False
    kind = patient_or_staff()
    told = {
        "kind": kind,
        "who": session.get(f"{kind}_was", ""),
        "at": runtime().units.clock.now().isoformat(),
        "path": request.full_path.rstrip("?"),
        "page": came_from(),
        "fields": fields,
    }
    sealed = runtime().units.keys.seal(json.dumps(told, ensure_ascii=False, separators=(",", ":")), _PLACE)
    if len(sealed) > LONGEST:
        return False
    session["unsent"], session["unsent_to"] = sealed, request.path
    return True


def keep_own() -> bool:
    """As `keep`, for a form without this browser's token: only when the browser says that it stood on a page of ours.

    No browser lets another site's page say so in this header; what is kept is sent by a person's tap only.
    """
    return read_address(request.headers.get("Origin", "")).netloc == request.host and keep()


def kind_of_kept() -> str:
    """Who has to log in to send what waits: patient or staff; '' when nothing waits."""
    return str((_kept() or {}).get("kind", ""))


def waiting() -> Unsent | None:
    """What waits for whoever is logged in now; None when there is nothing, it waited too long or is another's."""
    told = _kept()
    if told is None or told["who"] not in ("", session.get(f"{told['kind']}_was", "")):
        return None
    return Unsent(told["path"], [(name, value) for name, value in told["fields"]], told["page"])


def forget_if_sent() -> None:
    """What waited is sent with this request, and waits no more."""
    if request.method == "POST" and session.get("unsent_to") == request.path:
        session.pop("unsent", None)
        session.pop("unsent_to", None)


def _kept() -> dict[str, Any] | None:
    try:
        told = json.loads(runtime().units.keys.open(session.get("unsent", ""), _PLACE) or "null")
    except CannotOpen:
        return None
    is_fresh = told and datetime.fromisoformat(told["at"]) + KEPT_FOR > runtime().units.clock.now()
    return dict(told) if is_fresh else None
