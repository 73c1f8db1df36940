"""Money: bills, the orders by which they were asked for, refunds, and the cases that need a person."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute

from app.identity.models import Patient
from app.kernel.uow import Uow
from app.payment.models import Bill, PaymentOrder, Refund
from app.payment.states import BillState, OrderState, RefundState
from app.web import edge, show, show_work, work
from app.web.staff import ADMIN, AUDITOR, OPERATIONS, PLACE, blueprint
from app.web.staff.lists import PAGE_ROWS, before_id, between, day_fields, field, paging

CASE_ORDERS = (OrderState.MISMATCH, OrderState.UNKNOWN)
Reader = Callable[[Uow], tuple[Sequence[Any], list[list[Any]]]]


@blueprint.get("/payments")
@work.needs(ADMIN, OPERATIONS, AUDITOR)
def payments() -> edge.Answer:
    """One of the lists: bills, orders, refunds or cases."""
    uow = edge.current_uow()
    chosen = work.one_of(work.asked("list", 8), LISTS, "bills")
    label, headers, states, read = LISTS[chosen]
    rows, cells = read(uow)
    tabs = [
        {"label": str(words), "href": url_for("staff.payments", list=name), "current": name == chosen}
        for name, (words, *_) in LISTS.items()
    ]
    filters = [field("state", gettext("状态"), options=show_work.options(states)), *day_fields()] if states else []
    return work.page(
        "staff/payments.html",
        PLACE,
        tabs=tabs,
        list_name=chosen,
        title_words=str(label),
        headers=[str(header) for header in headers],
        cells=cells,
        filters=filters,
        paging=paging(list(rows)) if states else None,
    )


def _wanted(
    uow: Uow, model: type[Bill | PaymentOrder | Refund], at: InstrumentedAttribute[Any], states: type[enum.StrEnum]
) -> list[ColumnElement[bool]]:
    """What the filter asks for: a state, days, and rows older than those on the page before."""
    wanted = between(uow, at)
    state, before = work.one_of(work.asked("state", 16), states), before_id()
    if state:
        wanted.append(model.state == states(state))
    if before is not None:
        wanted.append(model.id < before)
    return wanted


def _bills(uow: Uow) -> tuple[Sequence[Any], list[list[Any]]]:
    rows = uow.session.execute(
        select(Bill, Patient.name_masked)
        .join(Patient, Patient.id == Bill.patient_id)
        .where(*_wanted(uow, Bill, Bill.opened_at, BillState))
        .order_by(Bill.id.desc())
        .limit(PAGE_ROWS)
    ).all()
    return [bill for bill, _ in rows], [_bill(bill, name) for bill, name in rows]


def _bill(bill: Bill, name: str) -> list[Any]:
    return [
        show_work.exact(bill.opened_at),
        str(show_work.PURPOSES[bill.purpose]),
        name,
        show.yuan(bill.total_fen),
        show.yuan(bill.fund_fen + bill.other_fen),
        show.yuan(bill.account_fen),
        show.yuan(bill.cash_fen),
        show_work.tag(bill.state),
    ]


def _orders(uow: Uow) -> tuple[Sequence[Any], list[list[Any]]]:
    rows = uow.session.scalars(
        select(PaymentOrder)
        .where(*_wanted(uow, PaymentOrder, PaymentOrder.created_at, OrderState))
        .order_by(PaymentOrder.id.desc())
        .limit(PAGE_ROWS)
    ).all()
    return rows, [_order(order) for order in rows]


def _order(order: PaymentOrder) -> list[Any]:
    return [
        show_work.exact(order.created_at),
        order.out_trade_no,
        order.method.value,
        show.yuan(order.amount_fen),
        show.yuan(order.paid_fen),
        show.yuan(order.refunded_fen),
        show_work.tag(order.state),
    ]


def _refunds(uow: Uow) -> tuple[Sequence[Any], list[list[Any]]]:
    rows = uow.session.scalars(
        select(Refund)
        .where(*_wanted(uow, Refund, Refund.requested_at, RefundState))
        .order_by(Refund.id.desc())
        .limit(PAGE_ROWS)
    ).all()
    return rows, [_refund(refund) for refund in rows]


def _refund(refund: Refund) -> list[Any]:
    return [
        show_work.exact(refund.requested_at),
        refund.out_refund_no,
        refund.reason,
        show.yuan(refund.amount_fen),
        refund.failure or "—",
        show_work.tag(refund.state),
    ]


def _cases(uow: Uow) -> tuple[Sequence[Any], list[list[Any]]]:
    """Orders whose money is unclear or differs, and refunds that failed."""
    orders = uow.session.scalars(
        select(PaymentOrder).where(PaymentOrder.state.in_(CASE_ORDERS)).order_by(PaymentOrder.id).limit(PAGE_ROWS)
    ).all()
    refunds = uow.session.scalars(
        select(Refund).where(Refund.state == RefundState.FAILED).order_by(Refund.id).limit(PAGE_ROWS)
    ).all()
    cells = [
        [
            show_work.exact(order.created_at),
            order.out_trade_no,
            show.yuan(order.amount_fen),
            "—",
            show_work.tag(order.state),
        ]
        for order in orders
    ]
    cells += [
        [
            show_work.exact(refund.requested_at),
            refund.out_refund_no,
            show.yuan(refund.amount_fen),
            refund.failure or "—",
            show_work.tag(refund.state),
        ]
        for refund in refunds
    ]
    return [*orders, *refunds], cells


# A list's name: its title, its columns, the states to filter by (None: all of it is on one page), its reader.
LISTS: dict[str, tuple[object, tuple[object, ...], type[enum.StrEnum] | None, Reader]] = {
    "bills": (
        _l("账单"),
        (_l("时间"), _l("项目"), _l("患者"), _l("合计"), _l("医保"), _l("个人账户"), _l("现金"), _l("状态")),
        BillState,
        _bills,
    ),
    "orders": (
        _l("支付单"),
        (_l("时间"), _l("商户订单号"), _l("方式"), _l("应付"), _l("已付"), _l("已退"), _l("状态")),
        OrderState,
        _orders,
    ),
    "refunds": (
        _l("退款"),
        (_l("时间"), _l("退款单号"), _l("原因"), _l("金额"), _l("失败原因"), _l("状态")),
        RefundState,
        _refunds,
    ),
    "cases": (_l("待处理"), (_l("时间"), _l("单号"), _l("金额"), _l("失败原因"), _l("状态")), None, _cases),
}
