"""The parts of a page that refresh themselves: a fragment that is sent only when what it shows has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from flask import Response, make_response, render_template, request, session
from flask_babel import get_locale


def fragment(template: str, **facts: object) -> Response:
    """The template rendered from `facts`, or 304 when the browser has just that.

    The tag is made of the facts, not of the page: a form's token is new each time and changes nothing for the reader.
    """
    return news(template, sorted(facts.items()), lambda: facts)


def news(template: str, trace: object, facts: Callable[[], Mapping[str, object]]) -> Response:
    """The template rendered from what `facts` gives, or 304 when the browser has what it had at the same `trace`.

    For parts that thousands ask for: `facts` is not called when nothing has happened.
    """
    said = f"{template}{trace}{get_locale()}{session.get('elder')}"
    etag = hashlib.sha256(said.encode()).hexdigest()[:24]
    if request.if_none_match.contains_weak(etag):
        answer = make_response("", 304)
    else:
        answer = make_response(render_template(template, **facts()))
    answer.set_etag(etag, weak=True)
    answer.headers["Cache-Control"] = "no-cache, private"
    return answer
