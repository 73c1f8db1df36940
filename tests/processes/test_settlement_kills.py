"""kill -9 at every call and every commit of an insured bill's saga, whatever becomes of the notification."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.cli import invariants
from app.insurance import settling
from app.kernel.uow import Units
from app.payment.states import BillState
from tests.conftest import MORNING
from tests.factories_settlement import house
from tests.processes.saga import NOTICES, HospitalClock, Saga
from tests.sandbox.fixtures import RunningSandbox, running_sandbox


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path_factory.mktemp("world")) as running:
        yield running


@pytest.fixture
def begin(units: Units, sandbox: RunningSandbox):
    """A new saga on the test's database; each is a patient and a prescription of its own."""

    def make(notice: str) -> Saga:
        clock = HospitalClock(MORNING)
        home = house(replace(units, clock=clock), clock, sandbox)
        home.prefix = f"RX{secrets.token_hex(6)}-"
        return Saga(home, notice, home.prescribed().id)

    return make


def check(saga: Saga) -> str:
    """One charge, one settlement and one invoice, or nothing of any of them; which of the two."""
    home = saga.home
    bill = saga.bill()
    assert bill is not None
    settled = [row for row in home.books() if row["state"] == "settled"]
    paid, returned = home.paid_and_returned()
    with home.units.open(reads_only=True) as uow:
        assert invariants.broken(uow) == {}
    assert len({row["chrg_bchno"] for row in home.books()}) == len(home.books())
    if bill.state is BillState.PAID:
        assert (len(settled), paid - returned, home.invoices()) == (1, bill.cash_fen, 1)
        assert home.used() == (189_16, 0, 0)
        return "paid"
    assert (settled, paid - returned, home.invoices()) == ([], 0, 0)
    assert home.used() == (0, 0, 30_00)
    return "undone"


def later(saga: Saga) -> None:
    """Nobody notices at once: it is two minutes later when the next process is started."""
    saga.home.clock.step(minutes=2)


@pytest.fixture(scope="module")
def lengths() -> dict[str, list[str]]:
    """The moments of an undisturbed saga, by notice."""
    return {}


def moments_of(begin, lengths: dict[str, list[str]], notice: str) -> list[str]:
    if notice not in lengths:
        saga = begin(notice)
        lengths[notice] = saga.live()
        assert check(saga) == "paid"
    return lengths[notice]


@pytest.mark.parametrize(("notice", "at"), [("twice", 26), ("lost", 37), ("early", 45)])
def test_a_process_killed_in_the_saga_leaves_one_of_two_ends(begin, notice: str, at: int) -> None:
    saga = begin(notice)

    assert saga.live(kill_at=at) == [], "it was not killed"
    later(saga)
    saga.live()

    check(saga)


def test_a_process_killed_while_the_2207_is_on_its_way_undoes_it(begin, lengths: dict[str, list[str]]) -> None:
    names = moments_of(begin, lengths, "arrives")
    ends = {}
    for moment in ("before settle", "after settle"):
        saga = begin("arrives")
        assert saga.live(kill_at=names.index(moment) + 1) == []
        later(saga)
        saga.live()
        ends[moment] = check(saga)

    assert ends == {"before settle": "undone", "after settle": "undone"}


def test_without_the_reversal_the_check_would_have_failed(
    begin, lengths: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: a 2601 that is never sent leaves the insurer's settlement without anybody's money."""
    names = moments_of(begin, lengths, "arrives")
    saga = begin("arrives")
    assert saga.live(kill_at=names.index("after settle") + 1) == []
    later(saga)
    monkeypatch.setattr(
        settling, "_STEPS", {**settling._STEPS, settling._S.UNKNOWN: _only_say_so, settling._S.UNDOING: _only_say_so}
    )

    saga.live()

    with pytest.raises(AssertionError):
        check(saga)


def _only_say_so(units, _insurer, case_id: int) -> None:
    with units.open(settling.JOB) as uow:
        settling.cases.undone(uow, settling.cases.locked(uow, case_id))


@pytest.mark.long
@pytest.mark.parametrize("notice", NOTICES)
def test_a_process_killed_at_any_moment_leaves_one_of_two_ends(
    begin, lengths: dict[str, list[str]], notice: str
) -> None:
    names = moments_of(begin, lengths, notice)
    assert len(names) > 30
    ends = []
    for at, name in enumerate(names, start=1):
        saga = begin(notice)
        assert saga.live(kill_at=at) == [], f"not killed at {at}, {name}"
        later(saga)
        saga.live()
        ends.append((name, check(saga)))

    assert {end for _, end in ends} == {"paid", "undone"}
