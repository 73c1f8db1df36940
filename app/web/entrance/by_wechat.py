"""WeChat's web authorization (网页授权): the browser comes back with a code for the person's openid."""

from __future__ import annotations

import secrets

from flask import flash, redirect, request, session, url_for
from flask_babel import gettext

from app.identity import logins
from app.kernel.errors import NotFound, VisitError
from app.runtime import runtime
from app.web import edge
from app.web.entrance import blueprint
from app.web.entrance.by_phone import NEXT, OPENID
from app.web.paths import lead_back, own_path

STATE = "wechat_state"


@blueprint.get("/login/wechat")
def wechat() -> edge.Answer:
    """Off to WeChat, with a word that only this browser knows."""
    courier = runtime().couriers.wechat
    if courier is None:
        raise NotFound
    session[STATE], session[NEXT] = secrets.token_urlsafe(18), own_path(request.args.get("next", ""))
    back = runtime().settings.base_url + url_for("entrance.wechat_back")
    return redirect(courier.authorize_url(redirect_uri=back, state=session[STATE]))


@blueprint.get("/login/wechat/back")
def wechat_back() -> edge.Answer:
    """Whoever WeChat vouches for is logged in when known; else the openid waits for the log-in by phone."""
    edge.limit("wechat.address", edge.address(), at_most=60, window_seconds=3600)
    next_path, expected, given = session.get(NEXT, ""), session.pop(STATE, ""), request.args.get("state", "")
    openid = ""
    if expected and secrets.compare_digest(expected.encode(), given.encode()):
        openid = _openid(request.args.get("code", ""))
    if not openid:
        flash(gettext("微信授权没有完成，请用手机号登录"), "warn")
        return redirect(url_for("entrance.log_in", next=next_path))
    with edge.fresh_unit() as uow:
        found = logins.log_in_by_openid(uow, openid=openid)
    if found is not None:
        edge.begin_login("patient", found.secret, found.actor.ref)
        return redirect(lead_back(next_path))
    session[OPENID] = openid
    flash(gettext("微信已授权。请再用手机号登录一次，以后就不用了"), "ok")
    return redirect(url_for("entrance.log_in", next=next_path))


def _openid(code: str) -> str:
    """The openid behind the code, '' when WeChat does not know it or does not answer."""
    courier = runtime().couriers.wechat
    if not code or courier is None:
        return ""
    try:
        return courier.openid_of(code)
    except VisitError:
        return ""
