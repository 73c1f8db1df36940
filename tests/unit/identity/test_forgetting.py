"""Log-ins that are over are forgotten after their time; what is in force, or may still be sent, stays."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select, update

from app.identity import clients, forgetting, logins
from app.identity.models import ApiToken, LoginSession, PhoneCode
from app.kernel.outbox import OutboxItem, OutboxState
from app.kernel.uow import Actor, Units
from tests.conftest import SetClock


def counts(units: Units) -> list[int]:
    with units.open(reads_only=True) as uow:
        tables = (LoginSession, PhoneCode, ApiToken)
        return [uow.session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


def forget(units: Units, limit: int = 100) -> int:
    with units.open(Actor("job", "forget")) as uow:
        return forgetting.forget_over(uow, over_before=uow.now() - timedelta(days=30), limit=limit)


def one_of_each(units: Units, number: int) -> None:
    with units.open() as uow:
        uow.session.add(
            LoginSession(
                secret_hash=f"{number:064d}",
                kind="patient",
                created_at=uow.now(),
                seen_at=uow.now(),
                ends_at=uow.now() + timedelta(days=7),
            )
        )
        code = logins.request_phone_code(uow, phone=f"1380013800{number}")
        uow.session.flush()
        uow.session.execute(update(OutboxItem).where(OutboxItem.key == code).values(state=OutboxState.SENT))
        client, secret = clients.file_client(uow, name=f"His {number}", scopes=["system/Slot.read"])
        uow.session.flush()
        assert clients.grant(uow, public_id=client.public_id, secret=secret, asked=[]) is not None


def test_what_is_over_goes_in_small_batches_and_what_is_in_force_stays(units: Units, clock: SetClock) -> None:
    for number in range(3):
        one_of_each(units, number)
    clock.step(days=35)
    one_of_each(units, 3)

    first = forget(units, limit=2)  # the log-ins lasted seven days, and were over 28 days ago
    clock.step(days=3)

    assert (first, [forget(units, limit=2) for _ in range(4)]) == (4, [4, 1, 0, 0])
    assert counts(units) == [1, 1, 1]


def test_a_code_that_may_still_be_sent_stays(units: Units, clock: SetClock) -> None:
    one_of_each(units, 1)
    with units.open() as uow:
        uow.session.execute(update(OutboxItem).values(state=OutboxState.DEAD))
    clock.step(days=100)

    forget(units)

    assert counts(units) == [0, 1, 0]
