"""A cashier's shift 班次: who answers for the drawer, what crossed it, and what must lie in it at the end."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.kernel import audit
from app.kernel.errors import BadInput, NotFound
from app.kernel.ids import new_public_id
from app.kernel.moves import move
from app.kernel.uow import Uow
from app.payment.errors import ShiftNotOpen, ShiftOpen
from app.payment.models import CashierEntry, CashierShift, PayMethod
from app.payment.rules import MOST_TENDERED_FEN
from app.payment.states import CASHIER_SHIFT, CashierShiftAction, CashierShiftState


@dataclass(frozen=True)
class Totals:
    """What crossed the window in a shift, by method: how often and how much came in and went back."""

    method: PayMethod
    in_count: int
    in_fen: int
    back_count: int
    back_fen: int


def open_shift(uow: Uow, *, float_fen: int) -> CashierShift:
    """The asking cashier answers for a drawer with `float_fen` in it; refuses `shift_open`, `bad_input`."""
    _check_amount(float_fen)
    shift = CashierShift(
        public_id=new_public_id(), staff_id=uow.actor.id or 0, opened_at=uow.now(), float_fen=float_fen
    )
    try:
        with uow.session.begin_nested():
            uow.session.add(shift)
            uow.session.flush()
    except IntegrityError:
        raise ShiftOpen from None
    audit.record(uow, "cashier.open", "cashier_shift", shift.public_id, float_fen=float_fen)
    return shift


def close_shift(uow: Uow, *, counted_fen: int) -> CashierShift:
    """The asking cashier's drawer is counted and the shift over; refuses `shift_not_open`, `bad_input`.

    A difference is kept as it is: it is found by whoever compares, and explained by a person.
    """
    _check_amount(counted_fen)
    shift = held(uow)
    expected_fen = drawer_fen(uow, shift)
    move(
        uow,
        CASHIER_SHIFT,
        shift,
        CashierShiftAction.CLOSE,
        counted_fen=counted_fen,
        expected_fen=expected_fen,
        closed_at=uow.now(),
    )
    difference = counted_fen - expected_fen
    audit.record(uow, "cashier.close", "cashier_shift", shift.public_id, difference_fen=difference)
    return shift


def _check_amount(amount_fen: int) -> None:
    if not 0 <= amount_fen <= MOST_TENDERED_FEN:
        raise BadInput(fields={"amount": "out_of_range"})


def held(uow: Uow) -> CashierShift:
    """The asking cashier's open shift, locked until this unit is finished; refuses `shift_not_open`."""
    shift = uow.session.scalars(
        select(CashierShift)
        .where(CashierShift.staff_id == uow.actor.id, CashierShift.state == CashierShiftState.OPEN)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if shift is None:
        raise ShiftNotOpen
    return shift


def standing(uow: Uow) -> CashierShift | None:
    """The asking cashier's open shift, None when there is none."""
    return uow.session.scalars(
        select(CashierShift).where(CashierShift.staff_id == uow.actor.id, CashierShift.state == CashierShiftState.OPEN)
    ).first()


def own(uow: Uow, public_id: str) -> CashierShift:
    """The asking cashier's shift of this name; else NotFound."""
    shift = uow.session.scalars(
        select(CashierShift).where(CashierShift.public_id == public_id, CashierShift.staff_id == uow.actor.id)
    ).first()
    if shift is None:
        raise NotFound
    return shift


def drawer_fen(uow: Uow, shift: CashierShift) -> int:
    """What lies in the drawer now, if nobody made a mistake."""
    cash = select(func.coalesce(func.sum(CashierEntry.amount_fen), 0)).where(
        CashierEntry.shift_id == shift.id, CashierEntry.method == PayMethod.CASH
    )
    return shift.float_fen + int(uow.session.scalar(cash) or 0)


def totals(uow: Uow, shift: CashierShift) -> list[Totals]:
    """What crossed the window in the shift: a line for cash and one for cards."""
    rows = uow.session.execute(
        select(CashierEntry.method, CashierEntry.amount_fen).where(CashierEntry.shift_id == shift.id)
    ).all()
    return [_totals(method, [fen for paid_by, fen in rows if paid_by is method]) for method in _AT_THE_WINDOW]


_AT_THE_WINDOW = (PayMethod.CASH, PayMethod.CARD)


def _totals(method: PayMethod, amounts: list[int]) -> Totals:
    came, went = [fen for fen in amounts if fen > 0], [-fen for fen in amounts if fen < 0]
    return Totals(method, len(came), sum(came), len(went), sum(went))


def entries(uow: Uow, shift: CashierShift, *, limit: int = 200) -> list[CashierEntry]:
    """What crossed the window in the shift, newest first."""
    return list(
        uow.session.scalars(
            select(CashierEntry).where(CashierEntry.shift_id == shift.id).order_by(CashierEntry.id.desc()).limit(limit)
        )
    )
