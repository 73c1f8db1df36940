"""The screen in a lobby: a code that changes every half minute, by which the phones before it check in."""

from __future__ import annotations

from flask import Response, render_template, url_for
from flask_babel import gettext

from app.paper import qr
from app.queueing import lobbies
from app.queueing.models import Lobby
from app.runtime import runtime
from app.web import edge, show
from app.web.board import blueprint
from app.web.live import news


@blueprint.get("/check-in/<lobby>/<key>")
def lobby(lobby: str, key: str) -> edge.Answer:
    """The lobby's screen; no log-in, but a key in its address: who reads the code at home would check in from there."""
    found = lobbies.on_screen(edge.current_uow(), lobby_code=lobby, key=key)
    now_text, zone = edge.current_uow().now().isoformat(), str(runtime().settings.time_zone)
    return render_template(
        "board/lobby.html", code=lobby, key=key, name=name_of(found), zone=zone, now_text=now_text, **_facts(found)
    )


@blueprint.get("/check-in/<lobby>/<key>/live")
def lobby_live(lobby: str, key: str) -> Response:
    """The code alone, or 304 while it is the same."""
    found = lobbies.on_screen(edge.current_uow(), lobby_code=lobby, key=key)
    _, window = lobbies.code_now(edge.current_uow(), found)
    return news("board/lobby_live.html", (lobby, window), lambda: _facts(found))


def name_of(lobby: Lobby) -> str:
    """The lobby's name in the reader's language."""
    return show.in_language(lobby.name, lobby.name_en)


def _facts(lobby: Lobby) -> dict[str, object]:
    code, _ = lobbies.code_now(edge.current_uow(), lobby)
    url = f"{runtime().settings.base_url}{url_for('public.lobby', lobby=lobby.code, code=code)}"
    return {"code_svg": qr.url_svg(url, label=gettext("签到码")), "url": url}
