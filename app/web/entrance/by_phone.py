"""A patient logs in by a six-digit code sent to the phone."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, session, url_for
from flask_babel import get_locale, gettext

from app.identity import logins
from app.identity.errors import BadPhone, NoTextMessages
from app.identity.rules import mask_phone, read_phone
from app.kernel.crypto import CannotOpen
from app.kernel.errors import TooMany
from app.rulebook.service import rules_for
from app.runtime import runtime
from app.web import edge
from app.web.entrance import blueprint
from app.web.paths import lead_back, own_path

CODE_ID, SHOWN_PHONE, NEXT, OPENID = "code_id", "code_phone", "next", "openid"
NUMBER, MISTYPED, _PLACE = "code_number", "code_mistyped", "cookie.code_number"


@blueprint.get("/login")
def log_in() -> edge.Answer:
    """The form that asks for the phone number; a wrong one stands in it once more, and not for whoever comes back."""
    if edge.who_asks("patient") is not None:
        return redirect(lead_back(request.args.get("next", "")))
    error = gettext("请输入 11 位手机号码") if MISTYPED in session else ""
    return _phone_form(_opened(session.pop(MISTYPED, "")), own_path(request.args.get("next", "")), error)


def _opened(sealed: str) -> str:
    """What this browser keeps sealed; '' when it keeps nothing."""
    try:
        return runtime().units.keys.open(sealed, _PLACE)
    except CannotOpen:
        return ""


def _number_asked() -> str:
    """The number to which this browser had a code sent; '' when it had none sent."""
    return _opened(session.get(NUMBER, ""))


def _phone_form(phone: str, next_path: str, error: str) -> edge.Answer:
    errors = [{"field": "phone", "text": error}] if error else []
    couriers = runtime().couriers
    ways = {"has_texts": couriers.texts is not None, "has_wechat": couriers.wechat is not None}
    return render_template("entrance/login.html", phone=phone, next=next_path, errors=errors, error=error, **ways)


@blueprint.post("/login")
def send_code() -> edge.Answer:
    """A code is on its way to the number: one a minute and five a day for a number, as the rules say for an address.

    Another one goes to the same number without its being shown again. Whatever is wrong with a number is said on a page
    that is fetched anew, and not in this answer, which the browser's history would show to whoever comes next.
    Refuses `no_text_messages` where no gateway is set up: a code that nobody can send must not be waited for.
    """
    typed, next_path = request.form.get("phone", "").strip(), own_path(request.form.get("next", ""))
    if "again" in request.form and not typed:
        typed = _number_asked()
    texts = runtime().couriers.texts
    if texts is None:
        raise NoTextMessages
    with runtime().units.open(reads_only=True) as uow:
        at_most = rules_for(uow).login_codes_per_address_per_hour
    edge.limit("code.address", edge.address(), at_most=at_most, window_seconds=3600)
    try:
        number = read_phone(typed)
    except BadPhone:
        session[MISTYPED] = runtime().units.keys.seal(typed[:20], _PLACE)
        return redirect(url_for("entrance.log_in", next=next_path or None))
    try:
        edge.limit("code.minute", number, at_most=1, window_seconds=60)
    except TooMany as error:
        if _number_asked() != number:
            raise
        seconds = error.facts["retry_seconds"]
        flash(gettext("验证码刚刚发过，请看短信；%(seconds)s 秒后可以重新获取", seconds=seconds), "info")
        return redirect(url_for("entrance.code"))
    edge.limit("code.day", number, at_most=5, window_seconds=86400)
    with edge.fresh_unit() as uow:
        code_public_id = logins.request_phone_code(uow, phone=number)
    logins.send_codes(runtime().units, texts)
    session[CODE_ID], session[SHOWN_PHONE], session[NEXT] = code_public_id, mask_phone(number), next_path
    session[NUMBER] = runtime().units.keys.seal(number, _PLACE)
    return redirect(url_for("entrance.code"))


@blueprint.get("/login/code")
def code() -> edge.Answer:
    """The form that asks for the six digits."""
    return _code_form() if session.get(CODE_ID) else redirect(url_for("entrance.log_in"))


def _code_form(error: str = "", status: int = 200) -> edge.Answer:
    errors = [{"field": "digits", "text": error}] if error else []
    return render_template(
        "entrance/code.html", phone=session.get(SHOWN_PHONE, ""), errors=errors, error=error, next=session.get(NEXT, "")
    ), status


@blueprint.post("/login/code")
def check_code() -> edge.Answer:
    """The holder of the phone is logged in, and led to where they wanted to go."""
    edge.limit("code.try", edge.address(), at_most=60, window_seconds=3600)
    with edge.fresh_unit() as uow:
        found = logins.log_in_by_phone(
            uow,
            code_public_id=session.get(CODE_ID, ""),
            digits=request.form.get("digits", ""),
            openid=session.get(OPENID, ""),
            locale=str(get_locale()),
        )
    if found is None:
        return _code_form(gettext("验证码不对或已失效，请核对短信，或重新获取"), 422)
    next_path = session.get(NEXT, "")
    edge.begin_login("patient", found.secret, found.actor.ref)
    return redirect(lead_back(next_path))


@blueprint.post("/logout")
def log_out() -> edge.Answer:
    """Nobody is logged in as a patient on this browser."""
    edge.who_asks("patient")
    edge.end_login("patient")
    flash(gettext("您已退出登录"), "ok")
    return redirect(url_for("entrance.log_in"))
