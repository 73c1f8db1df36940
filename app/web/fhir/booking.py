"""Booking a place: an Appointment is created, once for each number that the client gives it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Response, request
from werkzeug.exceptions import UnsupportedMediaType

from app.identity.clients import BOOK
from app.identity.exchange import PatientRecord, patient_named
from app.kernel.errors import BadInput, NotAllowed, NotFound
from app.kernel.uow import Uow
from app.registration import by_client, listing
from app.scheduling import exchange as scheduling
from app.web import edge
from app.web.fhir import answers, blueprint
from app.web.fhir.kinds import KINDS, by_number
from app.web.fhir.reading import write_down

TYPES = {answers.CONTENT_TYPE, "application/json"}
ASKED_FOR = ("proposed", "pending", "booked", "")
_REFERENCE = re.compile(r"(?:.*/)?(Slot|Patient)/([0-9a-z-]{26,31})", re.ASCII)
_CONDITION = re.compile(r"\??identifier=([^&]+)")


@dataclass(frozen=True)
class Wanted:
    """The place, whose it is to be, and the client's own number for it ('' without one)."""

    slot_id: str
    patient_id: str
    number: str


@blueprint.post("/Appointment")
def book() -> Response:
    """The place is the patient's: `pending` until the fee is paid, `booked` without one.

    201 for a new appointment; 200 with the one that stands for a number of the client's that was used before.
    """
    if BOOK not in edge.actor().roles:
        raise NotAllowed(needs=BOOK)
    if request.mimetype not in TYPES:
        raise UnsupportedMediaType
    wanted = read_appointment(request.get_json(force=True), request.headers.get("If-None-Exist", ""))
    edge.limit("fhir.book", edge.actor().ref, at_most=300, window_seconds=60)
    uow = edge.current_uow()
    place, record = _named(uow, wanted)
    booking = by_client.book(uow, place=place, patient=record.patient, number=wanted.number)
    uow.settle()
    found = listing.listed_named(uow, booking.registration.public_id)
    kind = KINDS["Appointment"]
    write_down(uow, "fhir.book" if booking.is_new else "fhir.read", "Appointment", kind, [found])
    response = answers.resource(kind.told(uow, found, answers.here()), 201 if booking.is_new else 200)
    response.headers["Location"] = f"{answers.here().base}/Appointment/{found.registration.public_id}"
    return response


def _named(uow: Uow, wanted: Wanted) -> tuple[scheduling.Place, PatientRecord]:
    try:
        place = scheduling.place_numbered(uow, *by_number(wanted.slot_id))
    except NotFound as error:
        raise BadInput(fields={"slot": "not_found"}) from error
    try:
        record = patient_named(uow, wanted.patient_id)
    except NotFound as error:
        raise BadInput(fields={"participant": "not_found"}) from error
    if record.merged_into:
        raise BadInput(fields={"participant": "merged"})
    return place, record


def read_appointment(sent: Any, condition: str) -> Wanted:  # noqa: ANN401 - whatever JSON was sent
    """The one slot, the one patient and the number that the resource and If-None-Exist name; refuses `bad_input`."""
    if not isinstance(sent, dict) or sent.get("resourceType") != "Appointment":
        raise BadInput(fields={"resourceType": "not_an_appointment"})
    if sent.get("status", "") not in ASKED_FOR:
        raise BadInput(fields={"status": "cannot_be_created"})
    slots = [found for slot in _dicts(sent, "slot") if (found := _referred(slot, "Slot"))]
    actors = [found for each in _dicts(sent, "participant") if (found := _referred(each.get("actor"), "Patient"))]
    for name, named in (("slot", slots), ("participant", actors)):
        if len(named) != 1:
            raise BadInput(fields={name: "one_needed"})
    return Wanted(slots[0], actors[0], _number(sent, condition))


def _dicts(sent: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    values = sent.get(name)
    return (value for value in (values if isinstance(values, list) else []) if isinstance(value, dict))


def _referred(value: object, kind: str) -> str:
    reference = value.get("reference") if isinstance(value, dict) else None
    read = _REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
    return read[2] if read is not None and read[1] == kind else ""


def _number(sent: dict[str, Any], condition: str) -> str:
    """`system|value` of If-None-Exist, else of the resource's first identifier; '' without either."""
    if condition:
        read = _CONDITION.fullmatch(condition)
        if read is None:
            raise BadInput(fields={"If-None-Exist": "only_by_identifier"})
        return _clean("If-None-Exist", read[1])
    for identifier in _dicts(sent, "identifier"):
        return _clean("identifier", f"{identifier.get('system', '')}|{identifier.get('value', '')}")
    return ""


def _clean(name: str, number: str) -> str:
    if not number.isprintable() or number.endswith("|") or number.startswith("|"):
        raise BadInput(fields={name: "needs_system_and_value"})
    return number
