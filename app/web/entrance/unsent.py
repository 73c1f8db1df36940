"""After the log-in: the form that could not be sent before it is offered to be sent now."""

from __future__ import annotations

from flask import redirect, render_template, url_for

from app.identity.rules import TAKES_SECOND_STEP
from app.web import edge, unsent
from app.web.entrance import blueprint
from app.web.entrance.for_staff import landing

LOG_INS = {"patient": "entrance.log_in", "staff": "entrance.staff_log_in"}


@blueprint.get("/unsent")
def send_again() -> edge.Answer:
    """What was typed, with one button that sends it; only whoever typed it is shown it."""
    kind = unsent.kind_of_kept()
    found = edge.who_asks(kind) if kind else None
    if kind and found is None:
        return redirect(url_for(LOG_INS[kind], next=url_for("entrance.send_again")))
    if found and TAKES_SECOND_STEP in found.roles:
        return redirect(url_for("entrance.second_step", next=url_for("entrance.send_again")))
    kept = unsent.waiting()
    home = landing(found.roles) if found and kind == "staff" else url_for("patient.home")
    if kept is None:
        return redirect(home)
    return render_template("entrance/unsent.html", kept=kept, back=kept.page or home)
