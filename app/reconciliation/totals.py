"""What moved on a day by our own books, in one table: who bore the bills, what came in and went back how, invoices.

{what: (how often, fen)}; what did not happen is not in it. This is what whoever signs a day signs for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import NamedTuple

from sqlalchemy import Select, case, func, select

from app.invoice.models import Invoice
from app.kernel.uow import Uow
from app.payment.models import Bill, PaymentOrder, PayMethod, Refund
from app.payment.rules import WINDOW
from app.payment.states import RefundState
from app.reconciliation.books import bounds

Totals = dict[str, tuple[int, int]]
PAYERS = ("fund", "other", "account", "cash")
# What the insurer's side bears is given back to it; what the patient paid goes back the way it came.
INSURED = ("fund", "other", "account")


class Change(NamedTuple):
    """Something that was another figure when it was signed for: how often and fen, then and now."""

    what: str
    was: tuple[int, int]
    now: tuple[int, int]


def of_day(uow: Uow, day: date) -> Totals:
    """The day's totals as our books have them now."""
    found: Totals = {}
    for rows in (_borne(uow, day), _taken(uow, day), _given_back(uow, day), _invoiced(uow, day)):
        for what, count, fen in rows:
            before = found.get(what, (0, 0))
            found[what] = (before[0] + count, before[1] + fen)
    return {what: figures for what, figures in found.items() if figures != (0, 0)}


def changes(was: Mapping[str, tuple[int, int]], now: Mapping[str, tuple[int, int]]) -> list[Change]:
    """What differs between the two, in the order of its name."""
    named = sorted({*was, *now})
    both = (Change(what, was.get(what, (0, 0)), now.get(what, (0, 0))) for what in named)
    return [change for change in both if change.was != change.now]


def in_sums(totals: Mapping[str, tuple[int, int]], part: str) -> tuple[int, int]:
    """How often and how much of one part (`taken`, `returned` …), however it moved."""
    rows = [figures for what, figures in totals.items() if what.startswith(f"{part}.")]
    return sum(count for count, _ in rows), sum(fen for _, fen in rows)


_Named = Iterator[tuple[str, int, int]]


def _borne(uow: Uow, day: date) -> _Named:
    """Who bore what of the bills that were paid."""
    columns = {payer: getattr(Bill, f"{payer}_fen") for payer in PAYERS}
    begins, ends = bounds(uow, day)
    yield from _by_payer(uow, "borne", columns, Bill.paid_at >= begins, Bill.paid_at < ends)


def _taken(uow: Uow, day: date) -> _Named:
    """What patients paid, by the way it came, also where it settled nothing and goes back."""
    begins, ends = bounds(uow, day)
    wanted = select(PaymentOrder.provider, PaymentOrder.method, func.count(), func.sum(PaymentOrder.paid_fen)).where(
        PaymentOrder.paid_fen > 0, PaymentOrder.paid_at >= begins, PaymentOrder.paid_at < ends
    )
    yield from _by_way(uow, "taken", wanted)


def _given_back(uow: Uow, day: date) -> _Named:
    """What arrived back: at the patients by the way it had come, and at whoever else had borne it."""
    begins, ends = bounds(uow, day)
    is_back = (Refund.state == RefundState.SUCCEEDED, Refund.finished_at >= begins, Refund.finished_at < ends)
    wanted = (
        select(PaymentOrder.provider, PaymentOrder.method, func.count(), func.sum(Refund.amount_fen))
        .join(Refund, Refund.payment_order_id == PaymentOrder.id)
        .where(*is_back)
    )
    yield from _by_way(uow, "returned", wanted)
    columns = {payer: getattr(Refund, f"{payer}_fen") for payer in INSURED}
    yield from _by_payer(uow, "returned", columns, *is_back)


def _invoiced(uow: Uow, day: date) -> _Named:
    """Blue invoices, and red ones with their sums below zero."""
    begins, ends = bounds(uow, day)
    rows = uow.session.execute(
        select(Invoice.kind, func.count(), func.sum(Invoice.total_fen))
        .where(Invoice.issued_at >= begins, Invoice.issued_at < ends)
        .group_by(Invoice.kind)
    )
    for kind, count, fen in rows:
        yield f"invoiced.{kind.value}", int(count), int(fen)


def _by_payer(uow: Uow, part: str, columns: Mapping[str, object], *wanted: object) -> _Named:
    figures = [
        figure
        for column in columns.values()
        for figure in (func.sum(case((column != 0, 1), else_=0)), func.sum(column))  # type: ignore[arg-type]
    ]
    row = [int(figure or 0) for figure in uow.session.execute(select(*figures).where(*wanted)).one()]  # type: ignore[arg-type]
    for place, payer in enumerate(columns):
        yield f"{part}.{payer}", row[2 * place], row[2 * place + 1]


def _by_way(uow: Uow, part: str, wanted: Select[str, PayMethod, int, int]) -> _Named:
    grouped = wanted.group_by(PaymentOrder.provider, PaymentOrder.method)
    for provider, method, count, fen in uow.session.execute(grouped):
        yield f"{part}.{_way(provider, method)}", int(count), int(fen)


def _way(provider: str, method: PayMethod) -> str:
    """How money moves: cash and cards at the window, together with insurance's part, else by whose provider."""
    return method.value if provider == WINDOW or method is PayMethod.MIXED else provider
