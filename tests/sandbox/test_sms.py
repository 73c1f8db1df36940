"""Text messages: one per reference, readable in the inbox."""

from __future__ import annotations

from typing import Any

from tests.sandbox.conftest import Answer, call
from tests.sandbox.fixtures import RunningSandbox

PHONE = "13800001111"


def send(sandbox: RunningSandbox, client_ref: str, key: str | None = None, **changes: Any) -> Answer:
    form = {"phone": PHONE, "template": "login_code", "params": {"code": "274913"}, "client_ref": client_ref}
    bearer = f"Bearer {sandbox.env['SMS_KEY'] if key is None else key}"
    return call(sandbox, "POST", "/sms/send", form | changes, Authorization=bearer)


def inbox(sandbox: RunningSandbox) -> list[dict[str, Any]]:
    return list(call(sandbox, "GET", f"/sms/inbox?phone={PHONE}").json)


def test_a_text_sent_twice_arrives_once(sandbox: RunningSandbox) -> None:
    first, second = send(sandbox, "ref-1"), send(sandbox, "ref-1")

    mine = [message for message in inbox(sandbox) if message["client_ref"] == "ref-1"]

    assert first.json == second.json
    assert first.json["state"] == "delivered"
    assert [message["params"]["code"] for message in mine] == ["274913"]
    assert "274913" in call(sandbox, "GET", f"/sms?phone={PHONE}").body.decode()


def test_a_reference_names_one_message_only(sandbox: RunningSandbox) -> None:
    send(sandbox, "ref-2")

    answer = send(sandbox, "ref-2", params={"code": "000000"})

    assert (answer.status, answer.json["code"]) == (409, "CLIENT_REF_USED")


def test_a_wrong_key_or_form_sends_nothing(sandbox: RunningSandbox) -> None:
    before = len(inbox(sandbox))

    answers = [
        send(sandbox, "ref-3", key="guess"),
        send(sandbox, "ref-3", key="钥匙".encode().decode("latin-1")),
        send(sandbox, "ref-3", phone="110"),
        send(sandbox, "ref-3", params="code"),
    ]

    assert [answer.status for answer in answers] == [401, 401, 400, 400]
    assert len(inbox(sandbox)) == before


def test_the_provider_can_be_down_or_fail(sandbox: RunningSandbox) -> None:
    call(sandbox, "POST", "/sandbox/sms/switch", {"mode": "down"})
    down, after = send(sandbox, "ref-4"), send(sandbox, "ref-4")
    call(sandbox, "POST", "/sandbox/sms/switch", {"mode": "fail"})
    failed = send(sandbox, "ref-5")

    unknown = call(sandbox, "POST", "/sandbox/sms/switch", {"mode": "explode"})

    assert (down.status, after.json["state"], failed.json["state"]) == (503, "delivered", "failed")
    assert (unknown.status, unknown.json["code"]) == (400, "UNKNOWN_SWITCH")
