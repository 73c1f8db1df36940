"""Web authorization (网页授权): the demo person says who they are, the hospital gets a code, then an openid."""

from __future__ import annotations

import secrets
import sqlite3

from sandbox.clock import now
from sandbox.errors import ApiError
from sandbox.store import insert
from sandbox.world import World
from sandbox.wxoa.tokens import LIFE_SECONDS, OaError

CODE_SECONDS = 300
SCOPES = {"snsapi_base", "snsapi_userinfo"}
DEMO_PEOPLE = (("oSandboxDemoUser000000000001", "阿丽"), ("oSandboxDemoUser000000000002", "老陈"))


def seed_people(world: World) -> None:
    """Afterwards the two demo people exist; their settings are kept."""
    with world.store.write() as db:
        for openid, nickname in DEMO_PEOPLE:
            db.execute("INSERT OR IGNORE INTO wxoa_user (openid, nickname) VALUES (?, ?)", (openid, nickname))


def people(world: World) -> list[sqlite3.Row]:
    """Everybody with a WeChat account here."""
    return world.store.rows("SELECT * FROM wxoa_user ORDER BY rowid")


def add_person(world: World, nickname: str) -> str:
    """One more WeChat account; its openid is returned."""
    openid = "o" + secrets.token_urlsafe(20)[:27]
    with world.store.write() as db:
        insert(db, "wxoa_user", openid=openid, nickname=nickname[:40])
    return openid


def demand_request(world: World, appid: str, redirect_uri: str, scope: str) -> None:
    """ApiError 400 unless the authorization page was called as WeChat wants it (10003, 10005, 40013)."""
    if appid != world.keys.appid:
        raise ApiError(400, "40013", "不合法的 appid")
    if "://" not in redirect_uri or not world.may_return_to(redirect_uri):
        raise ApiError(400, "10003", "redirect_uri 域名与后台配置不一致")
    if scope not in SCOPES:
        raise ApiError(400, "10005", "该公众号没有这个 scope 的权限")


def give_code(world: World, openid: str, scope: str) -> str:
    """A code for this person, good once and for five minutes; ApiError 404 for an unknown person."""
    if world.store.one("SELECT 1 FROM wxoa_user WHERE openid = ?", openid) is None:
        raise ApiError(404, "40003", "没有这个演示用户")
    code = secrets.token_urlsafe(24)
    with world.store.write() as db:
        insert(db, "wxoa_code", code=code, openid=openid, scope=scope, expires_at=now() + CODE_SECONDS)
    return code


def exchange(world: World, code: str) -> dict[str, object]:
    """The openid behind a code. OaError 40029 unknown, 40163 used before, 42003 older than five minutes."""
    with world.store.write() as db:
        row = db.execute("SELECT * FROM wxoa_code WHERE code = ?", (code,)).fetchone()
        if row is None:
            raise OaError(40029, "invalid code")
        if row["used_at"] is not None:
            raise OaError(40163, "code been used")
        if row["expires_at"] <= now():
            raise OaError(42003, "oauth code expired")
        db.execute("UPDATE wxoa_code SET used_at = ? WHERE code = ?", (now(), code))
    return {
        "access_token": secrets.token_urlsafe(64),
        "expires_in": LIFE_SECONDS,
        "refresh_token": secrets.token_urlsafe(64),
        "openid": row["openid"],
        "scope": row["scope"],
    }
