"""Two windows, two taps, two people at once: one of them wins."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import update

from app.kernel.errors import VisitError
from app.kernel.uow import Units, Uow
from app.payment.models import Bill, BillLine
from app.pharmacy import sql
from app.pharmacy.errors import (
    AlreadyCollected,
)
from app.pharmacy.models import Bag
from app.pharmacy.scanning import ScanResult, Terminal
from app.pharmacy.states import BagState, ScanCode
from app.prescription import service as prescriptions
from app.prescription.models import Prescription
from tests import factories_pharmacy as make
from tests.unit.pharmacy.at_the_window import give, match, scan


def test_two_terminals_scanning_at_once_one_serves(units: Units, pharmacy: make.Pharmacy, bag: Bag) -> None:
    together = Barrier(8)
    with units.open() as uow:
        code = make.code_of(uow, bag)

    def try_at(number: int) -> ScanCode:
        together.wait()
        with units.open() as uow:
            return scan(uow, code, Terminal(f"T{number}", "W1", pharmacy.checker_id)).code

    with ThreadPoolExecutor(8) as pool:
        codes = sorted(pool.map(try_at, range(8)))

    assert codes == [ScanCode.BEING_SERVED] * 7 + [ScanCode.OK]


def test_without_the_claims_condition_more_than_one_would_serve(
    units: Units, pharmacy: make.Pharmacy, bag: Bag, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control run of the race above: with the defence switched off it is lost."""

    def take_anyway(uow: Uow, *, bag_id: int, terminal_code: str) -> bool:
        uow.session.execute(update(Bag).where(Bag.id == bag_id).values(serving_terminal=terminal_code))
        return True

    monkeypatch.setattr(sql, "claim_bag", take_anyway)
    with units.open() as uow:
        code = make.code_of(uow, bag)

    def try_at(number: int) -> ScanCode:
        with units.open() as uow:
            return scan(uow, code, Terminal(f"T{number}", "W1", pharmacy.checker_id)).code

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(try_at, range(8)))

    assert codes.count(ScanCode.OK) > 1


def test_the_same_scan_sent_eight_times_at_once_counts_once(units: Units, pharmacy: make.Pharmacy, bag: Bag) -> None:
    together = Barrier(8)
    with units.open() as uow:
        code = make.code_of(uow, bag)

    def send(_: int) -> ScanResult:
        together.wait()
        with units.open() as uow:
            return scan(uow, code, pharmacy.first, nonce="one")

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(send, range(8)))

    assert {result.code for result in results} == {ScanCode.OK}
    assert sorted(result.is_repeat for result in results) == [False] + [True] * 7


def test_eight_taps_on_hand_over_give_one_dispense(units: Units, pharmacy: make.Pharmacy, bag: Bag) -> None:
    together = Barrier(8)
    with units.open() as uow:
        scan(uow, make.code_of(uow, bag), pharmacy.first)
        match(uow, bag, bag.bag_code, pharmacy.first)

    def tap(_: int) -> str:
        together.wait()
        try:
            with units.open() as uow:
                give(uow, bag, pharmacy.first)
        except AlreadyCollected as refusal:
            return refusal.code
        return "given"

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(tap, range(8)))

    assert answers == ["already_collected"] * 7 + ["given"]


def test_a_bag_handed_over_while_its_prescription_is_taken_back_is_out_or_cancelled_never_both(
    units: Units, pharmacy: make.Pharmacy, bag: Bag
) -> None:
    together = Barrier(2)
    with units.open() as uow:
        scan(uow, make.code_of(uow, bag), pharmacy.first)
        match(uow, bag, bag.bag_code, pharmacy.first)
        public_id = uow.session.get_one(Prescription, bag.prescription_id).public_id
        for row in (Bill, BillLine):  # insurance pays all of it, so that nobody's cash is to be sent back
            uow.session.execute(update(row).values(fund_fen=3860, cash_fen=0))

    def hand_over() -> str:
        together.wait()
        with units.open() as uow:
            give(uow, bag, pharmacy.first)
        return "out"

    def take_back() -> str:
        together.wait()
        with units.open() as uow:
            prescriptions.take_back(uow, public_id=public_id, reason="病人要求")
        return "taken back"

    def answer_of(deed: Callable[[], str]) -> str:
        try:
            return deed()
        except VisitError as refusal:
            return refusal.code

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(answer_of, (hand_over, take_back)))

    with units.open() as uow:
        state = uow.session.get_one(Bag, bag.id).state
    assert (answers, state) in [
        (["out", "illegal_move"], BagState.COLLECTED),
        (["cancelled", "taken back"], BagState.CANCELLED),
    ]
