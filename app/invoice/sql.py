"""The statements on which two windows may meet."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite

from app.invoice.models import Invoice, InvoicePrint
from app.kernel.uow import Uow


def count_print(uow: Uow, invoice_id: int) -> int:
    """Which print of the invoice this is, from 1; two windows at once get two numbers."""
    return uow.session.scalars(
        update(Invoice)
        .where(Invoice.id == invoice_id)
        .values(printed_count=Invoice.printed_count + 1)
        .returning(Invoice.printed_count),
        execution_options={"synchronize_session": False},
    ).one()


def begin_print(uow: Uow, values: dict[str, object]) -> int | None:
    """The new print's key; None when one with this nonce is there. Of two that come at once the second waits."""
    maker = postgresql.insert if uow.session.get_bind().dialect.name == "postgresql" else sqlite.insert
    return uow.session.scalar(
        maker(InvoicePrint).values(values).on_conflict_do_nothing(index_elements=["nonce"]).returning(InvoicePrint.id)
    )
