"""What this window handed over in the last two minutes, which is what it can still take back."""

from __future__ import annotations

from flask import url_for

from app.kernel.uow import Uow
from app.pharmacy import for_staff
from app.pharmacy.scanning import Terminal
from app.web import show


def just_handed_over(uow: Uow, here: Terminal) -> list[dict[str, str]]:
    """Number, masked name, time, and where it can be undone; newest first."""
    return [
        {
            "number": bag.number,
            "name": name,
            "at": show.clock_time(bag.collected_at) if bag.collected_at else "",
            "href": url_for("terminal.done", bag_id=bag.public_id),
        }
        for bag, name in for_staff.just_handed_over(uow, here)
    ]
