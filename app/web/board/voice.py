"""The clips of the board's voice; without a folder of them boards stay silent and offer no button."""

from __future__ import annotations

from flask import Response

from app.kernel.errors import NotFound
from app.paper import voice as clips
from app.runtime import runtime
from app.web import edge
from app.web.board import blueprint

KEPT_SECONDS = 86_400


@blueprint.get("/voice/<clip>")
def clip(clip: str) -> edge.Answer:
    """One clip's sound; NotFound for a word that is not among them."""
    file = clips.find(runtime().settings.voice_folder, clip)
    if file is None:
        raise NotFound
    answer = Response(file.read_bytes(), mimetype=clips.KINDS[file.suffix])
    answer.headers["Cache-Control"] = f"public, max-age={KEPT_SECONDS}"
    return answer


def may_speak() -> bool:
    """True when every word of a call has its clip."""
    folder = runtime().settings.voice_folder
    return bool(folder) and not clips.missing(folder)


def said(number: str, room: str) -> str:
    """The clips of a call, for the page's script."""
    return " ".join(clips.clips_of_call(number, room))
