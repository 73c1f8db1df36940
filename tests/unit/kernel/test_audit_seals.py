"""The audit trail and the history of states are sealed each minute; what is changed afterwards is found and named."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select, update

from app.kernel import audit
from app.kernel.audit import AuditEvent
from app.kernel.moves import Move
from app.kernel.uow import Units
from tests import factories
from tests.conftest import SetClock


def one_is_booked(units: Units, code: str = "D1") -> None:
    """Deeds, moves and looks of a visit that is booked."""
    with units.open() as uow:
        clinic, who = factories.clinic(uow, code=code), factories.person(uow)
    factories.booked(units, who, clinic.session)


def test_an_edited_audit_row_is_found(units: Units, clock: SetClock) -> None:
    with units.open() as uow:
        for number in range(5):
            audit.record(uow, "bill.read", "bill", number)
    with units.open() as uow:
        assert audit.seal(uow) is None, "a unit that is still open might own an earlier row"
    clock.step(seconds=61)
    with units.open() as uow:
        audit.seal(uow)
    with units.open() as uow:
        assert audit.verify(uow) == ""
        rows = uow.session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
        rows[2].subject_ref = "999"

    with units.open() as uow:
        assert f"rows 1 to {rows[4].id} are not as they were" in audit.verify(uow)


@pytest.mark.parametrize(
    "deed",
    [
        update(Move).values(why="nothing of the sort"),
        update(Move).values(by_ref="somebody else"),
        update(Move).values(to_state="paid"),
        delete(Move),
    ],
)
def test_an_edited_or_deleted_move_is_found(units: Units, clock: SetClock, deed) -> None:
    one_is_booked(units)
    clock.step(seconds=61)
    with units.open() as uow:
        first = audit.seal(uow)
    one_is_booked(units, "D2")
    clock.step(seconds=61)
    with units.open() as uow:
        second = audit.seal(uow)
        assert audit.verify(uow) == ""
    assert first
    assert second
    assert min(first.moves, second.moves) > 0
    assert second.moves_head != first.moves_head

    with units.open() as uow:
        uow.session.execute(deed.where(Move.id == second.last_move_id))
        assert f"moves {first.last_move_id + 1} to {second.last_move_id} are not as they were" in audit.verify(uow)


def test_a_move_put_in_among_sealed_ones_is_found(units: Units, clock: SetClock) -> None:
    one_is_booked(units)
    with units.open() as uow:
        newest = uow.session.scalars(select(Move).order_by(Move.id.desc()).limit(1)).one()
        newest.id += 1  # a key is free before it, as after a unit that was dropped
    clock.step(seconds=61)
    with units.open() as uow:
        audit.seal(uow)
        said = {column.key: getattr(newest, column.key) for column in Move.__table__.columns}
        uow.session.add(Move(**said | {"id": newest.id - 1}))

    with units.open() as uow:
        assert audit.verify(uow).startswith("moves 1 to")
