"""The account's web interface, its authorization page, and the switches for its people."""

from __future__ import annotations

import json
from urllib.parse import urlencode, urlsplit, urlunsplit

from flask import Blueprint, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue

from sandbox.drive import done, orders, wanted
from sandbox.errors import ApiError
from sandbox.world import World
from sandbox.wxoa import messages, oauth, tokens
from sandbox.wxoa.tokens import OaError


def blueprint(world: World) -> Blueprint:
    """All paths of the account."""
    web = Blueprint("wxoa", __name__)
    tokens.answer_oa_errors(web)
    _tokens(web, world)
    _authorization(web, world)
    _messages(web, world)
    _people(web, world)
    return web


def _tokens(web: Blueprint, world: World) -> None:
    @web.post("/cgi-bin/stable_token")
    def stable_token() -> ResponseReturnValue:
        form = request.get_json(silent=True)
        if not isinstance(form, dict) or form.get("grant_type") != "client_credential":
            raise OaError(40002, "invalid grant_type")
        tokens.demand_account(world, form.get("appid"), form.get("secret"))
        issued = tokens.stable_token(world, force=form.get("force_refresh") is True)
        return jsonify(access_token=issued["token"], expires_in=issued["expires_in"])

    @web.get("/cgi-bin/token")
    def plain_token() -> ResponseReturnValue:
        if request.args.get("grant_type") != "client_credential":
            raise OaError(40002, "invalid grant_type")
        tokens.demand_account(world, request.args.get("appid"), request.args.get("secret"))
        issued = tokens.plain_token(world)
        return jsonify(access_token=issued["token"], expires_in=issued["expires_in"])

    @web.get("/cgi-bin/ticket/getticket")
    def ticket() -> ResponseReturnValue:
        tokens.demand_token(world, request.args.get("access_token", ""))
        issued = tokens.ticket(world)
        return jsonify(errcode=0, errmsg="ok", ticket=issued["token"], expires_in=issued["expires_in"])


def _authorization(web: Blueprint, world: World) -> None:
    @web.get("/connect/oauth2/authorize")
    def choose() -> ResponseReturnValue:
        given = request.args
        oauth.demand_request(world, given.get("appid", ""), given.get("redirect_uri", ""), given.get("scope", ""))
        return render_template("authorize.html", people=oauth.people(world), given=given)

    @web.post("/connect/oauth2/authorize")
    def chosen() -> ResponseReturnValue:
        given = request.form
        oauth.demand_request(world, given.get("appid", ""), given.get("redirect_uri", ""), given.get("scope", ""))
        code = oauth.give_code(world, given.get("openid", ""), given["scope"])
        parts = urlsplit(given["redirect_uri"])
        added = urlencode({"code": code, "state": given.get("state", "")})
        query = f"{parts.query}&{added}" if parts.query else added
        return redirect(urlunsplit((parts.scheme, parts.netloc, parts.path, query, parts.fragment)), 302)

    @web.get("/sns/oauth2/access_token")
    def access_token() -> ResponseReturnValue:
        given = request.args
        tokens.demand_account(world, given.get("appid"), given.get("secret"))
        if given.get("grant_type") != "authorization_code":
            raise OaError(40002, "invalid grant_type")
        return jsonify(oauth.exchange(world, given.get("code", "")))


def _messages(web: Blueprint, world: World) -> None:
    @web.post("/cgi-bin/message/template/send")
    def send() -> ResponseReturnValue:
        tokens.demand_token(world, request.args.get("access_token", ""))
        form = request.get_json(silent=True)
        if not isinstance(form, dict):
            raise OaError(47001, "data format error")
        return jsonify(errcode=0, errmsg="ok", msgid=messages.send_template(world, form))

    @web.get("/sandbox/wxoa/messages")
    def sent() -> ResponseReturnValue:
        """What people received, newest first: ?openid= narrows it."""
        rows = world.store.rows(
            "SELECT * FROM wxoa_message WHERE ? IN ('', openid) ORDER BY created_at DESC LIMIT 500",
            request.args.get("openid", ""),
        )
        return jsonify([dict(row) | {"data": json.loads(row["data"])} for row in rows])


def _people(web: Blueprint, world: World) -> None:
    @web.get("/sandbox/wxoa/people")
    def people() -> ResponseReturnValue:
        return jsonify([dict(row) for row in oauth.people(world)])

    @web.post("/sandbox/wxoa/people")
    def add() -> ResponseReturnValue:
        """One more WeChat account: {nickname}."""
        return done({"openid": oauth.add_person(world, wanted(orders(), "nickname"))})

    @web.post("/sandbox/wxoa/people/<openid>")
    def change(openid: str) -> ResponseReturnValue:
        """The person blocks or follows the account: {blocked: 0|1} or {subscribed: 0|1}."""
        order = orders()
        with world.store.write() as db:
            for name in ("blocked", "subscribed"):
                if name in order:
                    yes = str(order[name]).lower() in {"1", "true"}
                    db.execute(f"UPDATE wxoa_user SET {name} = ? WHERE openid = ?", (yes, openid))  # noqa: S608
            row = db.execute("SELECT * FROM wxoa_user WHERE openid = ?", (openid,)).fetchone()
        if row is None:
            raise ApiError(404, "40003", "没有这个演示用户")
        return done(dict(row))
