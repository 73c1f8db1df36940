"""What anyone may open: a poster's or a lobby's code, and whether an invoice is ours; no patient's name is here."""

from __future__ import annotations

import secrets

from flask import redirect, render_template, request, session, url_for

from app.analytics import service as analytics
from app.analytics.models import ChannelKind
from app.invoice import service as invoices
from app.invoice.service import VerifiedInvoice
from app.invoice.states import InvoiceKind, InvoiceState
from app.kernel.errors import NotFound
from app.queueing import lobbies
from app.web import edge, show
from app.web.paths import own_path

# Who scans one of these stands in the hospital, so the places kept for the lobby are theirs for the day.
IN_THE_HOUSE = {ChannelKind.POSTER, ChannelKind.SCREEN, ChannelKind.DESK}
blueprint = edge.surface("public", prefix="", guard=edge.open_to_all)


@blueprint.get("/c/<code>")
@edge.writes
def poster(code: str) -> edge.Answer:
    """The scan is counted, the browser remembers by which poster it came, and the poster's page follows.

    A poster in the house that names no page leads to the choice of a department.
    """
    edge.limit("poster", edge.address(), at_most=60, window_seconds=60)
    visitor = session.setdefault("visitor", secrets.token_urlsafe(12))
    channel = analytics.scan(edge.current_uow(), code=code, visitor=visitor)
    session["source"] = channel.code
    is_in_the_house = channel.kind in IN_THE_HOUSE
    if is_in_the_house:
        session["lobby_day"] = edge.current_uow().today().isoformat()
    session.permanent = True
    usual = url_for("patient.departments" if is_in_the_house else "patient.home")
    return redirect(own_path(channel.target) or usual)


@blueprint.get("/l/<lobby>/<code>")
def lobby(lobby: str, code: str) -> edge.Answer:
    """Whoever scanned the code on the lobby's screen is in the house; the browser remembers it, and check-in follows.

    Refuses `lobby_code_forged`, `lobby_code_expired`.
    """
    uow = edge.current_uow()
    scanned = lobbies.scan(uow, lobby_code=lobby, code=code)
    session["lobby"] = [scanned.lobby_code, scanned.at.isoformat()]
    session["lobby_day"] = uow.today().isoformat()
    session.permanent = True
    return redirect(url_for("patient.check_in_list"))


@blueprint.get("/verify")
def verify() -> edge.Answer:
    """The form for the three numbers that stand on an invoice; filled in, it leads to the answer."""
    given = {name: request.args.get(name, "").strip() for name in ("batch_code", "number", "check_code")}
    if all(given.values()):
        return redirect(
            url_for(
                "public.verify_one",
                batch_code=given["batch_code"],
                number=given["number"],
                c=given["check_code"],
            )
        )
    return render_template("public/verify.html", given=given)


@blueprint.get("/verify/<batch_code>/<number>")
def verify_one(batch_code: str, number: str) -> edge.Answer:
    """Whether the invoice is ours and stands, its name masked; thirty questions a minute for an address."""
    edge.limit("verify", edge.address(), at_most=30, window_seconds=60)
    given = {"batch_code": batch_code, "number": number, "check_code": request.args.get("c", "")}
    try:
        found = invoices.verify(edge.current_uow(), **given)
    except NotFound:
        edge.drop_unit()
        return render_template("public/verified.html", found=None, given=given), 404
    return render_template("public/verified.html", found=_shown(found), given=given)


def _shown(found: VerifiedInvoice) -> dict[str, object]:
    return {
        "is_red": found.kind == InvoiceKind.RED,
        "is_taken_back": found.state == InvoiceState.RED_LETTERED,
        "batch_code": found.batch_code,
        "number": found.number,
        "issued_on": found.issued_on.isoformat(),
        "payer": found.payer_masked,
        "total": show.yuan(found.total_fen),
        "other": f"{found.other_batch_code} {found.other_number}".strip(),
    }
