"""Whoever works here chooses a password of their own; with one that was given to them they can do nothing else."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext

from app.identity import staffing
from app.identity.rules import CHOOSES_PASSWORD, SHORTEST_PASSWORD, TAKES_SECOND_STEP
from app.web import edge
from app.web.entrance import blueprint
from app.web.entrance.for_staff import landing


@blueprint.get("/staff/password")
def own_password() -> edge.Answer:
    """The form for the present and the new password; the log-in comes first."""
    found = edge.who_asks("staff")
    if found is None:
        return redirect(url_for("entrance.staff_log_in", next=url_for("entrance.own_password")))
    if TAKES_SECOND_STEP in found.roles:
        return redirect(url_for("entrance.second_step", next=url_for("entrance.own_password")))
    must = CHOOSES_PASSWORD in found.roles
    return render_template("entrance/own_password.html", must=must, shortest=SHORTEST_PASSWORD)


@blueprint.post("/staff/password")
def choose_password() -> edge.Answer:
    """The new password holds and other browsers are logged out.

    Refuses `password_wrong`, `password_too_weak`, and `too_many` after ten tries in a quarter of an hour.
    """
    found = edge.who_asks("staff")
    if found is None or TAKES_SECOND_STEP in found.roles:
        return redirect(url_for("entrance.own_password"))
    edge.limit("staff.password", found.ref, at_most=10, window_seconds=900)
    with edge.fresh_unit() as uow:
        staffing.choose_password(
            uow,
            present=request.form.get("present", ""),
            wanted=request.form.get("wanted", ""),
            secret=edge.login_secret("staff"),
        )
    flash(gettext("密码已更改"), "ok")
    again = edge.who_asks("staff")
    return redirect(landing(again.roles if again else frozenset()))
