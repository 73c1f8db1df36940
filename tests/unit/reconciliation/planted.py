"""A day of many ordinary payments with every kind of difference planted among them, and what each must be found as."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from sqlalchemy import insert

from app.kernel.clock import at_hospital
from app.kernel.ids import new_public_id
from app.kernel.uow import Units
from app.payment.models import Bill, PaymentOrder, PayMethod, Purpose, Refund
from app.payment.states import BillState, OrderState, RefundState
from app.reconciliation.states import CaseKind, CaseState, Subject
from tests import factories_prescription as written
from tests.conftest import SetClock
from tests.factories import Person, person
from tests.unit.ledger.week import Week
from tests.unit.reconciliation.statements import alipay_row, flow, payment, refund

PIECE = 5000
Found = dict[tuple[Subject, str], tuple[CaseKind, CaseState]]


@dataclass
class Day:
    """The hospital's day that is over, as our books have it (`orders`, `refunds`) and as the provider tells it."""

    units: Units
    who: Person
    begins: datetime
    ends: datetime
    trade: list[str] = field(default_factory=list)
    trade_of_next: list[str] = field(default_factory=list)
    funds: list[str] = field(default_factory=list)
    cases: Found = field(default_factory=dict)
    funds_cases: Found = field(default_factory=dict)
    _number: int = 0

    def number(self, prefix: str) -> str:
        self._number += 1
        return f"{prefix}{self._number:026d}"

    def order(self, at: datetime | None, *, fen: int = 2500, provider: str = "wechat") -> str:
        """An order of our own; paid at `at`, or still open when that is None."""
        number = self.number("mz")
        self.keep([(number, fen, at)], provider)
        return number

    def keep(self, orders: list[tuple[str, int, datetime | None]], provider: str = "wechat") -> None:
        """Orders with a bill each stand in our books."""
        with self.units.open() as uow:
            bill_id = (uow.session.query(Bill.id).order_by(Bill.id.desc()).limit(1).scalar() or 0) + 1
            bills, rows = [], []
            for offset, (number, fen, at) in enumerate(orders):
                bills.append(self._bill(bill_id + offset, fen, at))
                rows.append(self._order(bill_id + offset, number, fen, at) | {"provider": provider})
            uow.session.execute(insert(Bill), bills)
            uow.session.execute(insert(PaymentOrder), rows)

    def _bill(self, key: int, fen: int, at: datetime | None) -> dict[str, object]:
        return {
            "id": key,
            "public_id": new_public_id(),
            "purpose": Purpose.REGISTRATION,
            "subject_id": 1_000_000 + key,
            "patient_id": self.who.patient.id,
            "total_fen": fen,
            "cash_fen": fen,
            "fund_fen": 0,
            "other_fen": 0,
            "account_fen": 0,
            "state": BillState.PAID if at else BillState.OPEN,
            "opened_at": self.begins,
            "paid_at": at,
        }

    def _order(self, bill_id: int, number: str, fen: int, at: datetime | None) -> dict[str, object]:
        return {
            "public_id": new_public_id(),
            "bill_id": bill_id,
            "provider": "wechat",
            "method": PayMethod.NATIVE,
            "live_key": "native",
            "out_trade_no": number,
            "amount_fen": fen,
            "description": "门诊挂号费",
            "state": OrderState.PAID if at else OrderState.ASKED,
            "created_at": self.begins,
            "expires_at": self.ends,
            "lapses_at": self.ends,
            "query_due_at": self.ends + timedelta(days=9),
            "close_due_at": self.ends + timedelta(days=9),
            "transaction_id": f"T{number[2:]}" if at else None,
            "paid_fen": fen if at else 0,
            "refunded_fen": 0,
            "paid_at": at,
            "settles_bill": at is not None,
        }

    def refund(self, state: RefundState, at: datetime | None, *, fen: int = 700, provider: str = "wechat") -> str:
        """A refund of our own of an order of yesterday."""
        number = self.number("rf")
        order = self.order(self.begins - timedelta(days=1), provider=provider)
        with self.units.open() as uow:
            kept = uow.session.query(PaymentOrder).filter_by(out_trade_no=order).one()
            kept.refunded_fen = fen
            uow.session.add(
                Refund(
                    bill_id=kept.bill_id,
                    payment_order_id=kept.id,
                    out_refund_no=number,
                    amount_fen=fen,
                    reason="cancelled",
                    state=state,
                    requested_at=self.begins,
                    query_due_at=self.ends + timedelta(days=9),
                    finished_at=at,
                )
            )
        return number

    def ordinary(self, count: int, provider: str = "wechat") -> Iterator[str]:
        """`count` payments that both sides know alike; yields their rows."""
        told = payment if provider == "wechat" else alipay_row
        step = (self.ends - self.begins - timedelta(minutes=30)) / max(count, 1)
        for first in range(0, count, PIECE):
            orders = [
                (self.number("mz"), 100 + place % 9900, self.begins + timedelta(minutes=15) + place * step)
                for place in range(first, min(first + PIECE, count))
            ]
            self.keep([(number, fen, at.replace(microsecond=0)) for number, fen, at in orders], provider)
            yield from (told(number, fen, at) for number, fen, at in orders)

    def expect(self, subject: Subject, number: str, kind: CaseKind, state: CaseState = CaseState.OPEN) -> None:
        self.cases[subject, number] = (kind, state)


def begun(units: Units) -> Day:
    """Yesterday, empty."""
    with units.open() as uow:
        who, yesterday = person(uow), uow.today() - timedelta(days=1)
        begins = at_hospital(yesterday, time(0), uow.zone)
        return Day(units, who, begins, at_hospital(uow.today(), time(0), uow.zone))


def plant(day: Day, *, open_here: Sequence[tuple[str, int]] = ()) -> None:
    """Every kind of difference, both ways; `open_here` are numbers and fen of orders that nobody told us were paid."""
    noon, last, first = (
        day.begins + timedelta(hours=12),
        day.ends - timedelta(seconds=30),
        day.ends + timedelta(seconds=30),
    )

    for number, fen in open_here:
        day.trade.append(payment(number, fen, noon))
        day.expect(Subject.PAYMENT, number, CaseKind.OPEN_HERE, CaseState.REPAIRED)

    unknown = day.number("mz")
    day.trade.append(payment(unknown, 2500, noon))
    day.expect(Subject.PAYMENT, unknown, CaseKind.ONLY_THERE)

    missing = day.order(noon)
    day.expect(Subject.PAYMENT, missing, CaseKind.ONLY_HERE)

    for there_fen in (2499, 2501):
        differs = day.order(noon)
        day.trade.append(payment(differs, there_fen, noon))
        day.expect(Subject.PAYMENT, differs, CaseKind.AMOUNT_DIFFERS)

    twice = day.order(noon)
    day.trade += [payment(twice, 2500, noon), payment(twice, 2500, noon, foreign_no="Tsecond")]
    day.expect(Subject.PAYMENT, twice, CaseKind.TWICE_THERE)

    _plant_around_midnight(day, last, first)
    _plant_refunds(day, noon)
    unreadable = day.number("mz")
    day.trade.append(payment(unreadable, 2500, noon).replace("`25.00", "`=25"))
    day.expect(Subject.PAYMENT, unreadable, CaseKind.UNREADABLE)


def _plant_around_midnight(day: Day, last: datetime, first: datetime) -> None:
    """23:59 here and 00:01 there, the other way round, and one that no day's statement names."""
    told_tomorrow, told_today, told_never = day.order(last), day.order(first), day.order(last)
    day.trade_of_next.append(payment(told_tomorrow, 2500, first))
    day.trade.append(payment(told_today, 2500, last))
    day.expect(Subject.PAYMENT, told_tomorrow, CaseKind.OTHER_DAY, CaseState.WAITING)
    day.expect(Subject.PAYMENT, told_today, CaseKind.OTHER_DAY, CaseState.EXPLAINED)
    day.expect(Subject.PAYMENT, told_never, CaseKind.OTHER_DAY, CaseState.WAITING)


def _plant_refunds(day: Day, noon: datetime) -> None:
    agreed = day.refund(RefundState.SUCCEEDED, noon)
    day.trade.append(refund(agreed, 700, noon))
    planted = (
        (RefundState.SENT, None, "PROCESSING", 700, CaseKind.IN_PROGRESS_THERE, CaseState.WAITING),
        (RefundState.SENT, None, "SUCCESS", 700, CaseKind.OPEN_HERE, CaseState.OPEN),
        (RefundState.SUCCEEDED, noon, "FAIL", 700, CaseKind.FAILED_THERE, CaseState.OPEN),
        (RefundState.SUCCEEDED, noon, "SUCCESS", 699, CaseKind.AMOUNT_DIFFERS, CaseState.OPEN),
    )
    for ours, at, theirs, fen, kind, state in planted:
        number = day.refund(ours, at)
        day.trade.append(refund(number, fen, noon, state=theirs))
        day.expect(Subject.REFUND, number, kind, state)
    missing = day.refund(RefundState.SUCCEEDED, noon)
    day.expect(Subject.REFUND, missing, CaseKind.ONLY_HERE)
    unknown = day.number("rf")
    day.trade.append(refund(unknown, 700, noon))
    day.expect(Subject.REFUND, unknown, CaseKind.ONLY_THERE)


def plant_funds(day: Day) -> None:
    """The account moved as the trade bill says, but for one amount, one that never came, and one of nobody."""
    noon = day.begins + timedelta(hours=12)
    for place in range(4):
        number = day.order(noon)
        day.trade.append(payment(number, 2500, noon))
        foreign = f"T{number[2:]}"
        if place == 0:
            day.funds_cases[Subject.FLOW, foreign] = (CaseKind.ONLY_HERE, CaseState.OPEN)
            continue
        fen = 2499 if place == 1 else 2500
        if fen == 2499:
            day.funds_cases[Subject.FLOW, foreign] = (CaseKind.AMOUNT_DIFFERS, CaseState.OPEN)
        day.funds.append(flow(foreign, fen, noon))
    day.funds += [flow("Tnobody", 2500, noon), flow("W1", -90_000, noon, "提现")]
    day.funds_cases[Subject.FLOW, "Tnobody"] = (CaseKind.ONLY_THERE, CaseState.OPEN)


def asked_yesterday(units: Units, clock: SetClock, count: int) -> tuple[list[tuple[str, int]], list[Bill]]:
    """Orders that were asked for yesterday and of whose payment nobody told us, with their bills."""
    with units.open() as uow:
        written.stocked(uow)
    week = Week(units, clock, written.a_reviewer(units))
    clock.step(days=-1, hours=-3)
    week.opens("GI")
    asked = []
    for _ in range(count):
        who, _, bill = week.held()
        order = week.ask(who, bill)
        asked.append((order.out_trade_no, order.amount_fen, bill))
    clock.step(days=1, hours=3)
    return [(number, fen) for number, fen, _ in asked], [bill for *_, bill in asked]
