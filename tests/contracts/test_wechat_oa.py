"""Our courier and the Official Account understand each other, also when tokens die and people have left."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from sqlalchemy import select

from app.couriers.wechat_oa import TICKET, TOKEN, NotAuthorized, OfficialAccount
from app.couriers.wechat_signatures import js_signature
from app.kernel.ids import new_public_id
from app.kernel.uow import Units
from app.notifications import tokens
from app.notifications.errors import REASONS, CourierAway, CourierRefused
from app.notifications.models import ProviderToken
from app.notifications.ports import Letter, Numbered
from config import OfficialAccountSettings
from tests.conftest import SetClock
from tests.sandbox.fixtures import RunningSandbox, free_port


@pytest.fixture
def account(units: Units, sandbox: RunningSandbox, clock: SetClock) -> OfficialAccount:
    clock.at(datetime.now(UTC))
    return OfficialAccount(settings_for(sandbox), units)


def settings_for(sandbox: RunningSandbox) -> OfficialAccountSettings:
    env = sandbox.env
    return OfficialAccountSettings(
        base_url=env["WXOA_BASE_URL"],
        open_url=env["WXOA_OPEN_URL"],
        appid=env["WXOA_APPID"],
        secret=env["WXOA_SECRET"],
        token=env["WXOA_TOKEN"],
    )


def new_openid(sandbox: RunningSandbox) -> str:
    answer = requests.post(f"{sandbox.http_url}/sandbox/wxoa/people", json={"nickname": "测试"}, timeout=30)
    return str(answer.json()["openid"])


def change(sandbox: RunningSandbox, openid: str, **changes: int) -> None:
    answer = requests.post(f"{sandbox.http_url}/sandbox/wxoa/people/{openid}", json=changes, timeout=30)
    assert answer.status_code == 200


def received(sandbox: RunningSandbox, openid: str) -> list[dict[str, object]]:
    url = f"{sandbox.http_url}/sandbox/wxoa/messages?{urllib.parse.urlencode({'openid': openid})}"
    with urllib.request.urlopen(url, timeout=30) as answer:
        found: list[dict[str, object]] = json.load(answer)
        return found


def letter(openid: str, ref: str = "") -> Letter:
    return Letter(
        client_ref=ref or new_public_id(),
        to=openid,
        template="called",
        title="请就诊",
        body="A012，请现在到3-05。",
        fields={"number": "A012", "room": "3-05"},
        url="https://hospital.example/visits/abc",
        numbered=Numbered("Demo-called", {"number": "character_string1", "room": "thing4"}, {"thing8": "仁和医院"}),
    )


def test_a_letter_arrives_once_however_often_it_is_handed_over(
    account: OfficialAccount, sandbox: RunningSandbox
) -> None:
    openid = new_openid(sandbox)
    sent = letter(openid)

    first, again = account.send(sent), account.send(sent)

    assert first == again
    found = received(sandbox, openid)
    assert [(message["template_id"], message["url"]) for message in found] == [("Demo-called", sent.url)]
    said = {"character_string1": "A012", "thing4": "3-05", "thing8": "仁和医院"}
    assert found[0]["data"] == {keyword: {"value": words} for keyword, words in said.items()}


@pytest.mark.parametrize(
    ("numbered", "reason"),
    [
        (None, "no_template"),
        (Numbered("of-another-hospital", {"number": "character_string1", "room": "thing4"}, {}), "unknown_template"),
        (Numbered("Demo-called", {"number": "character_string1", "room": "thing5"}, {}), "wrong_keywords"),
        (Numbered("Demo-called", {"number": "character_string1", "room": ""}, {}), "wrong_keywords"),
    ],
)
def test_what_is_entered_wrongly_is_a_final_refusal_that_says_what(
    account: OfficialAccount, sandbox: RunningSandbox, numbered: Numbered | None, reason: str
) -> None:
    openid = new_openid(sandbox)

    with pytest.raises(CourierRefused) as refused:
        account.send(replace(letter(openid), numbered=numbered))

    assert (refused.value.reason, refused.value.is_final) == (reason, True)
    assert refused.value.reason in REASONS
    assert received(sandbox, openid) == []


@pytest.mark.parametrize(("changes", "reason"), [({"subscribed": 0}, "blocked"), (None, "unknown_recipient")])
def test_who_cannot_be_reached_is_a_final_refusal(
    account: OfficialAccount, sandbox: RunningSandbox, changes: dict[str, int] | None, reason: str
) -> None:
    openid = new_openid(sandbox) if changes else "oNobody"
    if changes:
        change(sandbox, openid, **changes)

    with pytest.raises(CourierRefused) as refused:
        account.send(letter(openid))

    assert (refused.value.reason, refused.value.is_final) == (reason, True)


def test_forty_senders_fetch_one_token(account: OfficialAccount, sandbox: RunningSandbox, units: Units) -> None:
    openid = new_openid(sandbox)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: account.send(letter(openid)), range(40)))

    assert len(received(sandbox, openid)) == 40
    with units.open() as uow:
        assert uow.session.scalars(select(ProviderToken.fetched).where(ProviderToken.name == TOKEN)).all() == [1]
        kept = uow.session.scalars(select(ProviderToken)).one()
        assert kept.token_sealed.startswith("enc:v1:")


def test_a_token_that_died_is_renewed_and_the_letter_goes(
    account: OfficialAccount, sandbox: RunningSandbox, units: Units
) -> None:
    openid = new_openid(sandbox)
    account.send(letter(openid))
    with units.open() as uow:
        tokens.keep_token(uow, TOKEN, "a-token-nobody-gave", 7200)

    account.send(letter(openid))

    assert len(received(sandbox, openid)) == 2


def test_a_token_that_cannot_be_read_is_fetched_anew(
    account: OfficialAccount, sandbox: RunningSandbox, units: Units
) -> None:
    """As after a restored backup, or a data key that was taken out."""
    account.send(letter(new_openid(sandbox)))
    with units.open() as uow:
        row = uow.session.scalars(select(ProviderToken).where(ProviderToken.name == TOKEN)).one()
        row.token_sealed = uow.keys.seal("a-token", "some.other.place")

    account.send(letter(new_openid(sandbox)))

    with units.open() as uow:
        assert uow.session.scalars(select(ProviderToken.fetched).where(ProviderToken.name == TOKEN)).one() == 2


def test_a_token_near_its_end_is_used_while_another_process_renews_it(
    account: OfficialAccount, sandbox: RunningSandbox, units: Units, clock: SetClock
) -> None:
    openid = new_openid(sandbox)
    account.send(letter(openid))
    clock.step(seconds=7200 - 200)
    with units.open() as uow:
        assert tokens.may_renew(uow, TOKEN)
        assert not tokens.may_renew(uow, TOKEN)

    account.send(letter(openid))

    assert len(received(sandbox, openid)) == 2


def test_the_quota_is_no_end(account: OfficialAccount, sandbox: RunningSandbox) -> None:
    openid = new_openid(sandbox)
    order = {"mode": "quota", "scope": "next"}
    assert requests.post(f"{sandbox.http_url}/sandbox/wxoa/switch", json=order, timeout=30).status_code == 200

    with pytest.raises(CourierRefused) as refused:
        account.send(letter(openid))

    assert (refused.value.reason, refused.value.is_final) == ("rate_limited", False)
    account.send(letter(openid))


def test_an_account_that_does_not_answer_is_away(units: Units, clock: SetClock) -> None:
    clock.at(datetime.now(UTC))
    nobody = OfficialAccountSettings(base_url=f"http://127.0.0.1:{free_port()}", appid="a", secret="s")

    for settings in (nobody, OfficialAccountSettings()):
        with pytest.raises(CourierAway) as away:
            OfficialAccount(settings, units)._fetch_token()
        assert "secret" not in str(away.value)


def test_a_browser_comes_back_with_a_code_that_is_good_once(account: OfficialAccount, sandbox: RunningSandbox) -> None:
    openid = new_openid(sandbox)
    url = account.authorize_url(redirect_uri="http://127.0.0.1:9/login/wechat?next=%2Fvisits", state="s1")
    page, _, fragment = url.partition("#")
    assert fragment == "wechat_redirect"
    assert requests.get(page, timeout=30).status_code == 200
    asked = {name: values[0] for name, values in parse_qs(urlsplit(page).query).items()}

    back = requests.post(
        f"{sandbox.http_url}/connect/oauth2/authorize",
        data=asked | {"openid": openid},
        allow_redirects=False,
        timeout=30,
    ).headers["Location"]
    came_with = parse_qs(urlsplit(back).query)

    assert (came_with["state"], came_with["next"]) == (["s1"], ["/visits"])
    assert account.openid_of(came_with["code"][0]) == openid
    for code in (came_with["code"][0], "invented", ""):
        with pytest.raises(NotAuthorized):
            account.openid_of(code)


def test_a_page_may_call_wechats_functions(account: OfficialAccount, units: Units) -> None:
    url = "https://hospital.example/visits/abc"

    config = account.js_config(url + "#top")

    with units.open() as uow:
        ticket = tokens.token_of(uow, TICKET)
    assert ticket is not None
    assert config["signature"] == js_signature(
        ticket=ticket.text, nonce=str(config["nonceStr"]), timestamp=int(config["timestamp"]), url=url
    )
