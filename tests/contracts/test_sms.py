"""Our courier and the text provider understand each other: one text per reference, and refusals sorted."""

from __future__ import annotations

from dataclasses import replace

import pytest
import requests

from app.couriers.sms import SmsCourier
from app.kernel.ids import new_public_id
from app.notifications.errors import CourierAway, CourierRefused
from app.notifications.ports import Letter
from config import SmsSettings
from tests.sandbox.fixtures import RunningSandbox, free_port


@pytest.fixture
def settings(sandbox: RunningSandbox) -> SmsSettings:
    return SmsSettings(base_url=sandbox.env["SMS_BASE_URL"], key=sandbox.env["SMS_KEY"])


def letter(phone: str = "+8613800000001") -> Letter:
    return Letter(
        client_ref=new_public_id(),
        to=phone,
        template="called",
        title="请就诊",
        body="A012，请现在到3-05。",
        fields={"number": "A012", "room": "3-05"},
        url="https://hospital.example/visits/abc",
    )


def received(sandbox: RunningSandbox, phone: str) -> list[dict[str, object]]:
    answer = requests.get(f"{sandbox.http_url}/sms/inbox", params={"phone": phone}, timeout=30)
    found: list[dict[str, object]] = answer.json()
    return found


def strike(sandbox: RunningSandbox, mode: str) -> None:
    order = {"mode": mode, "scope": "next"}
    assert requests.post(f"{sandbox.http_url}/sandbox/sms/switch", json=order, timeout=30).status_code == 200


def test_a_text_arrives_once_however_often_it_is_handed_over(settings: SmsSettings, sandbox: RunningSandbox) -> None:
    courier, sent = SmsCourier(settings), letter("+8613800000011")

    first, again = courier.send(sent), courier.send(sent)

    assert first == again
    found = received(sandbox, sent.to)
    assert [message["template"] for message in found] == ["called"]
    assert found[0]["params"] == {"number": "A012", "room": "3-05", "link": sent.url}


def test_a_login_code_arrives(settings: SmsSettings, sandbox: RunningSandbox) -> None:
    SmsCourier(settings).send_code(phone="+8613800000012", code="123456", client_ref=new_public_id())

    assert "123456" in str(received(sandbox, "+8613800000012")[0]["text"])


def test_a_provider_that_is_down_is_asked_again_and_the_text_arrives_once(
    settings: SmsSettings, sandbox: RunningSandbox
) -> None:
    courier, sent = SmsCourier(settings), letter("+8613800000013")
    strike(sandbox, "down")

    with pytest.raises(CourierAway):
        courier.send(sent)
    courier.send(sent)

    assert len(received(sandbox, sent.to)) == 1


def test_refusals_are_sorted_into_those_worth_another_try(settings: SmsSettings, sandbox: RunningSandbox) -> None:
    strike(sandbox, "fail")
    cases = [
        (SmsCourier(settings), letter("+8613800000014"), "blocked", True),
        (SmsCourier(settings), letter("not a phone"), "bad_message", True),
        (SmsCourier(replace(settings, key="wrong")), letter(), "bad_credentials", False),
    ]

    for courier, sent, reason, is_final in cases:
        with pytest.raises(CourierRefused) as refused:
            courier.send(sent)
        assert (refused.value.reason, refused.value.is_final) == (reason, is_final)


def test_nobody_at_the_address_is_away() -> None:
    for settings in (SmsSettings(base_url=f"http://127.0.0.1:{free_port()}", key="k"), SmsSettings()):
        with pytest.raises(CourierAway):
            SmsCourier(settings).send(letter())
