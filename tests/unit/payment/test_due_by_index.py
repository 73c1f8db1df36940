"""What the payment jobs ask every few seconds is found by an index, however many orders of years stand beside it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, text

from app.kernel.ids import new_public_id
from app.kernel.uow import Units, Uow
from app.payment import sql
from app.payment.models import Bill, BillLine, PaymentOrder, PayMethod, Purpose
from app.payment.states import BillState, OrderState
from tests.conftest import MORNING, SetClock, is_postgres
from tests.factories import Person
from tests.unit.payment.conftest import Asker

LONG_PAID = 1500


def long_paid(uow: Uow, who: Person) -> None:
    """Bills of last year, each paid by its order."""
    parts = {"fund_fen": 0, "other_fen": 0, "account_fen": 0, "cash_fen": 2500}
    at = MORNING - timedelta(days=365)
    bills = [
        {
            "public_id": new_public_id(),
            "purpose": Purpose.PRESCRIPTION,
            "subject_id": 10_000_000 + number,
            "patient_id": who.patient.id,
            "total_fen": 2500,
            "state": BillState.PAID,
            "opened_at": at,
            "paid_at": at,
            **parts,
        }
        for number in range(LONG_PAID)
    ]
    ids = uow.session.scalars(insert(Bill).returning(Bill.id), bills).all()
    line = {"line_no": 1, "invoice_category": "western", "name": "药", "quantity": 1, "unit": "盒", **parts}
    uow.session.execute(
        insert(BillLine), [{"bill_id": bill, "unit_price_fen": 2500, "amount_fen": 2500, **line} for bill in ids]
    )
    order = {
        "provider": "wechat",
        "method": PayMethod.NATIVE,
        "live_key": "native",
        "amount_fen": 2500,
        "description": "门诊药费",
        "state": OrderState.PAID,
        "paid_fen": 2500,
        "settles_bill": True,
        **dict.fromkeys(("created_at", "expires_at", "lapses_at", "query_due_at", "close_due_at", "paid_at"), at),
    }
    uow.session.execute(
        insert(PaymentOrder),
        [
            {"bill_id": bill, "public_id": new_public_id(), "out_trade_no": f"mz{bill}", "transaction_id": f"t{bill}"}
            | order
            for bill in ids
        ],
    )


@pytest.mark.skipif(not is_postgres(), reason="counts what PostgreSQL read")
def test_orders_to_be_asked_about_are_found_without_reading_those_long_paid(
    units: Units, asker: Asker, clock: SetClock
) -> None:
    with units.open() as uow:
        long_paid(uow, asker.who)
    number = asker.order()
    clock.step(minutes=31)
    with units.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE) payment_order"))
        connection.execute(text("VACUUM (ANALYZE) bill"))

    for claim in (sql.claim_orders_to_query, sql.claim_orders_to_close):
        with units.open() as uow:
            _as_among_millions(uow)
            before = _rows_read(uow)
            due = claim(uow, "wechat", limit=50, next_at=clock.now())
            rows_read = _rows_read(uow) - before
        assert [each for _, each in due] == [number]
        assert rows_read < LONG_PAID // 10, claim.__name__


def _as_among_millions(uow: Uow) -> None:
    """Reading the whole of so small a table may well be cheapest; of the years it stands for it never is."""
    uow.session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
    for whole_way in ("seqscan", "hashjoin", "mergejoin"):
        uow.session.execute(text(f"SET LOCAL enable_{whole_way} = off"))


def _rows_read(uow: Uow) -> int:
    read = text(
        "SELECT sum(coalesce(idx_tup_fetch, 0) + seq_tup_read) FROM pg_stat_xact_user_tables"
        " WHERE relname IN ('payment_order', 'bill')"
    )
    return int(uow.session.execute(read).scalar_one())
