"""Tokens for programs: client credentials (RFC 6749, 4.4), by a secret or, as SMART's backend services do, by a key."""

from __future__ import annotations

from flask import Response, jsonify, request

from app.identity import assertions, clients
from app.identity.clients import Granted
from app.kernel.uow import Uow
from app.web import edge
from app.web.fhir import answers, blueprint

SENT_IN_BODY, SENT_AS_BASIC, SIGNED = "client_secret_post", "client_secret_basic", "private_key_jwt"
STATEMENT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523, 2.2


@blueprint.post("/token")
def token() -> Response:
    """A token for whoever knows a client's secret, or signs as it; the refusals are those of RFC 6749, 5.2."""
    if request.args or request.form.get("grant_type", "") != "client_credentials":
        return _refused(400, "invalid_request" if request.args else "unsupported_grant_type")
    edge.limit("fhir.token", edge.address(), at_most=120, window_seconds=60)
    client_id, secret = _credentials()
    edge.limit("fhir.token.client", client_id, at_most=30, window_seconds=60)
    with edge.fresh_unit() as uow:
        granted = _grant(uow, client_id, secret)
    if granted is None:
        return _refused(401, "invalid_client")
    if not granted.scopes:
        return _refused(400, "invalid_scope")
    return jsonify(
        access_token=granted.token,
        token_type="bearer",  # noqa: S106 - the kind of token
        expires_in=granted.seconds,
        scope=" ".join(granted.scopes),
    )


def audience() -> str:
    """For whom a client's statement must be meant: the address at which tokens are asked for."""
    return f"{answers.here().base}/token"


def _grant(uow: Uow, client_id: str, secret: str) -> Granted | None:
    asked = request.form.get("scope", "").split()
    if request.form.get("client_assertion_type", "") == STATEMENT:
        text = request.form.get("client_assertion", "")
        return clients.grant_by_statement(uow, text=text, audience=audience(), asked=asked)
    return clients.grant(uow, public_id=client_id, secret=secret, asked=asked)


def _credentials() -> tuple[str, str]:
    """Who asks and their secret, from the Authorization header or else from the form; no secret of who signs."""
    said = assertions.read_statement(request.form.get("client_assertion", ""))
    if said is not None:
        return said.client_id, ""
    sent = request.authorization
    if sent is not None and sent.type == "basic":
        return sent.username or "", sent.password or ""
    return request.form.get("client_id", ""), request.form.get("client_secret", "")


def _refused(status: int, error: str) -> Response:
    response = jsonify(error=error)
    response.status_code = status
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="fhir"'
    return response
