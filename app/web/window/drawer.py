"""The cashier's drawer: a shift is begun with a float, its totals stand at any time, and its end is counted."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_babel import gettext

from app.kernel.errors import BadInput
from app.kernel.uow import Uow
from app.payment import shifts
from app.payment.models import CashierEntry, CashierShift
from app.payment.states import CashierShiftState
from app.web import edge, show, show_work, work
from app.web.window import CASHIER, PLACE, blueprint
from app.web.window.amounts import NOT_AN_AMOUNT, Flaws, amount


@blueprint.get("/cashier/shift")
@work.needs(CASHIER)
def drawer() -> edge.Answer:
    """The shift that stands with its totals and the form to end it, or the form to begin one."""
    return _drawer_page()


def _drawer_page(flaws: Flaws | None = None, counted_before: int | None = None) -> str:
    uow = edge.current_uow()
    standing = shifts.standing(uow)
    shown = _shown(uow, standing) if standing else None
    facts = {"shift": shown, "typed": request.form, "flaws": flaws or {}, "counted_before": counted_before}
    return work.page("window/drawer.html", PLACE, **facts)


def _mistyped(field: str) -> edge.Answer:
    edge.drop_unit()
    return _drawer_page({field: str(NOT_AN_AMOUNT)}), 422


@blueprint.post("/cashier/shift")
@work.needs(CASHIER)
def begin_shift() -> edge.Answer:
    """The cashier answers for the drawer from now on."""
    try:
        shifts.open_shift(edge.current_uow(), float_fen=amount("float"))
    except BadInput:
        return _mistyped("float")
    return redirect(url_for("window.cashier"))


@blueprint.post("/cashier/shift/close")
@work.needs(CASHIER)
def end_shift() -> edge.Answer:
    """The drawer was counted and the shift is over; leads to its totals.

    A count that is off is asked for once more, since the end of a shift is not taken back.
    """
    uow = edge.current_uow()
    try:
        counted_fen = amount("counted")
    except BadInput:
        return _mistyped("counted")
    standing = shifts.standing(uow)
    off_fen = counted_fen - shifts.drawer_fen(uow, standing) if standing else 0
    if off_fen and request.form.get("counted_before") != str(counted_fen):
        flaw = gettext("与应有现金相差 %(off)s，请再数一遍；无误再点一次", off=show.yuan(off_fen))
        return _drawer_page({"counted": flaw}, counted_before=counted_fen), 422
    shift = shifts.close_shift(uow, counted_fen=counted_fen)
    flash(gettext("班次已结束"), "ok")
    return redirect(url_for("window.shift", shift_id=shift.public_id))


@blueprint.get("/cashier/shifts/<shift_id>")
@work.needs(CASHIER)
def shift(shift_id: str) -> edge.Answer:
    """One of the cashier's own shifts: its totals, what was counted, and the difference."""
    uow = edge.current_uow()
    return work.page(
        "window/drawer.html",
        PLACE,
        shift=_shown(uow, shifts.own(uow, shift_id)),
        typed={},
        flaws={},
        counted_before=None,
    )


def _shown(uow: Uow, found: CashierShift) -> dict[str, object]:
    is_open = found.state == CashierShiftState.OPEN
    facts = [
        (gettext("开始"), show_work.exact(found.opened_at)),
        (gettext("备用金"), show.yuan(found.float_fen)),
        (gettext("应有现金"), show.yuan(shifts.drawer_fen(uow, found))),
    ]
    if found.closed_at is not None:
        difference_fen = (found.counted_fen or 0) - (found.expected_fen or 0)
        facts += [
            (gettext("结束"), show_work.exact(found.closed_at)),
            (gettext("清点现金"), show.yuan(found.counted_fen or 0)),
            (gettext("差额"), show.yuan(difference_fen)),
        ]
    return {
        "is_open": is_open,
        "facts": [{"label": label, "value": value} for label, value in facts],
        "totals": [
            [
                str(show_work.METHODS[line.method]),
                str(line.in_count),
                show.yuan(line.in_fen),
                str(line.back_count),
                show.yuan(line.back_fen),
                show.yuan(line.in_fen - line.back_fen),
            ]
            for line in shifts.totals(uow, found)
        ],
        "entries": [_entry(entry) for entry in shifts.entries(uow, found)],
    }


def _entry(entry: CashierEntry) -> list[str]:
    return [
        show_work.exact(entry.made_at),
        str(show_work.METHODS[entry.method]),
        gettext("退款") if entry.amount_fen < 0 else gettext("收款"),
        show.yuan(abs(entry.amount_fen)),
        entry.slip_no or "—",
    ]
