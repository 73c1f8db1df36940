"""The second step of a staff log-in: a code of their own phone, which is put on file here at the first time."""

from __future__ import annotations

from flask import flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext

from app.identity import second_step as steps
from app.identity.rules import TAKES_SECOND_STEP
from app.kernel.uow import Uow
from app.paper import qr
from app.runtime import runtime
from app.web import edge
from app.web.entrance import blueprint
from app.web.entrance.for_staff import landing
from app.web.paths import own_path


@blueprint.get("/staff/second-step")
def second_step() -> edge.Answer:
    """The form for the six digits, with the key to scan while no phone is on file; the log-in comes first."""
    if edge.who_asks("staff") is None:
        return redirect(url_for("entrance.staff_log_in", next=url_for("entrance.second_step")))
    return _form(own_path(request.args.get("next", "")))


def _form(next_path: str, error: str = "", status: int = 200) -> edge.Answer:
    is_asked = TAKES_SECOND_STEP in edge.actor().roles
    with edge.fresh_unit() as uow:
        is_on = steps.is_on(uow)
        offer = None if is_on else _offer(uow)
    page = render_template(
        "entrance/second_step.html",
        is_asked=is_asked,
        is_on=is_on,
        code_svg=qr.url_svg(offer.address, label=gettext("身份验证器二维码")) if offer else "",
        key=" ".join(offer.key[start : start + 4] for start in range(0, len(offer.key), 4)) if offer else "",
        next=next_path,
        error=error,
        errors=[{"field": "digits", "text": error}] if error else [],
    )
    answer = make_response(page, status)
    answer.headers["Cache-Control"] = "no-store"  # the key must not stay in the history
    return answer


def _offer(uow: Uow) -> steps.Offer:
    return steps.offer(uow, secret=edge.login_secret("staff"), hospital=runtime().settings.hospital_name)


@blueprint.post("/staff/second-step")
def take_second_step() -> edge.Answer:
    """Whoever showed a code of their phone may work; twenty tries a quarter of an hour for a person."""
    found = edge.who_asks("staff")
    if found is None:
        return redirect(url_for("entrance.staff_log_in"))
    edge.limit("staff.second_step", found.ref, at_most=20, window_seconds=900)
    next_path = own_path(request.form.get("next", ""))
    with edge.fresh_unit() as uow:
        is_right = steps.take(uow, digits=request.form.get("digits", ""), secret=edge.login_secret("staff"))
    again = edge.who_asks("staff")
    if again is None:
        flash(gettext("连续输错 5 次，请 15 分钟后重新登录"), "bad")
        return redirect(url_for("entrance.staff_log_in", next=next_path))
    if not is_right:
        return _form(next_path, gettext("验证码不对，或刚才已经用过；请等下一个验证码再输入"), 422)
    return redirect(next_path or landing(again.roles))
