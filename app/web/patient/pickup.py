"""The pickup code: what the patient shows at the window, new every thirty seconds."""

from __future__ import annotations

from flask import render_template
from flask_babel import gettext

from app.kernel.uow import Uow
from app.paper import qr
from app.pharmacy import service as pharmacy
from app.pharmacy.models import Bag
from app.pharmacy.states import BagState
from app.prescription import service as prescriptions
from app.runtime import runtime
from app.web import edge, live, show
from app.web.patient import blueprint, family
from app.web.patient.visit import window_of

SHOWS_CODE = {BagState.QUEUED, BagState.PICKING, BagState.READY, BagState.BEING_SERVED}


@blueprint.get("/pickup/<bag_id>")
def pickup(bag_id: str) -> edge.Answer:
    """The bag: its window, its number, its code, and what is in it."""
    uow = edge.current_uow()
    bag = pharmacy.bag_of_account(uow, bag_id)
    return render_template(
        "patient/pickup.html",
        bag_id=bag_id,
        patient_name=family.names(uow)[bag.patient_id],
        lines=[
            {
                "name": line.drug_name,
                "spec": show.amount_words(line.spec),
                "quantity": show.amount_words(f"{line.quantity} {line.unit}"),
            }
            for line in prescriptions.lines_of(uow, bag.prescription_id)
        ],
        **_told(uow, bag),
    )


@blueprint.get("/pickup/<bag_id>/live")
def pickup_live(bag_id: str) -> edge.Answer:
    """The code of now, and the bag's state."""
    uow = edge.current_uow()
    return live.fragment("patient/_pickup.html", **_told(uow, pharmacy.bag_of_account(uow, bag_id)))


def _told(uow: Uow, bag: Bag) -> dict[str, object]:
    window = window_of(uow, bag)
    digits = pharmacy.pickup_digits(uow, bag, runtime().settings.pickup_key) if bag.state in SHOWS_CODE else ""
    return {
        "state": bag.state.value,
        "kind": show.state_kind(bag.state),
        "state_words": show.state_words(bag.state),
        "number": bag.number,
        "window": show.window_words(window.name) if window else "",
        "place": window.location if window else "",
        "svg": qr.pickup_svg(digits, label=gettext("取药码")) if digits else "",
        "digits": show.grouped(digits),
        "collected_at": show.moment(bag.collected_at) if bag.collected_at else "",
    }
