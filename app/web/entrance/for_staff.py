"""Staff log in with name and password, and land where their work is."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext

from app.identity import logins
from app.identity.rules import TAKES_SECOND_STEP
from app.web import edge
from app.web.entrance import blueprint
from app.web.paths import own_path

# Whoever has several roles lands at the first.
LANDINGS = (
    ("doctor", "/desk"),
    ("nurse", "/desk"),
    ("registrar", "/desk/register"),
    ("pharmacist", "/terminal"),
    ("reviewer", "/review"),
    ("invoice_clerk", "/window"),
    ("cashier", "/window/cashier"),
)


def landing(roles: AbstractSet[str]) -> str:
    """The surface where somebody with these roles works."""
    return next((path for role, path in LANDINGS if role in roles), "/staff")


@blueprint.get("/staff/login")
def staff_log_in() -> edge.Answer:
    """The form for name and password."""
    return _form(own_path(request.args.get("next", "")))


def _form(next_path: str, login: str = "", error: str = "", status: int = 200) -> edge.Answer:
    errors = [{"field": "login", "text": error}] if error else []
    return render_template("entrance/staff_login.html", next=next_path, login=login, errors=errors, error=error), status


@blueprint.post("/staff/login")
def check_staff() -> edge.Answer:
    """The staff member is logged in; ten tries a quarter of an hour for a name, sixty for an address."""
    login, next_path = request.form.get("login", "").strip(), own_path(request.form.get("next", ""))
    edge.limit("staff.address", edge.address(), at_most=60, window_seconds=900)
    edge.limit("staff.login", login, at_most=10, window_seconds=900)
    with edge.fresh_unit() as uow:
        found = logins.log_in_staff(uow, login=login[:40], password=request.form.get("password", ""))
    if found is None:
        return _form(next_path, login, gettext("账号或密码不对；连续输错 5 次将锁定 15 分钟"), 401)
    edge.begin_login("staff", found.secret, found.actor.ref)
    if TAKES_SECOND_STEP in found.actor.roles:
        return redirect(url_for("entrance.second_step", next=next_path))
    return redirect(next_path or landing(found.actor.roles))


@blueprint.post("/staff/logout")
def staff_log_out() -> edge.Answer:
    """Nobody is logged in as staff on this browser."""
    edge.who_asks("staff")
    edge.end_login("staff")
    flash(gettext("您已退出登录"), "ok")
    return redirect(url_for("entrance.staff_log_in"))
