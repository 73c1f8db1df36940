"""kill -9 at every call and every commit of a refund that the insurer must answer first."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.cli import invariants
from app.insurance import taking_back
from app.kernel.uow import Units
from app.ledger import proving
from app.payment.states import BillState
from tests.conftest import MORNING
from tests.factories_settlement import house
from tests.processes.saga import HospitalClock, RefundSaga, Saga
from tests.sandbox.fixtures import RunningSandbox, running_sandbox

# Of amlodipine 10 x 16.90 and omeprazole 22.40 the second goes back; all of it is within the deductible.
PART = {2: 1}
# The refund asked for, its settlement given out and begun: three commits, each with a moment before and after.
BEFORE_2208 = 7


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path_factory.mktemp("world")) as running:
        yield running


@pytest.fixture
def begin(units: Units, sandbox: RunningSandbox):
    """A refund about to begin, of a paid bill on the test's database."""

    def make(pieces: dict[int, int]) -> RefundSaga:
        clock = HospitalClock(MORNING)
        home = house(replace(units, clock=clock), clock, sandbox)
        home.prefix = f"RX{secrets.token_hex(6)}-"
        prescribed = home.prescribed().id
        Saga(home, "arrives", prescribed).live()
        return RefundSaga(home, "arrives", prescribed, pieces)

    return make


def check(saga: RefundSaga) -> None:
    """One settlement of what is left, or none; the difference has gone back, once."""
    home, bill, refund = saga.home, saga.bill(), saga.refund()
    assert bill is not None
    assert refund is not None
    settled = [row for row in home.books() if row["state"] == "settled"]
    paid, returned = home.paid_and_returned()
    with home.units.open(reads_only=True) as uow:
        assert invariants.broken(uow) == {}
        assert proving.flaws(uow) == []
    assert returned == refund.amount_fen == saga.returned_at_wechat()
    if saga.pieces:
        assert (bill.state, len(settled), paid - returned) == (BillState.PARTLY_REFUNDED, 1, 139_00)
        assert home.used() == (169_00, 0, 0)
    else:
        assert (bill.state, settled, paid - returned) == (BillState.REFUNDED, [], 0)
        assert home.used() == (0, 0, 30_00)


def killed(begin, pieces: dict[int, int], at: int) -> RefundSaga:
    """A refund whose process was killed at that moment, found two minutes later by another."""
    saga = begin(pieces)
    assert saga.live(kill_at=at) == [], "it was not killed"
    saga.home.clock.step(minutes=2)
    return saga


@pytest.fixture(scope="module")
def lengths() -> dict[int, list[str]]:
    """The moments of an undisturbed refund, by the number of lines that go back."""
    return {}


def moments_of(begin, lengths: dict[int, list[str]], pieces: dict[int, int]) -> list[str]:
    if len(pieces) not in lengths:
        saga = begin(pieces)
        lengths[len(pieces)] = saga.live()
        check(saga)
    return lengths[len(pieces)]


def test_a_process_killed_while_a_2208_is_on_its_way_ends_in_one_refund(begin, lengths: dict[int, list[str]]) -> None:
    names = moments_of(begin, lengths, PART)
    for moment in ("before cancel", "after cancel"):
        saga = killed(begin, PART, names.index(moment) + 1)
        saga.live()
        check(saga)


@pytest.mark.long
def test_a_process_killed_while_the_rest_is_settled_ends_in_one_refund(begin, lengths: dict[int, list[str]]) -> None:
    names = moments_of(begin, lengths, PART)
    saga = killed(begin, PART, names.index("after settle") + 1)

    saga.live()

    check(saga)


def test_without_2601_the_check_would_have_failed(begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a doubtful 2208 that is taken for done on a guess leaves the insurer's settlement standing."""
    saga = killed(begin, {}, BEFORE_2208)
    monkeypatch.setattr(taking_back, "clear_up", _believe_it)

    saga.live()

    with pytest.raises(AssertionError):
        check(saga)


def _believe_it(units, _insurer, case_id: int, _centre) -> None:
    with units.open(taking_back.JOB) as uow:
        taking_back.taken_back(uow, taking_back.cases.locked(uow, case_id))


@pytest.mark.long
@pytest.mark.parametrize("pieces", [PART, {}], ids=["a line", "all"])
def test_a_process_killed_at_any_moment_ends_in_one_refund(
    begin, lengths: dict[int, list[str]], pieces: dict[int, int]
) -> None:
    names = moments_of(begin, lengths, pieces)
    # Once the payment provider has answered it is only asked again until it is done, however often that takes.
    moments = names.index("after refund") + 3
    assert moments > 15
    for at in range(1, moments + 1):
        saga = killed(begin, pieces, at)
        saga.live()
        check(saga)
