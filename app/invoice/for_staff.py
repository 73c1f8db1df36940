"""What an invoice window shows again: its own asks with their answers."""

from __future__ import annotations

from sqlalchemy import select

from app.invoice.models import InvoicePrint
from app.kernel.errors import NotFound
from app.kernel.uow import Uow
from app.pharmacy.scanning import Terminal


def print_of_terminal(uow: Uow, public_id: str, terminal: Terminal) -> InvoicePrint:
    """The ask named `public_id` if it was made at this window; else NotFound."""
    found = uow.session.scalars(
        select(InvoicePrint).where(InvoicePrint.public_id == public_id, InvoicePrint.terminal_code == terminal.code)
    ).first()
    if found is None:
        raise NotFound
    return found
