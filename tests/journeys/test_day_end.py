"""The end of a day over the wire: the insurer's ledger and the hospital system's books beside ours, and put right."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import pytest
import requests
from sqlalchemy import select

from app.couriers.fsi_statements import FsiStatements
from app.couriers.hospital_bookings import HospitalBookings
from app.insurance.models import Settlement
from app.kernel.clock import SystemClock, at_hospital
from app.kernel.uow import Actor, Units
from app.reconciliation import closing, letters, service
from app.reconciliation.insured import InsurerStatement
from app.reconciliation.matching import NEAR_MIDNIGHT
from app.reconciliation.models import Case, Run
from app.reconciliation.ports import StatementSource
from app.reconciliation.states import CaseKind, CaseState, RunState, Source, Subject
from config import Hl7Settings, HospitalStatementSettings
from hl7_adapter.sender import Sender
from tests.conftest import SHANGHAI, SetClock
from tests.factories_prescription import approved, line, order, received
from tests.factories_settlement import House, fsi_settings, house, switch
from tests.sandbox.fixtures import RunningSandbox, running_sandbox


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """An outside world of one's own, whose ledgers hold nothing of another test's."""
    with running_sandbox(tmp_path_factory.mktemp("world")) as running:
        yield running


@pytest.fixture
def home(units: Units, clock: SetClock, world: RunningSandbox) -> House:
    """The house today, since the world outside has no other day; at no time that may be tomorrow on another's clock."""
    now = datetime.now(UTC).replace(microsecond=0)
    midnight = at_hospital(now.astimezone(SHANGHAI).date() + timedelta(days=1), time(0), SHANGHAI)
    clock.at(min(now, midnight - NEAR_MIDNIGHT - timedelta(minutes=5)))
    return house(units, clock, world)


def next_noon(home: House) -> None:
    today = home.clock.now().astimezone(SHANGHAI).date()
    home.clock.at(at_hospital(today + timedelta(days=1), time(12), SHANGHAI))


def plant(world: RunningSandbox, who: str, kind: str, **named: str) -> str:
    order = {"kind": kind, **named}
    answer = requests.post(f"{world.http_url}/sandbox/{who}/plant", json=order, timeout=30)
    answer.raise_for_status()
    return next(iter(answer.json().values()))  # type: ignore[no-any-return]


def compared(home: House, source: Source, told_by: StatementSource) -> dict[str, tuple[CaseKind, CaseState]]:
    """The day that is over, compared (once more); its cases by our number, or by theirs where we have none."""
    day = home.clock.now().astimezone(SHANGHAI).date() - timedelta(days=1)
    with home.units.open(Actor("job", "test")) as uow:
        run = service.run_of(uow, source, day)
        if run is not None and run.state == RunState.MATCHED:
            service.compare_again(uow, public_id=run.public_id)
    service.reconcile(home.units, {source: told_by})
    with home.units.open(reads_only=True) as uow:
        run = service.run_of(uow, source, day)
        assert run
        assert run.state == RunState.MATCHED, run.code
        cases = uow.session.scalars(select(Case).where(Case.run_id == run.id)).all()
        return {case.number: (case.kind, case.state) for case in cases}


def batches(home: House) -> dict[str, str]:
    """Our batch number of each settlement, by the insurer's number of it."""
    with home.units.open(reads_only=True) as uow:
        rows = uow.session.execute(select(Settlement.setl_id, Settlement.batch_no))
        return {setl_id: batch_no for setl_id, batch_no in rows if setl_id}


def settled(home: House, count: int) -> None:
    """So many prescriptions were settled with the insurer and paid, the last one dear enough for the fund to pay."""
    for dearer in range(count):
        number, issued_at = f"RX{dearer}", home.clock.now() - timedelta(minutes=5)
        written = order(home.who.patient.id, line("AML5", 20 + dearer), number=number, issued_at=issued_at)
        made = approved(home.units, home.reviewer, received(home.units, written))
        home.work()
        home.pay(home.bill(made))
        home.work()


def test_the_insurers_ledger_is_asked_and_every_difference_of_it_is_a_case(home: House, world: RunningSandbox) -> None:
    settled(home, 3)
    gone, _, changed = batches(home)
    ours = batches(home)
    told_by = InsurerStatement(home.units, FsiStatements(fsi_settings(world), SystemClock()))
    next_noon(home)

    switch(world, "down")
    assert run_after(home, told_by) == (RunState.DUE, "insurer_away")
    home.clock.step(minutes=31)
    assert compared(home, Source.INSURER, told_by) == {}
    with home.units.open(reads_only=True) as uow:
        (side,) = [
            each for each in closing.sides(uow, uow.today() - timedelta(days=1)) if each.source is Source.INSURER
        ]
    assert (side.here, side.is_clear) == (side.there, True)
    assert (side.here.in_count, side.here.in_fen > 0) == (3, True)

    plant(world, "insurer", "only_here", setl_id=gone)
    plant(world, "insurer", "amount", setl_id=changed)
    strange = plant(world, "insurer", "only_there", setl_id=changed)
    expected = {
        ours[gone]: missing(home, gone),
        ours[changed]: (CaseKind.AMOUNT_DIFFERS, CaseState.OPEN),
        strange: (CaseKind.ONLY_THERE, CaseState.OPEN),
    }
    for flaw in ("", "stmt_gbk", "stmt_bom"):
        if flaw:
            switch(world, flaw)
        assert compared(home, Source.INSURER, told_by) == expected

    with home.units.open(reads_only=True) as uow:
        fund = {case.kind: (case.here_fen, case.there_fen) for case in uow.session.scalars(select(Case))}
    here_fen, there_fen = fund[CaseKind.AMOUNT_DIFFERS]
    assert (there_fen or 0) - (here_fen or 0) == 1
    switch(world, "stmt_half")
    with home.units.open(Actor("job", "test")) as uow:
        service.compare_again(uow, public_id=run_of(home).public_id)
    assert run_after(home, told_by) == (RunState.REFUSED, "cut_short")


def missing(home: House, setl_id: str) -> tuple[CaseKind, CaseState]:
    """What the insurer's own clock settled right before midnight may be told tomorrow; the world has no other clock."""
    with home.units.open(reads_only=True) as uow:
        settled_at = uow.session.scalar(select(Settlement.settled_at).where(Settlement.setl_id == setl_id))
        ends = at_hospital(uow.today(), time(0), SHANGHAI)
    assert settled_at
    is_late = settled_at >= ends - NEAR_MIDNIGHT
    return (CaseKind.OTHER_DAY, CaseState.WAITING) if is_late else (CaseKind.ONLY_HERE, CaseState.OPEN)


def run_of(home: House) -> Run:
    with home.units.open(reads_only=True) as uow:
        run = service.run_of(uow, Source.INSURER, uow.today() - timedelta(days=1))
        assert run
        return run


def run_after(home: House, told_by: StatementSource) -> tuple[RunState, str]:
    service.reconcile(home.units, {Source.INSURER: told_by})
    run = run_of(home)
    return run.state, run.code


def test_a_booking_that_the_hospital_system_lost_is_told_again_on_a_click_and_found(
    home: House, world: RunningSandbox
) -> None:
    settled(home, 3)
    env = world.env
    told_by = HospitalBookings(HospitalStatementSettings(env["HIS_STATEMENT_URL"], env["HIS_STATEMENT_TOKEN"], 5))
    tell(home, world)
    next_noon(home)
    assert compared(home, Source.HOSPITAL, told_by) == {}

    lost, _, changed = told(world)
    plant(world, "his", "lost", control_id=lost["control_id"])
    plant(world, "his", "amount", control_id=changed["control_id"])
    strange = plant(world, "his", "only_there")
    lost_bill, changed_bill = bill_of(lost), bill_of(changed)
    assert compared(home, Source.HOSPITAL, told_by) == {
        lost_bill: (CaseKind.ONLY_HERE, CaseState.OPEN),
        changed_bill: (CaseKind.AMOUNT_DIFFERS, CaseState.OPEN),
        strange: (CaseKind.ONLY_THERE, CaseState.OPEN),
    }

    with home.units.open(Actor("staff", "finance")) as uow:
        case = uow.session.scalars(select(Case).where(Case.number == lost_bill)).one()
        letters.resend(uow, case)
        assert (case.subject, case.state) == (Subject.PAYMENT, CaseState.WAITING)
    tell(home, world)
    service.reconcile(home.units, {Source.HOSPITAL: told_by})

    with home.units.open(reads_only=True) as uow:
        states = {row.number: row.state for row in uow.session.scalars(select(Case))}
    assert states == {lost_bill: CaseState.EXPLAINED, changed_bill: CaseState.OPEN, strange: CaseState.OPEN}
    again = {each["control_id"]: each["raw"] for each in told(world)}
    assert again[lost["control_id"]] == lost["raw"], "the same letter under the same number"


def tell(home: House, world: RunningSandbox) -> None:
    """The sender has told the hospital system of all that waits."""
    settings = Hl7Settings(his_host="127.0.0.1", his_port=world.his_port, answer_timeout_seconds=5)

    async def until_told() -> None:
        sender = Sender(home.units, settings)
        while await sender.round():
            pass
        sender.stopping.set()
        await sender.run()

    asyncio.run(until_told())


def told(world: RunningSandbox) -> list[dict[str, str]]:
    """The payments that the hospital system heard of, oldest first."""
    heard = requests.get(f"{world.http_url}/sandbox/his/received?message_type=DFT^P03", timeout=30).json()
    return list(reversed(heard))


def bill_of(message: dict[str, str]) -> str:
    (number,) = {row.split("|")[2].split("-")[0] for row in message["raw"].splitlines() if row.startswith("FT1")}
    return number
