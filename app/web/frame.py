"""The frame around every request: its id, its language, its one unit of work, its headers, and how a no is shown."""

from __future__ import annotations

import logging
import time
from typing import Any

from flask import Flask, Response, g, jsonify, redirect, render_template, request, session, url_for
from flask.json.provider import DefaultJSONProvider
from flask_babel import get_locale
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from app.kernel.errors import BadInput, TryLater, VisitError
from app.kernel.ids import new_public_id
from app.runtime import runtime
from app.web import counts, edge, unsent
from app.web.paths import this_page
from app.web.words import words_for

LANGUAGES = ("zh_Hans_CN", "en")
log = logging.getLogger("menzhen.web")
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "geolocation=(), microphone=(), camera=(self)",
    "Content-Security-Policy": POLICY,
}
# What was refused holds words only, and stays in the browser's own history: with no-store, whoever presses "back" later
# on is shown an error of the browser's where the refusal stood, since a form's answer is not asked for again.
REFUSED = "private, no-cache"
DATABASE_AWAY = (OperationalError, PoolTimeout)
JSON_SURFACES = {"callbacks", "ops", "api"}
LAYOUTS = {"patient": "patient/base.html", "entrance": "entrance/base.html"}


def choose_language() -> str:
    """The language the person chose, else the one their browser prefers, else Chinese."""
    chosen = session.get("lang", "")
    if chosen in LANGUAGES:
        return str(chosen)
    best = request.accept_languages.best_match(["zh", "zh-CN", "en"], "zh")
    return "en" if best == "en" else "zh_Hans_CN"


class ShallowJson(DefaultJSONProvider):
    """Flask's JSON, where a body that is nested too deep to be read is no JSON, as any other nonsense."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever JSON was sent
        """What `s` says; ValueError for what cannot be read."""
        try:
            return super().loads(s, **kwargs)
        except RecursionError as error:
            raise ValueError("nested too deep") from error


def frame_requests(app: Flask) -> None:
    """Puts the frame around every request of `app`."""
    app.json = ShallowJson(app)
    app.before_request(_begin)
    app.after_request(_finish)
    app.teardown_request(_drop)
    app.register_error_handler(VisitError, _refuse)
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _broken)
    app.context_processor(_for_templates)
    app.jinja_env.globals.update(get_locale=get_locale, is_first_flaw=_is_first_flaw)


def _for_templates() -> dict[str, object]:
    return {
        "elder": bool(session.get("elder")),
        "hospital_name": runtime().settings.hospital_name,
        "once_key": edge.once_key,
        "this_page": this_page,
    }


def _is_first_flaw() -> bool:
    """True once on a page: the field that is to have the focus, since it is the first one to be mended."""
    is_first = not g.get("has_flaw")
    g.has_flaw = True
    return is_first


def _begin() -> None:
    g.request_id = new_public_id()
    g.began = time.perf_counter()
    # A provider's body is signed as it came; whoever reads the form first leaves nothing of it.
    form = () if request.blueprint == "callbacks" else request.form.values()
    sent = (request.path, *request.args.values(), *form)
    if any("\x00" in text for text in sent):  # PostgreSQL keeps no such character, and nobody types it
        raise BadInput
    if request.blueprint in unsent.SURFACES:
        unsent.forget_if_sent()


def _finish(response: Response) -> Response:
    """Finishes the request's unit before the answer leaves; an answer that promises what did not stand never does."""
    if "uow" in g:
        try:
            edge.finish_unit()
        except VisitError as error:
            response = _refuse(error)
        except DBAPIError as error:
            response = _broken(error)
    _add_headers(response)
    _write_down(response)
    return response


def _add_headers(response: Response) -> None:
    """What every answer says beside what its page has said already."""
    headers = dict(HEADERS)
    if runtime().settings.base_url.startswith("https"):
        headers["Strict-Transport-Security"] = "max-age=31536000"
    if request.endpoint != "static":
        headers["Cache-Control"] = REFUSED if _is_refused_at_the_door(response) else "no-store"
    said = {name.lower() for name, _ in response.headers}
    response.headers.extend({name: value for name, value in headers.items() if name.lower() not in said})


def _is_refused_at_the_door(response: Response) -> bool:
    """A log-in's form that is shown again: it holds nobody's record."""
    return request.blueprint == "entrance" and request.method == "POST" and response.status_code >= 400


def _write_down(response: Response) -> None:
    milliseconds = round((time.perf_counter() - g.get("began", time.perf_counter())) * 1000, 1)
    endpoint = request.endpoint or "none"
    counts.REQUESTS.labels(endpoint, response.status_code).inc()
    counts.SECONDS.labels(endpoint).observe(milliseconds / 1000)
    if endpoint == "static":
        return
    log.info(
        "request",
        extra={
            "request_id": g.get("request_id", ""),
            "endpoint": endpoint,
            "method": request.method,
            "status": response.status_code,
            "ms": milliseconds,
            "actor": f"{edge.actor().kind}:{edge.actor().ref}",
        },
    )


def _drop(_error: BaseException | None) -> None:
    edge.drop_unit()


def _refuse(error: VisitError) -> Response:
    edge.drop_unit()
    try:
        edge.note_refusal(error)
    except DBAPIError:
        log.exception("refusal not noted", extra={"code": error.code})
    return _say_no(error.http_status, error.code, dict(error.facts))


def _stale_form(_error: CSRFError) -> BaseResponse:
    edge.drop_unit()
    if unsent.keep_own():
        return redirect(url_for("entrance.send_again"))
    return _say_no(400, "stale_form", {})


def _http(error: HTTPException) -> Response:
    edge.drop_unit()
    code = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(error.code or 500, "bad_request")
    return _say_no(error.code or 500, code if (error.code or 500) < 500 else "broken", {})


def _broken(error: Exception) -> Response:
    edge.drop_unit()
    log.error(
        "request broke", exc_info=error, extra={"request_id": g.get("request_id", ""), "endpoint": request.endpoint}
    )
    if isinstance(error, DataError):  # a number or text that fits no column
        return _refuse_quietly(BadInput())
    if isinstance(error, DATABASE_AWAY):
        return _refuse_quietly(TryLater(retry_seconds=2))
    return _say_no(500, "broken", {})


def _refuse_quietly(error: VisitError) -> Response:
    return _say_no(error.http_status, error.code, dict(error.facts))


def _say_no(status: int, code: str, facts: dict[str, object]) -> Response:
    own_way = edge.own_way_of_saying_no()
    if own_way is not None:
        response = own_way(status, code, facts)
    elif request.blueprint in JSON_SURFACES or request.accept_mimetypes.best == "application/json":
        response = jsonify(code=code, facts={name: str(value) for name, value in facts.items()})
    else:
        said = words_for(code, facts)
        layout = LAYOUTS.get(request.blueprint or "", "base.html")
        response = Response(
            render_template("error.html", layout=layout, code=code, kind="warn" if status < 500 else "bad", **said),
            mimetype="text/html",
            headers={"Cache-Control": REFUSED},
        )
    response.status_code = status
    if "retry_seconds" in facts:
        response.headers["Retry-After"] = str(facts["retry_seconds"])
    return response
