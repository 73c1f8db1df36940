"""The straight line to PostgreSQL says and understands what the driver does, and survives what the driver survives."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import bindparam, cast, event, literal_column, select, text
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.types import TypeEngine

from app.identity.models import Account
from app.kernel import audit, hot
from app.kernel.audit import AuditEvent
from app.kernel.hot import Hot
from app.kernel.uow import Units
from tests.conftest import is_postgres

pytestmark = pytest.mark.skipif(not is_postgres(), reason="there is no such line to SQLite")
ONE = Hot(select(literal_column("1")))
BYTES = bytes(range(256)) + b"it's \\ a 'quote'"
SAID = ["text 'with' %s and 100%", "", "张秀英", 0, -(2**40), True, False, None, Decimal("1.50"), date(2026, 2, 28)]


@pytest.mark.parametrize("value", [*SAID, BYTES, datetime(2026, 2, 28, 23, 59, 59, 123456, tzinfo=UTC)])
def test_a_value_comes_back_as_it_went(units: Units, value: object) -> None:
    kind: TypeEngine[object] = bindparam("p_value", "" if value is None else value).type
    echo = Hot(select(cast(bindparam("p_value"), kind), literal_column("'100%'")))
    with units.open() as uow:
        assert echo.first(uow, {"p_value": value}) == (value, "100%")


def test_a_text_that_postgresql_cannot_keep_is_refused_and_not_cut(units: Units) -> None:
    echo = Hot(select(bindparam("p_value", "")))
    with pytest.raises(DataError), units.open() as uow:
        echo.first(uow, {"p_value": "before\x00after"})


def test_what_the_driver_throws_out_is_prepared_again(units: Units) -> None:
    """The driver drops every prepared statement of a connection when it goes back to a savepoint."""
    with units.open() as uow:
        assert ONE.first(uow, {}) == (1,)
        for _ in range(7):  # so often that the driver, too, has prepared something to drop
            uow.session.execute(text("SELECT 2"))
        uow.session.begin_nested().rollback()
        part = uow.session.begin_nested()
        uow.session.execute(text("SELECT 2"))
        part.rollback()

        assert ONE.first(uow, {}) == (1,)


def test_after_a_refusal_what_was_prepared_is_still_there(units: Units) -> None:
    def refused() -> None:
        with units.open() as uow:
            ONE.first(uow, {})
            uow.session.execute(text("SELECT 1 / 0"))

    units.engine.dispose()  # so that there is but one connection
    with pytest.raises(DataError):
        refused()

    with units.open() as uow:
        prepared = uow.session.scalars(text("SELECT statement FROM pg_prepared_statements WHERE name LIKE 'hot%'"))
        assert "SELECT 1" in set(prepared)


def test_a_line_that_is_cut_is_told_as_lost_and_another_is_taken(units: Units) -> None:
    def cut() -> None:
        with units.open() as uow:
            ONE.first(uow, {})
            own = uow.session.scalar(text("SELECT pg_backend_pid()"))
            with units.open() as other:
                other.session.execute(text("SELECT pg_terminate_backend(:own, 5000)"), {"own": own})
            ONE.first(uow, {})

    with pytest.raises(OperationalError) as lost:
        cut()
    assert lost.value.connection_invalidated

    with units.open() as uow:
        assert ONE.first(uow, {}) == (1,)


def test_rows_put_off_go_out_as_one_statement_with_the_end(units: Units) -> None:
    sent: list[str] = []
    with units.open() as uow:
        hot.new_key(uow, Account)  # so that keys are at hand
    event.listen(units.engine, "before_cursor_execute", lambda _one, _cursor, words, *_rest: sent.append(words))

    with units.open() as uow:
        for number in (1, 2):
            hot.put_later(uow, Account(phone_sealed="", phone_index=f"{number:032x}", created_at=uow.now()))
        audit.record(uow, "test.deed", "account", "x")

    assert [words.count("INSERT INTO") for words in sent] == [2], "one for each table"


def test_rows_written_together_keep_their_order(units: Units) -> None:
    deeds = [f"test.deed.{number}" for number in range(7)]
    with units.open() as uow:
        for deed in deeds:
            audit.record(uow, deed, "account", "x")

    with units.open() as uow:
        assert list(uow.session.scalars(select(AuditEvent.action).order_by(AuditEvent.id))) == deeds
