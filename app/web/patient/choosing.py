"""Choosing a department; whoever stands in the lobby has today's doctors of each on the same screen."""

from __future__ import annotations

from collections import defaultdict

from flask import render_template, url_for
from flask_babel import gettext

from app.kernel.uow import Uow
from app.rulebook.service import rules_for
from app.scheduling import service as scheduling
from app.scheduling.models import BookingChannel
from app.scheduling.rules import where_of
from app.scheduling.service import SessionCard
from app.web import edge, show
from app.web.patient import blueprint, booking


@blueprint.get("/departments")
def departments() -> edge.Answer:
    """All departments, and where they are; from the lobby's code each with the places it has today."""
    uow = edge.current_uow()
    today = _today(uow) if booking.is_here(uow) else {}
    rows = [
        {
            "href": url_for("patient.department", code=found.code),
            "name": show.in_language(found.name, found.name_en),
            "place": show.in_language(found.location, found.location_en),
            "free": sum(card.free_places for card in today.get(found.id, ())),
            "sessions": [booking.row_of(card) for card in today.get(found.id, ())],
        }
        for found in scheduling.departments(uow)
    ]
    rows.sort(key=lambda row: not row["sessions"])
    return render_template("patient/departments.html", departments=rows, day=gettext("今天") if today else "")


def _today(uow: Uow) -> dict[int, list[SessionCard]]:
    """Today's sessions with a place that whoever stands in the lobby can have, by department."""
    cards = scheduling.cards(uow, from_day=uow.today(), to_day=uow.today(), channel=BookingChannel.LOBBY)
    found: dict[int, list[SessionCard]] = defaultdict(list)
    for card in cards:
        rules = rules_for(uow, where_of(card.department))
        if card.free_places and booking.can_be_booked(card, rules, uow):
            found[card.department.id].append(card)
    return found
