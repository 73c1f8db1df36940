"""A program that signs gets its token without a secret, once for each statement; the operator keeps its keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.identity import clients
from app.identity.assertions import read_keys
from app.identity.models import ApiClient
from app.web.fhir import tokens
from tests.unit.identity.test_assertions import EC_KEY, ES384, RS384, RSA_KEY, STRANGER, jwks, signed
from tests.web.fhir_fixtures import program
from tests.web.test_fhir_booking import typed
from tests.web.test_fhir_reading import HERE
from tests.web.work_fixtures import House, house

__all__ = ["house"]


@pytest.fixture
def client_id(house: House) -> str:
    """A program that signs with one of two keys."""
    with house.units.open() as uow:
        client, secret = clients.file_client(
            uow, name="研究库", scopes=[clients.READ_ALL], public_keys=read_keys(jwks())
        )
    assert secret == ""
    return client.public_id


def said(house: House, client_id: str, **other: object) -> dict[str, Any]:
    at = int(house.units.clock.wall_now().timestamp())
    return {"iss": client_id, "sub": client_id, "aud": f"{HERE}/token", "exp": at + 240, "jti": "j1"} | other


def ask(house: House, statement: str, **other: str) -> TestResponse:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": tokens.STATEMENT,
        "client_assertion": statement,
        "scope": "system/*.read",
    }
    return house.app.test_client().post("/fhir/token", data=form | other)


def test_who_signs_gets_a_token_that_opens(house: House, client_id: str) -> None:
    by_ec = ask(house, signed(ES384, said(house, client_id), EC_KEY))
    by_rsa = ask(house, signed(RS384, said(house, client_id, jti="j2"), RSA_KEY))

    assert (by_ec.status_code, by_rsa.status_code) == (200, 200)
    assert by_ec.json["scope"] == "system/*.read"
    shown = {"Authorization": f"Bearer {by_ec.json['access_token']}"}
    assert house.app.test_client().get("/fhir/Slot", headers=shown).status_code == 200
    assert house.audited("client.token") == 2


def test_a_statement_opens_once(house: House, client_id: str) -> None:
    statement = signed(ES384, said(house, client_id), EC_KEY)
    same_number = signed(RS384, said(house, client_id), RSA_KEY)

    answers = [ask(house, each) for each in (statement, statement, same_number)]

    assert [answer.status_code for answer in answers] == [200, 401, 401]
    assert answers[1].json == {"error": "invalid_client"}


def test_nobody_else_gets_one(house: House, client_id: str) -> None:
    with_secret = program(house)
    tries = [
        ask(house, signed(ES384, said(house, client_id), STRANGER)),
        ask(house, signed(ES384, said(house, "nobody"), EC_KEY)),
        ask(house, signed(ES384, said(house, "\ud800"), EC_KEY)),
        ask(house, signed(ES384, said(house, client_id, jti="\ud800"), EC_KEY)),
        ask(house, signed(ES384, said(house, with_secret.client_id), EC_KEY)),
        ask(house, signed(ES384, said(house, client_id, aud="https://elsewhere.example"), EC_KEY)),
        ask(house, "", client_id=client_id, client_secret=""),
        ask(house, "", client_id=client_id, client_secret="", client_assertion_type=""),
        ask(house, signed(ES384, said(house, client_id, jti="j3"), EC_KEY), client_assertion_type="other"),
    ]

    assert [(answer.status_code, answer.json) for answer in tries] == [(401, {"error": "invalid_client"})] * 9
    assert ask(house, signed(ES384, said(house, client_id), EC_KEY)).status_code == 200


def test_the_operator_files_a_program_by_its_keys_and_changes_them(house: House, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": jwks()["keys"][:1]}), encoding="utf-8")
    flawed = tmp_path / "flawed.json"
    flawed.write_text("{}", encoding="utf-8")
    with_secret = program(house)

    with house.app.app_context():
        made = typed(house, "fhir", "client", "add", "研究库", "--scope", "system/*.read", "--keys", str(file))
        refused = typed(house, "fhir", "client", "add", "他库", "--scope", "system/*.read", "--keys", str(flawed))
        changed = typed(house, "fhir", "client", "keys", with_secret.client_id, str(file))
        unknown = typed(house, "fhir", "client", "keys", "nobody", str(file))
        listed = typed(house, "fhir", "client", "list")

    assert [each.exit_code for each in (made, refused, changed, unknown)] == [0, 1, 0, 1]
    assert "client_secret" not in made.output
    assert "1 to 10 keys" in refused.output
    assert "signs with r" in changed.output
    assert listed.output.count(" signs ") == 2
    with house.units.open(reads_only=True) as uow:
        assert set(uow.session.scalars(select(ApiClient.secret_hash))) == {""}
    assert with_secret.ask_token().json == {"error": "invalid_client"}
    statement = signed(RS384, said(house, with_secret.client_id), RSA_KEY)
    assert ask(house, statement).status_code == 200
