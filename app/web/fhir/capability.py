"""What this FHIR can do, told to whoever asks; it holds nobody's data."""

from __future__ import annotations

from flask import Response, jsonify

from app.identity.assertions import ALGORITHMS
from app.identity.clients import SCOPES
from app.runtime import runtime
from app.web.fhir import answers, blueprint, tokens
from app.web.fhir.kinds import KINDS
from app.web.fhir.resources.parts import Json

WRITTEN_ON = "2026-11-23"
SECURITY = "http://terminology.hl7.org/CodeSystem/restful-security-service"
OAUTH = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


@blueprint.get("/metadata")
def metadata() -> Response:
    """The CapabilityStatement."""
    base = answers.here().base
    made: Json = {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": WRITTEN_ON,
        "kind": "instance",
        "software": {"name": "Menzhen 门诊通"},
        "implementation": {"description": runtime().settings.hospital_name, "url": base},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [
            {
                "mode": "server",
                "security": {
                    "extension": [{"url": OAUTH, "extension": [{"url": "token", "valueUri": f"{base}/token"}]}],
                    "service": [{"coding": [{"system": SECURITY, "code": "SMART-on-FHIR"}]}],
                },
                "resource": [_resource(name) for name in KINDS],
            }
        ],
    }
    return answers.resource(made)


@blueprint.get("/.well-known/smart-configuration")
def smart_configuration() -> Response:
    """Where tokens are asked for, and how (SMART App Launch, backend services)."""
    return jsonify(
        token_endpoint=tokens.audience(),
        grant_types_supported=["client_credentials"],
        token_endpoint_auth_methods_supported=[tokens.SIGNED, tokens.SENT_AS_BASIC, tokens.SENT_IN_BODY],
        token_endpoint_auth_signing_alg_values_supported=list(ALGORITHMS),
        scopes_supported=list(SCOPES),
        capabilities=["client-confidential-asymmetric", "client-confidential-symmetric", "permission-v1"],
    )


def _resource(name: str) -> Json:
    can = ["read", "search-type", *(["create"] if name == "Appointment" else [])]
    made: Json = {
        "type": name,
        "interaction": [{"code": code} for code in can],
        "versioning": "no-version",
        "searchParam": [{"name": param, "type": kind} for param, kind in KINDS[name].params.items()],
    }
    return made | ({"conditionalCreate": True} if name == "Appointment" else {})
