"""The account itself: its phone, its inbox, its language and letter size."""

from __future__ import annotations

from flask import redirect, render_template, request, session, url_for

from app.identity import logins
from app.identity import service as identity
from app.identity.rules import mask_phone
from app.notifications import service as notifications
from app.registration import conduct
from app.web import edge, show
from app.web.frame import LANGUAGES, choose_language
from app.web.paths import lead_back
from app.web.patient import blueprint


@blueprint.get("/me")
def me() -> edge.Answer:
    """What is not a step of the visit: family, messages, invoices, settings, logging out."""
    uow = edge.current_uow()
    account = logins.asking_account(uow)
    return render_template(
        "patient/me.html",
        phone=mask_phone(identity.phone_of_account(uow, account)),
        patients=len(identity.patients_of(uow)),
        unread=notifications.unread_count(uow),
        suspended=len(conduct.of_account(uow)),
        has_wechat=bool(identity.openid_of_account(uow, account.id)),
    )


@blueprint.post("/preferences")
def preferences() -> edge.Answer:
    """The pages come in the language and letter size chosen, and messages in that language too."""
    language, elder = request.form.get("language", ""), request.form.get("elder", "")
    if language in LANGUAGES:
        session["lang"] = language
    if elder in {"on", "off"}:
        session["elder"] = elder == "on"
    session.permanent = True
    if edge.actor().kind == "patient":
        logins.keep_preferences(edge.current_uow(), locale=choose_language(), is_elder=bool(session.get("elder")))
    return redirect(lead_back(request.form.get("next", "")))


@blueprint.get("/messages")
def messages() -> edge.Answer:
    """The account's inbox, newest first."""
    uow = edge.current_uow()
    notes = [
        {"note": note, "at": show.moment(note.made_at)}
        for note in notifications.inbox_of_account(uow, locale=choose_language())
    ]
    return render_template("patient/messages.html", notes=notes, unread=notifications.unread_count(uow))


@blueprint.post("/messages/<message_id>")
def open_message(message_id: str) -> edge.Answer:
    """The message is read, and its link is followed while the account acts for its patient."""
    note = notifications.open_message(edge.current_uow(), message_id)
    return redirect(lead_back(note.link) if note.leads_on else url_for("patient.messages"))


@blueprint.post("/messages/read")
def read_messages() -> edge.Answer:
    """Everything in the inbox is read."""
    notifications.read_all(edge.current_uow())
    return redirect(url_for("patient.messages"))
