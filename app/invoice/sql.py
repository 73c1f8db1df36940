"""The statements on which two windows may meet."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.orm import aliased

from app.invoice.models import OPEN_FILING, Filing, Invoice, InvoicePrint
from app.invoice.states import FilingState
from app.kernel.inserts import insert_into
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
    return uow.session.scalar(
        insert_into(uow, InvoicePrint)
        .values(values)
        .on_conflict_do_nothing(index_elements=["nonce"])
        .returning(InvoicePrint.id)
    )


def claim_filings(uow: Uow, issuer: str, *, limit: int, next_at: datetime) -> list[int]:
    """Up to `limit` due filings, in order, each given to one caller until `next_at`, and to `issuer` for good.

    A red invoice waits until its blue one is issued, and goes to the issuer of that one only.
    """
    before = aliased(Filing)
    is_issued_here = (
        select(before.id)
        .where(before.id == Filing.after_id, before.state == FilingState.ISSUED, before.issuer == issuer)
        .exists()
    )
    due = (
        select(Filing.id)
        .where(
            OPEN_FILING,
            Filing.due_at <= uow.now(),
            Filing.issuer.in_(("", issuer)),
            or_(Filing.after_id.is_(None), is_issued_here),
        )
        .order_by(Filing.due_at, Filing.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    ids = uow.session.scalars(
        update(Filing)
        .where(Filing.id.in_(select(due.c.id)))
        .values(due_at=next_at, issuer=issuer, tries=Filing.tries + 1)
        .returning(Filing.id),
        execution_options={"synchronize_session": False},
    ).all()
    return sorted(ids)
