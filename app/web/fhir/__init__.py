"""FHIR R4 for the programs of other systems: they show a token, read records, and book places."""

from __future__ import annotations

from flask import g, request
from flask.blueprints import BlueprintSetupState

from app.identity import clients
from app.identity.errors import TokenRefused
from app.runtime import runtime
from app.web import edge
from app.web.fhir import answers

OPEN_TO_ALL = {"fhir.metadata", "fhir.smart_configuration", "fhir.token"}


def require_client() -> None:
    """The surface's guard: whoever asks shows a token that is in force; requests are counted by client."""
    if request.endpoint in OPEN_TO_ALL:
        return
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    with runtime().units.open(reads_only=True) as uow:
        client = clients.who_shows(uow, token.strip()) if scheme.lower() == "bearer" else None
    if client is None:
        edge.limit("fhir.stranger", edge.address(), at_most=120, window_seconds=60)
        raise TokenRefused
    g.actor = client
    edge.limit("fhir", client.ref, at_most=1200, window_seconds=60)


blueprint = edge.surface("fhir", prefix="/fhir", guard=require_client)
edge.say_no_under("/fhir/", answers.outcome)


@blueprint.record_once
def _ask_for_no_form_token(state: BlueprintSetupState) -> None:
    state.app.extensions["csrf"].exempt(blueprint)


from app.web.fhir import booking, capability, reading, tokens  # noqa: E402

__all__ = ["blueprint", "booking", "capability", "reading", "tokens"]
