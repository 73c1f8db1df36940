"""The Official Account: tokens that live and die, codes good once, messages whose fate is told."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from xml.etree import ElementTree as ET

import pytest

from tests.sandbox.conftest import Answer, Hospital, call
from tests.sandbox.fixtures import RunningSandbox

PERSON = "oSandboxDemoUser000000000001"
SAID = {"thing1": {"value": "有一份新报告可以查看"}}
FORM = "application/x-www-form-urlencoded"


def stable_token(sandbox: RunningSandbox, **more: object) -> dict[str, Any]:
    account = {"appid": sandbox.env["WXOA_APPID"], "secret": sandbox.env["WXOA_SECRET"]}
    form = {"grant_type": "client_credential", **account, **more}
    return dict(call(sandbox, "POST", "/cgi-bin/stable_token", form).json)


def send(sandbox: RunningSandbox, token: str, **more: object) -> dict[str, Any]:
    form = {"touser": PERSON, "template_id": "Demo-reported", "url": "", "data": SAID, **more}
    return dict(call(sandbox, "POST", f"/cgi-bin/message/template/send?access_token={token}", form).json)


def authorize(sandbox: RunningSandbox, method: str, **changes: str) -> Answer:
    given = {"appid": sandbox.env["WXOA_APPID"], "redirect_uri": "http://127.0.0.1:8000/login/wechat?next=%2F"}
    given |= {"response_type": "code", "scope": "snsapi_base", "state": "s1", **changes}
    if method == "GET":
        return call(sandbox, "GET", f"/connect/oauth2/authorize?{urlencode(given)}")
    return call(sandbox, "POST", "/connect/oauth2/authorize", urlencode(given).encode(), Content_Type=FORM)


def openid_of(sandbox: RunningSandbox, code: str) -> dict[str, Any]:
    account = {"appid": sandbox.env["WXOA_APPID"], "secret": sandbox.env["WXOA_SECRET"]}
    query = urlencode({**account, "code": code, "grant_type": "authorization_code"})
    return dict(call(sandbox, "GET", f"/sns/oauth2/access_token?{query}").json)


def test_asking_again_for_the_stable_token_does_not_kill_it(sandbox: RunningSandbox) -> None:
    first, second = stable_token(sandbox), stable_token(sandbox)

    ticket = call(sandbox, "GET", f"/cgi-bin/ticket/getticket?access_token={first['access_token']}&type=jsapi")

    assert first["access_token"] == second["access_token"]
    assert ticket.json["errcode"] == 0


def test_a_new_plain_token_kills_the_one_before(sandbox: RunningSandbox) -> None:
    env = sandbox.env
    path = f"/cgi-bin/token?grant_type=client_credential&appid={env['WXOA_APPID']}&secret={env['WXOA_SECRET']}"
    old = call(sandbox, "GET", path).json["access_token"]
    new = call(sandbox, "GET", path).json["access_token"]

    answers = [send(sandbox, token)["errcode"] for token in (old, new, "never-issued")]

    assert answers == [40001, 0, 40001]


def test_a_forced_token_replaces_the_stable_one_and_not_twice_at_once(sandbox: RunningSandbox) -> None:
    old = stable_token(sandbox)["access_token"]
    forced = stable_token(sandbox, force_refresh=True)["access_token"]

    again = stable_token(sandbox, force_refresh=True)

    assert again["errcode"] == 45009
    assert [send(sandbox, token)["errcode"] for token in (old, forced)] == [40001, 0]


def test_a_wrong_secret_gets_no_token(sandbox: RunningSandbox) -> None:
    assert stable_token(sandbox, secret="guess")["errcode"] == 40125
    assert stable_token(sandbox, appid="wx0")["errcode"] == 40013


def test_the_code_of_an_authorization_is_good_once(sandbox: RunningSandbox) -> None:
    page = authorize(sandbox, "GET")
    answer = authorize(sandbox, "POST", openid=PERSON)
    back = parse_qs(urlsplit(answer.headers["Location"]).query)

    first, second = openid_of(sandbox, back["code"][0]), openid_of(sandbox, back["code"][0])

    assert "阿丽" in page.body.decode()
    assert (answer.status, back["state"], back["next"]) == (302, ["s1"], ["/"])
    assert first["openid"] == PERSON
    assert second["errcode"] == 40163
    assert openid_of(sandbox, "guess")["errcode"] == 40029


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"redirect_uri": "https://evil.example/"}, "10003"),
        ({"redirect_uri": "/relative"}, "10003"),
        ({"appid": "wx0"}, "40013"),
        ({"scope": "everything"}, "10005"),
    ],
)
def test_an_authorization_page_called_wrongly_is_refused(
    sandbox: RunningSandbox, changes: dict[str, str], code: str
) -> None:
    answer = authorize(sandbox, "GET", **changes)

    assert (answer.status, answer.json["code"]) == (400, code)


def test_the_fate_of_a_message_is_told_in_a_signed_event(sandbox: RunningSandbox, hospital: Hospital) -> None:
    sent = send(sandbox, stable_token(sandbox)["access_token"])

    heard = hospital.wait_for(1)[0]
    parts = urlsplit(heard.path)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    joined = "".join(sorted((sandbox.env["WXOA_TOKEN"], query["timestamp"], query["nonce"])))
    event = ET.fromstring(heard.body)
    assert parts.path == "/callbacks/wechat-oa"
    assert query["signature"] == hashlib.sha1(joined.encode()).hexdigest()
    assert event.findtext("Event") == "TEMPLATESENDJOBFINISH"
    assert (event.findtext("MsgID"), event.findtext("Status")) == (str(sent["msgid"]), "success")


def test_a_person_who_blocks_the_account_gets_nothing_and_the_event_says_so(
    sandbox: RunningSandbox, hospital: Hospital
) -> None:
    person = call(sandbox, "POST", "/sandbox/wxoa/people", {"nickname": "小周"}).json["openid"]
    call(sandbox, "POST", f"/sandbox/wxoa/people/{person}", {"blocked": 1})

    sent = send(sandbox, stable_token(sandbox)["access_token"], touser=person)

    event = ET.fromstring(hospital.wait_for(1)[0].body)
    assert sent["errcode"] == 0
    assert event.findtext("Status") == "failed:user block"


def test_a_message_sent_again_under_its_own_id_is_one_message(sandbox: RunningSandbox) -> None:
    token = stable_token(sandbox)["access_token"]

    first, second = (send(sandbox, token, client_msg_id="visit-1-called") for _ in range(2))

    assert first["msgid"] == second["msgid"]


def test_the_account_can_be_made_to_refuse(sandbox: RunningSandbox) -> None:
    token = stable_token(sandbox)["access_token"]
    call(sandbox, "POST", "/sandbox/wxoa/switch", {"mode": "quota"})

    answers = [send(sandbox, token)["errcode"] for _ in range(2)]

    assert answers == [45009, 0]
    assert send(sandbox, token, touser="oNobody")["errcode"] == 40003


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"template_id": "never-granted"}, 40037),
        ({"template_id": None}, 40037),
        ({"data": "words"}, 47001),
        ({"data": {}}, 47003),
        ({"data": {"thing1": {"value": ""}}}, 47003),
        ({"data": {"thing1": {"value": "长" * 21}}}, 47003),
        ({"template_id": "Demo-cancelled", "data": {"time2": {"value": "11-30 09:00"}}}, 47003),
        ({"template_id": "Demo-cancelled", "data": {"time2": {"value": "2026-11-30 09:00"}}}, 0),
    ],
)
def test_a_message_goes_only_by_a_granted_template_with_its_keywords_filled(
    sandbox: RunningSandbox, changes: dict[str, object], errcode: int
) -> None:
    assert send(sandbox, stable_token(sandbox)["access_token"], **changes)["errcode"] == errcode
