"""Reading one resource and searching for many; every look at a person's record is written down."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import Response, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import NotAcceptable

from app.identity.clients import READ_ALL
from app.kernel import audit
from app.kernel.errors import BadInput, NotAllowed, NotFound
from app.kernel.pages import Page
from app.kernel.uow import Uow
from app.web import edge
from app.web.fhir import answers, blueprint, searching
from app.web.fhir.kinds import KINDS, Kind
from app.web.fhir.resources.parts import Json
from app.web.fhir.searching import Asked

MOST_SEARCHES_A_MINUTE = 120


@blueprint.get("/<kind_name>/<resource_id>")
def read(kind_name: str, resource_id: str) -> Response:
    """One resource by its id; whoever sends its ETag back and has it already gets 304."""
    kind = _readable(kind_name)
    uow = edge.current_uow()
    found = kind.one(uow, resource_id)
    write_down(uow, "fhir.read", kind_name, kind, [found])
    return answers.resource(kind.told(uow, found, answers.here()))


@blueprint.get("/<kind_name>")
def search(kind_name: str) -> Response:
    """A page of what the address asks for, or the page that a cursor leads to."""
    kind = _readable(kind_name)
    uow = edge.current_uow()
    cursor = request.args.get("_cursor")
    if cursor is None:
        return _found(uow, kind_name, kind, _asked(kind, request.args, MultiDict()))
    return _found(uow, kind_name, kind, searching.read_cursor(uow.keys, _cursors_place(uow, kind_name), cursor))


@blueprint.post("/<kind_name>/_search")
def search_by_form(kind_name: str) -> Response:
    """A page of what the form asks for: the only way to search by identifiers of people."""
    kind = _readable(kind_name)
    edge.limit("fhir.search", edge.actor().ref, at_most=MOST_SEARCHES_A_MINUTE, window_seconds=60)
    return _found(edge.current_uow(), kind_name, kind, _asked(kind, request.args, request.form))


def write_down(uow: Uow, deed: str, kind_name: str, kind: Kind, found: list[Any]) -> None:
    """Whose record was told to the client, and how much of it, is in the audit trail: a row for each person."""
    if kind.patient_of is None:
        return
    for public_id, count in Counter(kind.patient_of(each) for each in found).items():
        audit.record(uow, deed, "patient", public_id, resource=kind_name, count=count)


def _readable(kind_name: str) -> Kind:
    if kind_name not in KINDS:
        raise NotFound
    if not edge.actor().roles & {READ_ALL, f"system/{kind_name}.read"}:
        raise NotAllowed(needs=f"system/{kind_name}.read")
    accepted = request.accept_mimetypes
    if accepted and not accepted.best_match([answers.CONTENT_TYPE, "application/json"]):
        raise NotAcceptable
    return KINDS[kind_name]


def _asked(kind: Kind, query: MultiDict[str, str], form: MultiDict[str, str]) -> Asked:
    asked = searching.read(query, form, frozenset(kind.params))
    if kind.needs and not kind.needs & set(asked.params):
        raise BadInput(fields=dict.fromkeys(sorted(kind.needs), "required"))
    return asked


def _found(uow: Uow, kind_name: str, kind: Kind, asked: Asked) -> Response:
    try:
        found = kind.some(uow, asked, Page(asked.after, asked.count + 1))
    except NotFound:  # a reference to nobody finds nothing
        found = []
    shown, is_more = found[: asked.count], len(found) > asked.count
    write_down(uow, "fhir.search", kind_name, kind, shown)
    cursor = ""
    if is_more:
        place = _cursors_place(uow, kind_name)
        cursor = searching.write_cursor(uow.keys, place, asked, kind.key_of(shown[-1]))
    told: list[Json] = [kind.told(uow, each, answers.here()) for each in shown]
    return answers.bundle(told, asked.for_address(), kind_name, cursor)


def _cursors_place(uow: Uow, kind_name: str) -> str:
    return f"{kind_name}:{uow.actor.ref}"
