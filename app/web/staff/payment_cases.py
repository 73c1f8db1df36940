"""Money that needs a person: what is wrong with it, what to do next, and the ways on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import flash, redirect, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.kernel.errors import NotFound
from app.kernel.uow import Uow
from app.payment import for_staff as money
from app.payment import mixed_cases, receipts
from app.payment.models import Bill, MixedOrder, PaymentOrder, Refund
from app.payment.states import OrderState
from app.web import edge, show, show_work, work
from app.web.staff import FINANCE, blueprint

# By what is wrong with an order: the words for it, and what to do.
NEXT_STEPS = {
    OrderState.UNKNOWN: _l("会自动继续查询，暂时不用处理。"),
    OrderState.MISMATCH: _l("请在支付平台核对这笔钱，处理好以后关闭，患者才能重新支付。"),
}
MIXED_FLAWS = {
    mixed_cases.PROVIDER_SUMS: _l("微信支付的金额与医保报价不同"),
    "figures_changed": _l("医保结算的金额与报价不同"),
}
MIXED_NEXT = _l(
    "没有按这些金额入账。请与医保经办机构和微信支付核实：对方更正后会自动入账，也可以立即重新查询；不再更正的，把两部分都退回。"
)
REFUND_NEXT = _l("请在支付平台查看原因，在那里退给患者；退成以后会自动记录。")


def read(uow: Uow) -> tuple[Sequence[Any], list[list[Any]]]:
    """Orders whose money is unclear or differs, and refunds that failed: the rows, and their cells."""
    mixed, orders, refunds = money.differing_mixed(uow), money.unclear_orders(uow), money.failed_refunds(uow)
    cells = [*(_mixed(*each) for each in mixed), *map(_order, orders), *map(_refund, refunds)]
    return [*(order for _, order, _ in mixed), *orders, *refunds], cells


def _mixed(mixed: MixedOrder, order: PaymentOrder, bill: Bill) -> list[Any]:
    sums = gettext("%(total)s，其中自付 %(cash)s", total=show.yuan(bill.total_fen), cash=show.yuan(order.amount_fen))
    flaw = MIXED_FLAWS.get(mixed.flaw) or gettext("对方的回答不可信：%(flaw)s", flaw=mixed.flaw)
    ways = [_way(order, deed) for deed in DEEDS if deed != "close"]
    return [
        show_work.exact(order.created_at),
        order.out_trade_no,
        sums,
        str(flaw),
        str(MIXED_NEXT),
        ways if FINANCE in edge.actor().roles else [],
        show_work.tag(mixed.state),
    ]


def _order(order: PaymentOrder) -> list[Any]:
    may_close = order.state == OrderState.MISMATCH and FINANCE in edge.actor().roles
    return [
        show_work.exact(order.created_at),
        order.out_trade_no,
        show.yuan(order.amount_fen),
        "—",
        str(NEXT_STEPS[order.state]),
        [_way(order, "close")] if may_close else [],
        show_work.tag(order.state),
    ]


def _refund(refund: Refund) -> list[Any]:
    return [
        show_work.exact(refund.requested_at),
        refund.out_refund_no,
        show.yuan(refund.amount_fen),
        refund.failure or "—",
        str(REFUND_NEXT),
        [],
        show_work.tag(refund.state),
    ]


def _way(order: PaymentOrder, deed: str) -> dict[str, str]:
    href = url_for("staff.see_to_order", order_id=order.public_id, deed=deed)
    return {"label": str(DEEDS[deed][0]), "href": href}


@blueprint.post("/payments/orders/<order_id>/<deed>")
@work.needs(FINANCE)
def see_to_order(order_id: str, deed: str) -> edge.Answer:
    """One of the ways on, as somebody of the finance office decided; refuses NotFound, `illegal_move`."""
    if deed not in DEEDS:
        raise NotFound
    _, done, act = DEEDS[deed]
    act(edge.current_uow(), order_id)
    flash(str(done), "ok")
    return redirect(url_for("staff.payments", list="cases"))


def _close(uow: Uow, order_id: str) -> None:
    receipts.close_mismatch(uow, public_id=order_id)


def _ask_again(uow: Uow, order_id: str) -> None:
    mixed_cases.ask_again(uow, public_id=order_id)


def _give_back(uow: Uow, order_id: str) -> None:
    mixed_cases.give_back(uow, public_id=order_id)


# By the address: the button, what is said when it is done, and what it does.
DEEDS: dict[str, tuple[object, object, Callable[[Uow, str], None]]] = {
    "close": (_l("已核对，关闭"), _l("已关闭，账单可以重新支付"), _close),
    "ask-again": (_l("重新查询"), _l("即将重新查询"), _ask_again),
    "give-back": (_l("两部分都退回"), _l("已开始退回，医保部分的进展见“医保结算”"), _give_back),
}
