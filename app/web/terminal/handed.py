"""What this window handed over in the last two minutes, which is what it can still take back."""

from __future__ import annotations

from flask import url_for
from sqlalchemy import select

from app.identity.models import Patient
from app.kernel.uow import Uow
from app.pharmacy.models import Bag
from app.pharmacy.rules import UNDO_WITHIN
from app.pharmacy.scanning import Terminal
from app.pharmacy.states import BagState
from app.web import show


def just_handed_over(uow: Uow, here: Terminal) -> list[dict[str, str]]:
    """Number, masked name, time, and where it can be undone; newest first."""
    rows = uow.session.execute(
        select(Bag, Patient.name_masked)
        .join(Patient, Patient.id == Bag.patient_id)
        .where(
            Bag.state == BagState.COLLECTED,
            Bag.collected_window == here.window_code,
            Bag.collected_at >= uow.now() - UNDO_WITHIN,
        )
        .order_by(Bag.collected_at.desc())
        .limit(5)
    )
    return [
        {
            "number": bag.number,
            "name": name,
            "at": show.clock_time(bag.collected_at) if bag.collected_at else "",
            "href": url_for("terminal.done", bag_id=bag.public_id),
        }
        for bag, name in rows
    ]
