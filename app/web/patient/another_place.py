"""After the hospital took a place back: the next ones, each booked with one tap."""

from __future__ import annotations

from flask import redirect, request, url_for
from flask_babel import gettext

from app.kernel.uow import Uow
from app.registration import another_place
from app.registration.errors import AlreadyRegistered, PlaceFound
from app.registration.models import LostPlace, Registration
from app.scheduling.service import SessionCard
from app.web import edge, show
from app.web.patient import blueprint


def offers(uow: Uow, registration: Registration) -> dict[str, object]:
    """What the registration's page offers instead of it; nothing when the hospital owes nothing."""
    lost = another_place.lost_place_of(uow, registration)
    if lost is None:
        return {"is_owed": False}
    return {"is_owed": True, "offers": [_offer(card, lost) for card in another_place.places(uow, lost)]}


def _offer(card: SessionCard, lost: LostPlace) -> dict[str, str]:
    sits, who = card.session, card.practitioner
    is_same = who.id == lost.practitioner_id
    return {
        "session_id": sits.public_id,
        "who": show.with_title(who.name, who.title),
        "same": str(gettext("原来约的医生") if is_same else gettext("同科室医生")),
        "when": f"{show.day_words(sits.visit_day)} {show.HALF_DAYS[sits.half_day]}",
        "fee": show.yuan(sits.fee_fen),
        "free": str(gettext("余 %(places)s", places=card.free_places)),
    }


@blueprint.post("/registrations/<registration_id>/another-place")
@edge.not_too_often
@edge.do_once
def take_another_place(registration_id: str) -> edge.Answer:
    """The place offered is the patient's as soon as its fee is paid; one taken before is where a second tap leads."""
    try:
        made = another_place.book(
            edge.current_uow(), public_id=registration_id, session_public_id=request.form.get("session", "")
        )
    except (PlaceFound, AlreadyRegistered) as standing:
        if "registration" not in standing.facts:
            raise
        return redirect(url_for("patient.registration", registration_id=standing.facts["registration"]))
    return redirect(url_for("patient.registration", registration_id=made.public_id))
