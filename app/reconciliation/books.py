"""Our own books as they are laid beside each statement: number, here_fen, whether it is done, and since when (`at`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Select, case, func, literal, or_, select, true
from sqlalchemy.orm import aliased

from app.insurance.models import Settlement, Split
from app.insurance.states import SettlementState
from app.kernel.clock import at_hospital
from app.kernel.uow import Uow
from app.payment.models import Bill, CashierEntry, PaymentOrder, PayMethod, Refund
from app.payment.states import RefundState
from app.reconciliation.insured import INSURED_FEN
from app.reconciliation.models import Run, StatementRow
from app.reconciliation.states import Outcome, Source, Subject

ONE_DAY = timedelta(days=1)
_Query = Select[*tuple[Any, ...]]


def bounds(uow: Uow, day: date) -> tuple[datetime, datetime]:
    """The instants at which the hospital's day begins and ends."""
    return at_hospital(day, time(0), uow.zone), at_hospital(day + ONE_DAY, time(0), uow.zone)


@dataclass(frozen=True)
class Ours:
    """One subject in our own books; `query` gives number, fen, is_done and at."""

    subject: Subject
    query: Callable[[date, Uow], _Query]


def _payments(provider: str) -> Callable[[date, Uow], _Query]:
    is_done = PaymentOrder.paid_fen > 0
    amount = case((is_done, PaymentOrder.paid_fen), else_=PaymentOrder.amount_fen)
    return lambda _day, _uow: select(
        PaymentOrder.out_trade_no.label("number"),
        amount.label("fen"),
        is_done.label("is_done"),
        PaymentOrder.paid_at.label("at"),
    ).where(PaymentOrder.provider == provider)


def _refunds(provider: str) -> Callable[[date, Uow], _Query]:
    return lambda _day, _uow: (
        select(
            Refund.out_refund_no.label("number"),
            Refund.amount_fen.label("fen"),
            (Refund.state == RefundState.SUCCEEDED).label("is_done"),
            Refund.finished_at.label("at"),
        )
        .join(PaymentOrder, PaymentOrder.id == Refund.payment_order_id)
        .where(PaymentOrder.provider == provider)
    )


def _settlements(_day: date, _uow: Uow) -> _Query:
    """By our batch number; the insurer has numbers of its own. What came to another end here is not done."""
    return select(
        Settlement.batch_no.label("number"),
        INSURED_FEN.label("fen"),
        (Settlement.state == SettlementState.SETTLED).label("is_done"),
        func.coalesce(Settlement.settled_at, Settlement.asked_at).label("at"),
    ).join(Split, Split.id == Settlement.split_id)


def _told_paid(_day: date, _uow: Uow) -> _Query:
    """The bills of whose payment the hospital system was told, by the number that our FT1-2 begins with."""
    return select(
        Bill.public_id.label("number"),
        Bill.total_fen.label("fen"),
        Bill.paid_at.is_not(None).label("is_done"),
        Bill.paid_at.label("at"),
    )


def _told_given_back(_day: date, _uow: Uow) -> _Query:
    """As above, of what went back of them; money that settled no bill goes back without a word to it."""
    whole = Refund.amount_fen + Refund.fund_fen + Refund.other_fen + Refund.account_fen
    return (
        select(
            Refund.public_id.label("number"),
            whole.label("fen"),
            (Refund.state == RefundState.SUCCEEDED).label("is_done"),
            Refund.finished_at.label("at"),
        )
        .outerjoin(PaymentOrder, PaymentOrder.id == Refund.payment_order_id)
        .where(or_(Refund.payment_order_id.is_(None), PaymentOrder.settles_bill))
    )


def _told_by_trade_bill(day: date, _uow: Uow) -> _Query:
    """What the trade bill of the day says must have moved the account: payments in, finished refunds out."""
    told, trade = aliased(StatementRow), aliased(Run)
    return (
        select(
            told.foreign_no.label("number"),
            case((told.subject == Subject.REFUND, -told.amount_fen), else_=told.amount_fen).label("fen"),
            (told.outcome == Outcome.DONE).label("is_done"),
            told.at.label("at"),
        )
        .join(trade, trade.id == told.run_id)
        .where(trade.source == Source.WECHAT, trade.day == day, told.outcome == Outcome.DONE)
    )


def _slips(*, is_refund: bool) -> Callable[[date, Uow], _Query]:
    """The card terminals' slips of the day and of those beside it, named as `payment.rules.slip_reference` does."""

    def query(day: date, uow: Uow) -> _Query:
        begins, ends = bounds(uow, day)
        day_of = case(
            (CashierEntry.made_at < begins, f"{day - ONE_DAY:%y%m%d}"),
            (CashierEntry.made_at >= ends, f"{day + ONE_DAY:%y%m%d}"),
            else_=f"{day:%y%m%d}",
        )
        slip = func.coalesce(func.nullif(func.ltrim(CashierEntry.slip_no, "0"), ""), "0")
        return select(
            (literal("P") + CashierEntry.terminal_no + "-" + day_of + "-" + slip).label("number"),
            func.abs(CashierEntry.amount_fen).label("fen"),
            true().label("is_done"),
            CashierEntry.made_at.label("at"),
        ).where(
            CashierEntry.method == PayMethod.CARD,
            CashierEntry.refund_id.is_not(None) if is_refund else CashierEntry.refund_id.is_(None),
            CashierEntry.made_at >= begins - ONE_DAY,
            CashierEntry.made_at < ends + ONE_DAY,
        )

    return query


OURS: dict[Source, tuple[Ours, ...]] = {
    Source.WECHAT: (Ours(Subject.PAYMENT, _payments("wechat")), Ours(Subject.REFUND, _refunds("wechat"))),
    Source.WECHAT_FUNDS: (Ours(Subject.FLOW, _told_by_trade_bill),),
    Source.ALIPAY: (Ours(Subject.PAYMENT, _payments("alipay")), Ours(Subject.REFUND, _refunds("alipay"))),
    Source.INSURER: (Ours(Subject.SETTLEMENT, _settlements),),
    Source.POS: (Ours(Subject.PAYMENT, _slips(is_refund=False)), Ours(Subject.REFUND, _slips(is_refund=True))),
    Source.HOSPITAL: (Ours(Subject.PAYMENT, _told_paid), Ours(Subject.REFUND, _told_given_back)),
}
