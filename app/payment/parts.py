"""What of a bill's lines is still paid, and how much of it goes back with so many pieces: per line and per payer."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import func, select

from app.kernel.uow import Uow
from app.payment import service, sql
from app.payment.errors import RefundExceedsPaid
from app.payment.models import Bill, BillLine, Refund, RefundLine
from app.payment.rules import PAYERS, Part, left_of, part_of
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


def are_all(uow: Uow, bill_id: int, given: list[Part]) -> bool:
    """Whether nothing of the bill is left when these parts are back."""
    return {part.line_no: part.quantity for part in given} == pieces_left(uow, bill_id)


def pieces_left(uow: Uow, bill_id: int) -> dict[int, int]:
    """The pieces {line_no: pieces} of which nobody has asked for the money yet."""
    left = {line.line_no: line.quantity - line.refunded_quantity for line in _lines(uow, bill_id)}
    return {line_no: count for line_no, count in left.items() if count}


def set_aside(uow: Uow, bill: Bill, parts: list[Part]) -> None:
    """The parts are on their way back and cannot go back again; refuses `refund_exceeds_paid`."""
    uow.session.flush()
    for part in parts:
        if not sql.take_back_line(uow, bill.id, part.line_no, part.quantity, {p: getattr(part, p) for p in PAYERS}):
            raise RefundExceedsPaid(line=part.line_no)


def keep_difference(uow: Uow, refund: Refund, kept: Mapping[int, Mapping[str, int]], *, with_rest: bool) -> None:
    """The refund gives back what each payer bears less of the bill now that only `kept` {line_no: shares} is borne.

    Its pieces were set aside before; `with_rest` all other pieces go back with it.
    """
    known = {row.line_no: row for row in service.lines_of_refund(uow, refund.id)}
    for line in _lines(uow, refund.bill_id):
        now = kept.get(line.line_no, {})
        back = {payer: fen - now.get(payer, 0) for payer, fen in left_of(line).items()}
        pieces = line.quantity - line.refunded_quantity if with_rest else 0
        row = known.get(line.line_no)
        if row is None and (pieces or any(back.values())):
            row = RefundLine(refund_id=refund.id, line_no=line.line_no, quantity=0, **dict.fromkeys(PAYERS, 0))
            uow.session.add(row)
        if row is not None:
            row.quantity += pieces
            line.refunded_quantity += pieces
            for payer, fen in back.items():
                setattr(row, payer, fen)
                setattr(line, f"refunded_{payer}", getattr(line, f"refunded_{payer}") + fen)
    uow.session.flush()


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
