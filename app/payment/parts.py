"""What of a bill's lines is still paid, and how much of it goes back with so many pieces: per line and per payer."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import func, select

from app.kernel.uow import Uow
from app.payment import sql
from app.payment.errors import RefundExceedsPaid
from app.payment.models import Bill, BillLine, Refund, RefundLine
from app.payment.rules import PAYERS, Part, part_of
from app.payment.states import RefundState


def remaining(uow: Uow, bill_id: int) -> list[Part]:
    """All that has not gone back yet, line by line."""
    return [
        part_of(line, line.quantity - line.refunded_quantity)
        for line in _lines(uow, bill_id)
        if line.refunded_quantity < line.quantity
    ]


def wanted(uow: Uow, bill_id: int, quantities: Mapping[int, int]) -> list[Part]:
    """The parts that so many pieces of these lines are; refuses `refund_exceeds_paid` beyond what is left."""
    lines = {line.line_no: line for line in _lines(uow, bill_id)}
    if not quantities or not set(quantities) <= set(lines):
        raise RefundExceedsPaid
    for line_no, quantity in quantities.items():
        if not 0 < quantity <= lines[line_no].quantity - lines[line_no].refunded_quantity:
            raise RefundExceedsPaid(line=line_no)
    return [part_of(lines[line_no], quantity) for line_no, quantity in sorted(quantities.items())]


def set_aside(uow: Uow, bill: Bill, parts: list[Part]) -> None:
    """The parts are on their way back and cannot go back again; refuses `refund_exceeds_paid`."""
    uow.session.flush()
    for part in parts:
        if not sql.take_back_line(uow, bill.id, part.line_no, part.quantity, {p: getattr(part, p) for p in PAYERS}):
            raise RefundExceedsPaid(line=part.line_no)


def _lines(uow: Uow, bill_id: int) -> list[BillLine]:
    """The lines as they stand now, whatever this unit read of them before."""
    wanted = select(BillLine).where(BillLine.bill_id == bill_id).order_by(BillLine.line_no)
    return list(uow.session.scalars(wanted.execution_options(populate_existing=True)))


def arrived_back(uow: Uow, bill_id: int) -> dict[int, dict[str, int]]:
    """By line: pieces and shares that have arrived back, of refunds that succeeded."""
    columns = ("quantity", *PAYERS)
    rows = uow.session.execute(
        select(RefundLine.line_no, *(func.sum(getattr(RefundLine, column)) for column in columns))
        .join(Refund, Refund.id == RefundLine.refund_id)
        .where(Refund.bill_id == bill_id, Refund.state == RefundState.SUCCEEDED)
        .group_by(RefundLine.line_no)
    ).all()
    return {row[0]: dict(zip(columns, (int(value) for value in row[1:]), strict=True)) for row in rows}
