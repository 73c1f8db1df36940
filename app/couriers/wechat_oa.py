"""Talks to the WeChat Official Account (服务号): template messages, web authorization, and the pages' JS-SDK."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from app.couriers.http import call_json
from app.couriers.wechat_signatures import js_signature
from app.kernel.ids import new_public_id
from app.kernel.uow import Actor, Units
from app.notifications import tokens
from app.notifications.errors import CourierAway, CourierRefused
from app.notifications.ports import Letter, Numbered, Sent
from config import OfficialAccountSettings

TOKEN, TICKET = "wechat_oa.token", "wechat_oa.jsapi_ticket"
WAIT_FOR_RENEWAL_SECONDS = 0.1
WAITS_AT_MOST = 60
KEYWORD_CHARS = 20
DEAD_TOKEN = frozenset({40001, 40014, 42001})
# WeChat's global return codes (全局返回码): our word, and whether another try cannot help.
_REFUSALS: Mapping[int, tuple[str, bool]] = {
    40001: ("bad_credentials", False),
    40003: ("unknown_recipient", True),
    40013: ("bad_credentials", False),
    40037: ("unknown_template", True),
    40125: ("bad_credentials", False),
    43004: ("blocked", True),
    43101: ("blocked", True),
    45009: ("rate_limited", False),
    45011: ("rate_limited", False),
    47001: ("bad_message", True),
    47003: ("wrong_keywords", True),
}
_ACTOR = Actor("provider", "wechat_oa")


class NotAuthorized(CourierRefused):
    """The code a browser came back with is not good: used, too old, invented, or of a virtual account."""


class OfficialAccount:
    """Fits notifications' MessageCourier and identity's WebAuthorization; one access token for all processes."""

    def __init__(self, settings: OfficialAccountSettings, units: Units) -> None:
        """`settings` say where the account answers and who we are; `units` keep its tokens."""
        self._settings = settings
        self._units = units

    def send(self, letter: Letter) -> Sent:
        """WeChat has taken the template message; whether it arrives is pushed later (TEMPLATESENDJOBFINISH).

        Raises CourierAway or CourierRefused; a letter whose template has no number here is refused without asking.
        A token that died meanwhile is renewed once.
        """
        if letter.numbered is None:
            raise CourierRefused("no_template", is_final=True)
        body = {
            "touser": letter.to,
            "template_id": letter.numbered.number,
            "url": letter.url,
            "client_msg_id": letter.client_ref,
            "data": _data(letter.numbered, letter.fields),
        }
        said = self._with_token("POST", "/cgi-bin/message/template/send", json=body)
        return Sent(str(said["msgid"]))

    def authorize_url(self, *, redirect_uri: str, state: str) -> str:
        """Where to send the browser so that it comes back to `redirect_uri` with a one-time code and `state`."""
        asked = {
            "appid": self._settings.appid,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": "snsapi_base",
            "state": state,
        }
        return f"{self._settings.open_url}/connect/oauth2/authorize?{urlencode(asked)}#wechat_redirect"

    def openid_of(self, code: str) -> str:
        """The openid behind a one-time `code`; raises NotAuthorized when it is not good, CourierAway.

        A virtual account (快照页) is refused, since no patient may be bound to it.
        """
        asked = {
            "appid": self._settings.appid,
            "secret": self._settings.secret,
            "code": code[:200],
            "grant_type": "authorization_code",
        }
        said = self._call("GET", "/sns/oauth2/access_token", params=asked)
        if "openid" not in said or said.get("is_snapshotuser") == 1:
            raise NotAuthorized("bad_code", is_final=True)
        return str(said["openid"])[:64]

    def js_config(self, url: str) -> dict[str, str | int]:
        """What the page at `url` needs to call WeChat's own functions: appId, timestamp, nonceStr, signature."""
        ticket = self._token(TICKET, self._fetch_ticket)
        nonce, timestamp = new_public_id(), int(self._units.clock.wall_now().timestamp())
        signature = js_signature(ticket=ticket, nonce=nonce, timestamp=timestamp, url=url)
        return {"appId": self._settings.appid, "timestamp": timestamp, "nonceStr": nonce, "signature": signature}

    def _with_token(self, method: str, path: str, *, json: dict[str, Any] | None = None) -> dict[str, Any]:
        for is_last in (False, True):
            token = self._token(TOKEN, self._fetch_token)
            said = self._call(method, path, params={"access_token": token}, json=json)
            errcode = int(said.get("errcode", 0))
            if errcode in DEAD_TOKEN and not is_last:
                with self._units.open(_ACTOR) as uow:
                    tokens.forget_token(uow, TOKEN, token)
                continue
            _raise_for(errcode)
            return said
        raise AssertionError("the second turn returns or raises")

    def _token(self, name: str, fetch: Callable[[], tuple[str, int]]) -> str:
        """The shared token, fetched by one process when it is near its end; the others wait for it."""
        for _ in range(WAITS_AT_MOST):
            with self._units.open(_ACTOR, reads_only=True) as uow:
                kept = tokens.token_of(uow, name)
            if kept is not None and kept.seconds_left > tokens.RENEW_BEFORE_SECONDS:
                return kept.text
            with self._units.open(_ACTOR) as uow:
                is_ours = tokens.may_renew(uow, name)
            if is_ours:
                return self._renew(name, fetch)
            if kept is not None:
                return kept.text
            time.sleep(WAIT_FOR_RENEWAL_SECONDS)
        raise CourierAway(error="no_token")

    def _renew(self, name: str, fetch: Callable[[], tuple[str, int]]) -> str:
        text, lives_seconds = fetch()
        with self._units.open(_ACTOR) as uow:
            tokens.keep_token(uow, name, text, lives_seconds)
        return text

    def _fetch_token(self) -> tuple[str, int]:
        asked = {"grant_type": "client_credential", "appid": self._settings.appid, "secret": self._settings.secret}
        said = self._call("POST", "/cgi-bin/stable_token", json=asked)
        _raise_for(int(said.get("errcode", 0)))
        return str(said["access_token"]), int(said["expires_in"])

    def _fetch_ticket(self) -> tuple[str, int]:
        said = self._with_token("GET", "/cgi-bin/ticket/getticket?type=jsapi")
        return str(said["ticket"]), int(said["expires_in"])

    def _call(
        self,
        method: str,
        path: str,
        *,
        json: dict[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        if not self._settings.base_url:
            raise CourierAway(error="not_set_up")
        url, seconds = self._settings.base_url + path, self._settings.timeout_seconds
        _, said = call_json(method, url, timeout_seconds=seconds, json=json, params=params)
        if said.get("errcode") == -1:
            raise CourierAway(errcode=-1)
        return said


def _data(numbered: Numbered, fields: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """What stands under each of the account's keywords; it takes no empty words, and the shortest kind ends at 20."""
    told = {keyword: fields[name] for name, keyword in numbered.keywords.items() if keyword and name in fields}
    return {keyword: {"value": words[:KEYWORD_CHARS] or "-"} for keyword, words in {**told, **numbered.fixed}.items()}


def _raise_for(errcode: int) -> None:
    if errcode:
        reason, is_final = _REFUSALS.get(errcode, ("system", False))
        raise CourierRefused(reason, is_final=is_final)
