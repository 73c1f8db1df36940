"""Money: bills, the orders by which they were asked for, refunds, and the cases that need a person."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from app.kernel.uow import Uow
from app.payment import for_staff as money
from app.payment.models import Bill, PaymentOrder, Refund
from app.payment.states import BillState, OrderState, RefundState
from app.web import edge, show, show_work, work
from app.web.staff import ADMIN, AUDITOR, CASHIER, FINANCE, OPERATIONS, PLACE, blueprint, payment_cases
from app.web.staff.lists import asked, day_fields, field, paging

Reader = Callable[[Uow], tuple[Sequence[Any], list[list[Any]]]]


@blueprint.get("/payments")
@work.needs(ADMIN, OPERATIONS, FINANCE, CASHIER, AUDITOR)
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


def _bills(uow: Uow) -> tuple[Sequence[Any], list[list[Any]]]:
    rows = money.bills(uow, asked(uow, BillState))
    return [bill for bill, _ in rows], [_bill(bill, name) for bill, name in rows]


def _bill(bill: Bill, name: str) -> list[Any]:
    return [
        show_work.exact(bill.opened_at),
        _refund_link(bill),
        name,
        show.yuan(bill.total_fen),
        show.yuan(bill.fund_fen + bill.other_fen),
        show.yuan(bill.account_fen),
        show.yuan(bill.cash_fen),
        show_work.tag(bill.state),
    ]


def _refund_link(bill: Bill) -> str:
    """What the bill is for; for those who may give money back, it leads to doing so."""
    words = str(show_work.PURPOSES[bill.purpose])
    if not edge.actor().roles & {FINANCE, CASHIER}:
        return words
    return Markup('<a href="{}">{}</a>').format(url_for("staff.refund_bill", bill_id=bill.public_id), words)


def _orders(uow: Uow) -> tuple[Sequence[Any], list[list[Any]]]:
    rows = money.orders(uow, asked(uow, OrderState))
    return rows, [_order(order) for order in rows]


def _order(order: PaymentOrder) -> list[Any]:
    return [
        show_work.exact(order.created_at),
        order.out_trade_no,
        str(show_work.METHODS[order.method]),
        show.yuan(order.amount_fen),
        show.yuan(order.paid_fen),
        show.yuan(order.refunded_fen),
        show_work.tag(order.state),
    ]


def _refunds(uow: Uow) -> tuple[Sequence[Any], list[list[Any]]]:
    rows = money.refunds(uow, asked(uow, RefundState))
    return rows, [_refund(refund) for refund in rows]


def _refund(refund: Refund) -> list[Any]:
    return [
        show_work.exact(refund.requested_at),
        refund.out_refund_no,
        str(show_work.REFUND_REASONS.get(refund.reason, refund.reason)),
        show.yuan(refund.amount_fen),
        refund.failure or "—",
        show_work.tag(refund.state),
    ]


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
    "cases": (
        _l("待处理"),
        (_l("时间"), _l("单号"), _l("金额"), _l("失败原因"), _l("下一步"), _l("操作"), _l("状态")),
        None,
        payment_cases.read,
    ),
}
