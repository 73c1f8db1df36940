"""Who works here: taken on, given other roles, locked out, let in again, given a new password; administrators only."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.identity import second_step, staffing
from app.identity.models import Staff
from app.identity.rules import ROLES
from app.web import edge, show, work
from app.web.staff import ADMIN, PLACE, blueprint

ROLE_WORDS = {
    "doctor": _l("医生"),
    "nurse": _l("护士"),
    "registrar": _l("挂号员"),
    "reviewer": _l("审方药师"),
    "pharmacist": _l("药师"),
    "invoice_clerk": _l("票据员"),
    "cashier": _l("收费员"),
    "finance": _l("财务"),
    "admin": _l("管理员"),
    "operations": _l("运营"),
    "it": _l("信息科"),
    "auditor": _l("审计"),
}


@blueprint.get("/people")
@work.needs(ADMIN)
def members() -> edge.Answer:
    """Everybody who works here, and the form for somebody new."""
    rows = [_row(staff) for staff in staffing.members(edge.current_uow())]
    return work.page("staff/members.html", PLACE, rows=rows, roles=_choices(frozenset()))


def _row(staff: Staff) -> dict[str, object]:
    return {
        "login": staff.login,
        "name": staff.name,
        "roles": show.listed(ROLE_WORDS[role] for role in ROLES if role in staff.roles),
        "is_active": staff.is_active,
        "needs_second_step": staff.needs_second_step,
        "has_second_step": staff.has_second_step,
        "href": url_for("staff.member", staff_id=staff.public_id),
    }


def _choices(chosen: frozenset[str]) -> list[dict[str, object]]:
    return [{"role": role, "label": str(ROLE_WORDS[role]), "checked": role in chosen} for role in ROLES]


@blueprint.post("/people")
@work.needs(ADMIN)
def take_on() -> edge.Answer:
    """Somebody new, with the password that is shown this once; refuses `bad_staff`, `login_taken`."""
    staff, password = staffing.take_on(
        edge.current_uow(),
        login=work.typed("login", staffing.LONGEST_LOGIN + 1),
        name=work.typed("name", staffing.LONGEST_NAME + 1),
        roles=request.form.getlist("roles"),
        practitioner_code=work.typed("practitioner_code", 24),
    )
    return _page(staff, password)


@blueprint.get("/people/<staff_id>")
@work.needs(ADMIN)
def member(staff_id: str) -> edge.Answer:
    """One of them, with what can be changed."""
    return _page(staffing.member(edge.current_uow(), staff_id))


def _page(staff: Staff, password: str = "") -> str:
    return work.page(
        "staff/member.html",
        PLACE,
        staff={**_row(staff), "id": staff.public_id, "practitioner_code": staff.practitioner_code},
        roles=_choices(frozenset(staff.roles)),
        password=password,
    )


@blueprint.post("/people/<staff_id>")
@work.needs(ADMIN)
def change_member(staff_id: str) -> edge.Answer:
    """Name, roles and doctor's code; refuses `bad_staff`, `last_admin`."""
    uow = edge.current_uow()
    staff = staffing.member(uow, staff_id)
    staffing.change(
        uow,
        staff,
        name=work.typed("name", staffing.LONGEST_NAME),
        roles=request.form.getlist("roles"),
        practitioner_code=work.typed("practitioner_code", 24),
    )
    flash(gettext("已保存"), "ok")
    return redirect(url_for("staff.member", staff_id=staff_id))


@blueprint.post("/people/<staff_id>/lock-out")
@work.needs(ADMIN)
def lock_out(staff_id: str) -> edge.Answer:
    """They are logged out everywhere and cannot log in; refuses `last_admin`."""
    uow = edge.current_uow()
    staffing.lock_out(uow, staffing.member(uow, staff_id))
    flash(gettext("已停用，此人不能再登录"), "ok")
    return redirect(url_for("staff.member", staff_id=staff_id))


@blueprint.post("/people/<staff_id>/let-in")
@work.needs(ADMIN)
def let_in(staff_id: str) -> edge.Answer:
    """They can log in again."""
    uow = edge.current_uow()
    staffing.let_in(uow, staffing.member(uow, staff_id))
    flash(gettext("已恢复，此人可以登录"), "ok")
    return redirect(url_for("staff.member", staff_id=staff_id))


@blueprint.post("/people/<staff_id>/second-step")
@work.needs(ADMIN)
def demand_second_step(staff_id: str) -> edge.Answer:
    """From their next page on they need a code of their own phone (`is_needed` yes), or a password is enough again."""
    uow = edge.current_uow()
    is_needed = request.form.get("is_needed") == "yes"
    second_step.demand(uow, staffing.member(uow, staff_id), is_needed=is_needed)
    flash(gettext("登录时须两步验证") if is_needed else gettext("不再要求两步验证"), "ok")
    return redirect(url_for("staff.member", staff_id=staff_id))


@blueprint.post("/people/<staff_id>/second-step/take-away")
@work.needs(ADMIN)
def take_second_step_away(staff_id: str) -> edge.Answer:
    """Their phone counts no more, as when it was lost, and they are logged out everywhere."""
    uow = edge.current_uow()
    second_step.take_away(uow, staffing.member(uow, staff_id))
    flash(gettext("已解除手机，此人须重新登录"), "ok")
    return redirect(url_for("staff.member", staff_id=staff_id))


@blueprint.post("/people/<staff_id>/password")
@work.needs(ADMIN)
def give_password(staff_id: str) -> edge.Answer:
    """A new password that is shown this once; the old one and every log-in by it are over."""
    uow = edge.current_uow()
    staff = staffing.member(uow, staff_id)
    return _page(staff, staffing.give_password(uow, staff))
