"""How FHIR's answers look on the wire: a resource, a bundle of them, or why not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from urllib.parse import urlencode

from flask import Response, request

from app.runtime import runtime
from app.web.fhir.resources.parts import Here, Json
from app.web.words import words_for

CONTENT_TYPE = "application/fhir+json"
# FHIR's words (value set issue-type) for our codes; what is not listed is a rule of the hospital.
ISSUES = {
    "not_found": "not-found",
    "bad_input": "invalid",
    "bad_request": "structure",
    "not_allowed": "forbidden",
    "token_refused": "login",
    "sold_out": "conflict",
    "kept_for_others": "conflict",
    "session_closed": "conflict",
    "already_registered": "duplicate",
    "once_key_reused": "duplicate",
    "too_many": "throttled",
    "places_busy": "transient",
    "try_later": "transient",
    "too_large": "too-long",
    "method_not_allowed": "not-supported",
    "broken": "exception",
}


def here() -> Here:
    """This hospital's addresses and zone."""
    settings = runtime().settings
    return Here(f"{settings.base_url}/fhir", settings.time_zone)


def resource(made: Json, status: int = 200) -> Response:
    """One resource, with a weak ETag of its content; 304 for whoever has it already."""
    response = _answer(made, status)
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32], weak=True)
    if request.method in {"GET", "HEAD"}:
        response.make_conditional(request)
    return response


def bundle(found: Sequence[Json], self_params: dict[str, str], kind: str, next_cursor: str) -> Response:
    """A page of what was searched for; its links hold no identifiers of people."""
    base = here().base
    links = [{"relation": "self", "url": _address(f"{base}/{kind}", self_params)}]
    if next_cursor:
        links.append({"relation": "next", "url": _address(f"{base}/{kind}", {"_cursor": next_cursor})})
    entries = [
        {"fullUrl": f"{base}/{kind}/{each['id']}", "resource": each, "search": {"mode": "match"}} for each in found
    ]
    made: Json = {"resourceType": "Bundle", "type": "searchset", "link": links}
    return _answer(made | ({"entry": entries} if entries else {}), 200)


def outcome(status: int, code: str, facts: dict[str, object]) -> Response:
    """A refusal as OperationOutcome: our stable code in `details`, and the facts beside it."""
    said = words_for(code, facts)
    issue: Json = {
        "severity": "error" if status < 500 else "fatal",
        "code": ISSUES.get(code, "business-rule"),
        "details": {
            "coding": [{"system": here().system("refusal"), "code": code}],
            "text": f"{said['title']}。{said['text']}",
        },
    }
    if facts:
        issue["diagnostics"] = json.dumps({name: _plain(value) for name, value in facts.items()}, ensure_ascii=False)
    response = _answer({"resourceType": "OperationOutcome", "issue": [issue]}, status)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="fhir"'
    return response


def _plain(value: object) -> object:
    return value if isinstance(value, dict | list | int | str) else str(value)


def _address(path: str, params: dict[str, str]) -> str:
    return f"{path}?{urlencode(params)}" if params else path


def _answer(made: Json, status: int) -> Response:
    return Response(json.dumps(made, ensure_ascii=False), status=status, content_type=CONTENT_TYPE)
