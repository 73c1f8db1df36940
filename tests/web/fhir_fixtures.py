"""A program of another system: it asks for a token, reads, and books; whatever it is told is valid FHIR R4."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.identity import clients
from tests.web.work_fixtures import House

# R4's required value sets, which the models do not check: resource, element, codes.
CODES = {
    ("Patient", "gender"): {"male", "female", "other", "unknown"},
    ("Slot", "status"): {"busy", "free", "busy-unavailable", "busy-tentative", "entered-in-error"},
    ("Appointment", "status"): {
        *("proposed", "pending", "booked", "arrived", "fulfilled", "cancelled", "noshow"),
        *("entered-in-error", "checked-in", "waitlist"),
    },
    ("MedicationRequest", "status"): {
        *("active", "on-hold", "cancelled", "completed", "entered-in-error", "stopped", "draft", "unknown"),
    },
    ("MedicationRequest", "intent"): {"proposal", "plan", "order", "original-order", "reflex-order", "filler-order"},
    ("MedicationDispense", "status"): {
        *("preparation", "in-progress", "cancelled", "on-hold", "completed"),
        *("entered-in-error", "stopped", "declined", "unknown"),
    },
    ("DiagnosticReport", "status"): {
        *("registered", "partial", "preliminary", "final", "amended", "corrected", "appended"),
        *("cancelled", "entered-in-error", "unknown"),
    },
    ("Observation", "status"): {
        *("registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown"),
    },
    ("Invoice", "status"): {"draft", "issued", "balanced", "cancelled", "entered-in-error"},
    ("Bundle", "type"): {"searchset"},
}
PARTICIPATION = {"accepted", "declined", "tentative", "needs-action"}
ISSUE_TYPES = {
    *("invalid", "structure", "required", "value", "invariant", "security", "login", "unknown", "expired"),
    *("forbidden", "suppressed", "processing", "not-supported", "duplicate", "multiple-matches", "not-found"),
    *("deleted", "too-long", "code-invalid", "extension", "too-costly", "business-rule", "conflict", "transient"),
    *("lock-error", "no-store", "exception", "timeout", "incomplete", "throttled", "informational"),
}


def checked(made: dict[str, Any]) -> dict[str, Any]:
    """The resource, which the models accept and whose codes are R4's; so is everything in it."""
    kind = made["resourceType"]
    model = getattr(importlib.import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
    model.model_validate(made)
    for (name, element), codes in CODES.items():
        assert name != kind or made.get(element) in codes, (kind, element, made.get(element))
    for participant in made.get("participant", []):
        assert participant["status"] in PARTICIPATION
    for issue in made.get("issue", []):
        assert issue["code"] in ISSUE_TYPES
    for inner in [*made.get("contained", []), *(entry["resource"] for entry in made.get("entry", []))]:
        checked(inner)
    return made


@dataclass
class Program:
    """A client with its token."""

    house: House
    client_id: str
    secret: str
    browser: FlaskClient
    token: str = field(default="")

    def ask_token(self, scope: str = "") -> TestResponse:
        data = {"grant_type": "client_credentials", "scope": scope}
        return self.browser.post("/fhir/token", data=data, auth=(self.client_id, self.secret))

    @property
    def headers(self) -> dict[str, str]:
        if not self.token:
            self.token = self.ask_token().json["access_token"]
        return {"Authorization": f"Bearer {self.token}"}

    def get(self, path: str, status: int = 200, **headers: str) -> dict[str, Any]:
        """What the address under /fhir answers, checked."""
        answer = self.browser.get(f"/fhir{path}", headers=self.headers | headers)
        return self._read(answer, status)

    def post_search(self, kind: str, status: int = 200, **params: str) -> dict[str, Any]:
        answer = self.browser.post(f"/fhir/{kind}/_search", data=params, headers=self.headers)
        return self._read(answer, status)

    def book(self, body: dict[str, Any], status: int = 201, **headers: str) -> dict[str, Any]:
        sent = self.headers | {"Content-Type": "application/fhir+json"} | headers
        answer = self.browser.post("/fhir/Appointment", json=body, headers=sent)
        return self._read(answer, status)

    def found(self, path: str) -> list[dict[str, Any]]:
        """The resources of a search's first page."""
        return [entry["resource"] for entry in self.get(path).get("entry", [])]

    @staticmethod
    def _read(answer: TestResponse, status: int) -> dict[str, Any]:
        assert answer.status_code == status, answer.text
        assert answer.content_type == "application/fhir+json"
        return checked(answer.get_json(force=True))


def program(house: House, *scopes: str, name: str = "门户") -> Program:
    """A program with these scopes, all of them unless some are named."""
    with house.units.open() as uow:
        client, secret = clients.file_client(uow, name=name, scopes=scopes or (clients.READ_ALL, clients.BOOK))
    return Program(house, client.public_id, secret, house.app.test_client())


def code_of(outcome: dict[str, Any]) -> str:
    """Our stable code of a refusal."""
    assert outcome["resourceType"] == "OperationOutcome"
    return str(outcome["issue"][0]["details"]["coding"][0]["code"])
