"""Who may call the account's API: access tokens, tickets, and the ways in which they die."""

from __future__ import annotations

import secrets
import sqlite3

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from sandbox.clock import now
from sandbox.store import insert
from sandbox.switches import take_switches
from sandbox.world import World

LIFE_SECONDS = 7200
RENEWED_EARLY_SECONDS = 300
FORCED_PER_DAY = 20
FORCED_APART_SECONDS = 30


class OaError(Exception):
    """The account's refusal: HTTP 200 with `errcode` and `errmsg`, as the real one answers."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        """Remember WeChat's global return code and its words."""
        super().__init__(errmsg)
        self.errcode = errcode
        self.errmsg = errmsg


def answer_oa_errors(web: Blueprint) -> None:
    """From now on `OaError` in this part is answered as WeChat does."""

    @web.errorhandler(OaError)
    def refused(error: OaError) -> ResponseReturnValue:
        return jsonify(errcode=error.errcode, errmsg=error.errmsg)


def demand_account(world: World, appid: object, secret: object) -> None:
    """OaError 40013 for another appid, 40125 for a wrong secret."""
    if appid != world.keys.appid:
        raise OaError(40013, "invalid appid")
    if not secrets.compare_digest(str(secret).encode(), world.keys.wxoa_secret.encode()):
        raise OaError(40125, "invalid appsecret")


def _issue(db: sqlite3.Connection, kind: str, *, forced: bool = False) -> dict[str, object]:
    token = secrets.token_urlsafe(96)
    moment = now()
    insert(db, "wxoa_token", token=token, kind=kind, expires_at=moment + LIFE_SECONDS, forced=forced, created_at=moment)
    return {"token": token, "expires_in": LIFE_SECONDS}


def _live(db: sqlite3.Connection, kind: str, spare_seconds: float) -> dict[str, object] | None:
    row = db.execute(
        "SELECT token, expires_at FROM wxoa_token WHERE kind = ? AND live AND expires_at > ? ORDER BY created_at DESC",
        (kind, now() + spare_seconds),
    ).fetchone()
    return {"token": row["token"], "expires_in": int(row["expires_at"] - now())} if row else None


def stable_token(world: World, *, force: bool) -> dict[str, object]:
    """The token in force, renewed five minutes before its end; asking again does not kill it.

    `force` kills it and issues another: 20 a day, 30 s apart, else OaError 45009.
    """
    with world.store.write() as db:
        if not force:
            return _live(db, "stable", RENEWED_EARLY_SECONDS) or _issue(db, "stable")
        done = db.execute(
            "SELECT count(*) AS times, coalesce(max(created_at), 0) AS last_at FROM wxoa_token"
            " WHERE forced AND created_at > ?",
            (now() - 86400,),
        ).fetchone()
        if done["times"] >= FORCED_PER_DAY or now() - done["last_at"] < FORCED_APART_SECONDS:
            raise OaError(45009, "reach max api daily quota limit")
        db.execute("UPDATE wxoa_token SET live = 0 WHERE kind = 'stable'")
        return _issue(db, "stable", forced=True)


def plain_token(world: World) -> dict[str, object]:
    """A new token of the older kind; the one before it is dead from now on."""
    with world.store.write() as db:
        db.execute("UPDATE wxoa_token SET live = 0 WHERE kind = 'plain'")
        return _issue(db, "plain")


def ticket(world: World) -> dict[str, object]:
    """The JS-SDK ticket in force (jsapi_ticket)."""
    with world.store.write() as db:
        return _live(db, "ticket", RENEWED_EARLY_SECONDS) or _issue(db, "ticket")


def demand_token(world: World, token: str) -> None:
    """OaError 40001 for an unknown or dead token, 42001 for an expired one, 45009 when the quota switch is on."""
    with world.store.write() as db:
        struck = take_switches(db, "wxoa", ("token_invalid", "quota"))
        row = db.execute(
            "SELECT * FROM wxoa_token WHERE token = ? AND kind IN ('stable', 'plain')", (token,)
        ).fetchone()
        if "token_invalid" in struck:
            db.execute("UPDATE wxoa_token SET live = 0 WHERE token = ?", (token,))
    if row is None or not row["live"] or "token_invalid" in struck:
        raise OaError(40001, "invalid credential, access_token is invalid or not latest")
    if row["expires_at"] <= now():
        raise OaError(42001, "access_token expired")
    if "quota" in struck:
        raise OaError(45009, "reach max api daily quota limit")
