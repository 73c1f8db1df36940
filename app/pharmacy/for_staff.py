"""What a terminal shows again: its own scans, and what its window has just handed over."""

from __future__ import annotations

from sqlalchemy import select

from app.identity.models import Patient
from app.kernel.errors import NotFound
from app.kernel.uow import Uow
from app.pharmacy.models import Bag, Scan
from app.pharmacy.rules import UNDO_WITHIN
from app.pharmacy.scanning import Terminal
from app.pharmacy.states import BagState

MOST_SHOWN = 5


def scan_of_terminal(uow: Uow, public_id: str, terminal: Terminal) -> Scan:
    """The scan named `public_id` if it was made at this terminal; else NotFound."""
    found = uow.session.scalars(
        select(Scan).where(Scan.public_id == public_id, Scan.terminal_code == terminal.code)
    ).first()
    if found is None:
        raise NotFound
    return found


def bag_of_scan(uow: Uow, scan: Scan) -> Bag | None:
    """The bag the scan named."""
    return uow.session.get(Bag, scan.bag_id) if scan.bag_id else None


def just_handed_over(uow: Uow, terminal: Terminal) -> list[tuple[Bag, str]]:
    """The bags this window can still take back, each with the masked name; newest first."""
    rows = uow.session.execute(
        select(Bag, Patient.name_masked)
        .join(Patient, Patient.id == Bag.patient_id)
        .where(
            Bag.state == BagState.COLLECTED,
            Bag.collected_window == terminal.window_code,
            Bag.collected_at >= uow.now() - UNDO_WITHIN,
        )
        .order_by(Bag.collected_at.desc())
        .limit(MOST_SHOWN)
    )
    return [(bag, name) for bag, name in rows]
