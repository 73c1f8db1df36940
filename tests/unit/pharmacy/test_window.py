"""At the window: one scan names the bag, the bag's label is matched, and the bag is handed over exactly once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from app.events import BagCollected
from app.kernel.audit import AuditEvent
from app.kernel.errors import NotFound
from app.kernel.ids import new_public_id
from app.kernel.uow import Units, Uow
from app.pharmacy import handing, scanning, service, sql
from app.pharmacy.errors import (
    AlreadyCollected,
    BagCancelled,
    BagNotMatched,
    ChecksMissing,
    NonceReused,
    NotServedHere,
    ReasonMissing,
    TooLateToUndo,
    WrongWindow,
)
from app.pharmacy.invariants import INVARIANTS
from app.pharmacy.models import Bag, Check, Dispense, Scan
from app.pharmacy.scanning import ScanResult, Terminal
from app.pharmacy.states import BAG, BagAction, BagState, CheckKind, IdentityFact, ScanCode, Verdict
from tests import factories_pharmacy as make
from tests.conftest import MORNING, SetClock

ALL_CHECKS = tuple(CheckKind)


def scan(uow: Uow, digits: str, terminal: Terminal, nonce: str = "") -> ScanResult:
    return scanning.redeem(uow, digits=digits, nonce=nonce or new_public_id(), terminal=terminal, key=make.KEY)


def match(uow: Uow, bag: Bag, label: str, terminal: Terminal) -> ScanResult:
    return scanning.match_bag(
        uow, bag_public_id=bag.public_id, bag_code=label, nonce=new_public_id(), terminal=terminal
    )


def give(uow: Uow, bag: Bag, terminal: Terminal) -> Dispense:
    return handing.hand_over(
        uow,
        bag_public_id=bag.public_id,
        terminal=terminal,
        checks=ALL_CHECKS,
        identity_fact=IdentityFact.PHONE_TAIL,
    )


def collect(uow: Uow, bag: Bag, terminal: Terminal) -> Dispense:
    scan(uow, make.code_of(uow, bag), terminal)
    match(uow, bag, bag.bag_code, terminal)
    return give(uow, bag, terminal)


@pytest.fixture
def pharmacy(units: Units) -> make.Pharmacy:
    return make.a_pharmacy(units)


@pytest.fixture
def bag(units: Units, pharmacy: make.Pharmacy) -> Bag:
    with units.open() as uow:
        return make.a_ready_bag(uow, make.a_person(uow), pharmacy)


@pytest.fixture(autouse=True)
def _the_books_are_right(units: Units):
    yield
    with units.open(reads_only=True) as uow:
        broken = {name: uow.session.scalar(text(statement)) for name, statement in INVARIANTS.items()}
    assert not any(broken.values()), broken


def test_the_patients_code_names_the_bag_and_its_bin(units: Units, pharmacy: make.Pharmacy, bag: Bag) -> None:
    with units.open() as uow:
        result = scan(uow, make.code_of(uow, bag), pharmacy.first)

        assert (result.verdict, result.code, result.bag_public_id) == (Verdict.GRANTED, ScanCode.OK, bag.public_id)
        assert result.facts == {"bin": 1, "number": "Y001"}


def test_the_serving_terminal_alone_sees_the_full_name(units: Units, pharmacy: make.Pharmacy, bag: Bag) -> None:
    with units.open() as uow:
        scan(uow, make.code_of(uow, bag), pharmacy.first)

    with units.open() as uow:
        card = service.card(uow, bag_public_id=bag.public_id, terminal=pharmacy.first)
        assert (card.name, card.age_years, len(card.phone_tail)) == ("张小三", 36, 4)
        assert [(line.drug_name, line.quantity) for line in card.lines] == [("阿莫西林胶囊", 2)]
        assert "bag.read" in {row.action for row in uow.session.query(AuditEvent)}
        with pytest.raises(NotFound):
            service.card(uow, bag_public_id=bag.public_id, terminal=pharmacy.second)


@pytest.mark.parametrize(
    ("state", "code", "facts"),
    [
        ("unpaid", ScanCode.UNPAID, {"amount_fen": 1860}),
        ("queued", ScanCode.NOT_READY, {"stage": "queued", "number": "Y001"}),
        ("cancelled", ScanCode.CANCELLED, {}),
    ],
)
def test_a_bag_that_cannot_be_fetched_says_why(
    units: Units, pharmacy: make.Pharmacy, state: str, code: ScanCode, facts: dict[str, object]
) -> None:
    with units.open() as uow:
        person = make.a_person(uow)
        bag = make.an_unpaid_bag(uow, person) if state == "unpaid" else make.a_queued_bag(uow, person)
        if state == "cancelled":
            make.cancel(uow, bag)

        result = scan(uow, make.code_of(uow, bag), pharmacy.first)

        assert (result.verdict, result.code, result.facts) == (Verdict.REFUSED, code, facts)
        assert result.bag_public_id == ""


def test_a_screenshot_of_five_minutes_ago_is_refused(
    units: Units, pharmacy: make.Pharmacy, bag: Bag, clock: SetClock
) -> None:
    with units.open() as uow:
        screenshot = make.code_of(uow, bag)
    for minutes in (1, 5, 60):
        clock.step(minutes=minutes)
        with units.open() as uow:
            result = scan(uow, screenshot, pharmacy.first)

            assert (result.code, result.bag_public_id, result.facts) == (ScanCode.CODE_EXPIRED, "", {})


@pytest.mark.parametrize(
    ("digits", "code"),
    [
        ("12345", ScanCode.NOT_A_PICKUP_CODE),
        ("http://hospital.example/s/x", ScanCode.POSTER_CODE),
        (make.rules.pickup_code(make.KEY, "999999999999", MORNING), ScanCode.UNKNOWN_CODE),
    ],
)
def test_a_foreign_code_is_refused_and_kept(units: Units, pharmacy: make.Pharmacy, digits: str, code: ScanCode) -> None:
    with units.open() as uow:
        assert scan(uow, digits, pharmacy.first).code == code

    with units.open() as uow:
        kept = uow.session.query(Scan).one()
        assert (kept.code, kept.verdict, kept.bag_id) == (code, Verdict.REFUSED, None)


def test_another_window_hears_which_window_and_nothing_else(units: Units, pharmacy: make.Pharmacy, bag: Bag) -> None:
    with units.open() as uow:
        result = scan(uow, make.code_of(uow, bag), pharmacy.second)

        assert (result.code, result.facts, result.bag_public_id) == (ScanCode.WRONG_WINDOW, {"window": "W1"}, "")


def test_a_second_terminal_waits_until_the_first_lets_go_or_two_minutes_pass(
    units: Units, pharmacy: make.Pharmacy, bag: Bag, clock: SetClock
) -> None:
    with units.open() as uow:
        assert scan(uow, make.code_of(uow, bag), pharmacy.first).code == ScanCode.OK
        assert scan(uow, make.code_of(uow, bag), pharmacy.beside_first).code == ScanCode.BEING_SERVED
        assert scan(uow, make.code_of(uow, bag), pharmacy.first).code == ScanCode.OK
        handing.let_go(uow, bag_public_id=bag.public_id, terminal=pharmacy.first)
        assert scan(uow, make.code_of(uow, bag), pharmacy.beside_first).code == ScanCode.OK

    clock.step(minutes=2, seconds=1)

    with units.open() as uow:
        assert scan(uow, make.code_of(uow, bag), pharmacy.first).code == ScanCode.OK


def test_a_forgotten_bag_goes_back_to_its_bin(units: Units, pharmacy: make.Pharmacy, bag: Bag, clock: SetClock) -> None:
    with units.open() as uow:
        scan(uow, make.code_of(uow, bag), pharmacy.first)
        assert handing.release_forgotten(uow) == 0

    clock.step(minutes=3)

    with units.open() as uow:
        assert handing.release_forgotten(uow) == 1
        assert uow.session.get_one(Bag, bag.id).state == BagState.READY


def test_the_same_scan_sent_again_gets_the_stored_answer(units: Units, pharmacy: make.Pharmacy, bag: Bag) -> None:
    with units.open() as uow:
        code = make.code_of(uow, bag)
        first = scan(uow, code, pharmacy.first, nonce="n-1")
        collect(uow, bag, pharmacy.first)

    with units.open() as uow:
        again = scan(uow, code, pharmacy.first, nonce="n-1")

        assert again.is_repeat
        assert (again.scan_public_id, again.code, again.facts) == (first.scan_public_id, first.code, first.facts)


def test_a_page_from_the_browsers_history_does_not_answer_for_another_patient(
    units: Units, pharmacy: make.Pharmacy, bag: Bag
) -> None:
    with units.open() as uow:
        other = make.a_ready_bag(uow, make.a_person(uow), pharmacy)
        scan(uow, make.code_of(uow, bag), pharmacy.first, nonce="n-1")

        with pytest.raises(NonceReused):
            scan(uow, make.code_of(uow, other), pharmacy.first, nonce="n-1")
        with pytest.raises(NonceReused):
            scan(uow, make.code_of(uow, bag), pharmacy.second, nonce="n-1")


def test_the_wrong_bag_is_refused_with_both_bins(units: Units, pharmacy: make.Pharmacy, bag: Bag) -> None:
    with units.open() as uow:
        wrong = make.a_ready_bag(uow, make.a_person(uow), pharmacy)
        scan(uow, make.code_of(uow, bag), pharmacy.first)
        match(uow, bag, bag.bag_code, pharmacy.first)

        result = match(uow, bag, wrong.bag_code, pharmacy.first)

        assert result.code == ScanCode.WRONG_BAG
        assert result.facts == {
            "expected_bin": 1,
            "expected_window": "W1",
            "scanned_bin": 1,
            "scanned_window": "W2",
        }
        with pytest.raises(BagNotMatched):
            give(uow, bag, pharmacy.first)


@pytest.mark.parametrize(
    ("label", "code"),
    [("abc", ScanCode.NOT_A_BAG_LABEL), (make.rules.bag_code("99999999999"), ScanCode.UNKNOWN_BAG)],
)
def test_a_label_that_is_no_bags_is_named(
    units: Units, pharmacy: make.Pharmacy, bag: Bag, label: str, code: ScanCode
) -> None:
    with units.open() as uow:
        scan(uow, make.code_of(uow, bag), pharmacy.first)

        assert match(uow, bag, label, pharmacy.first).code == code


def test_a_terminal_that_does_not_hold_the_bag_cannot_match_it(units: Units, pharmacy: make.Pharmacy, bag: Bag) -> None:
    with units.open() as uow:
        assert match(uow, bag, bag.bag_code, pharmacy.first).code == ScanCode.NOT_SERVED_HERE


def test_the_bag_is_handed_over_with_its_checks_on_record(units: Units, pharmacy: make.Pharmacy, bag: Bag) -> None:
    with units.open() as uow:
        told = list(uow._happened)
        dispense = collect(uow, bag, pharmacy.first)

        told = [event for event in uow._happened if event not in told]
        assert [event for event in told if isinstance(event, BagCollected)] == [
            BagCollected(bag.id, bag.prescription_id, bag.patient_id)
        ]
        assert [(line.drug_code, line.quantity) for line in service.lines_of(uow, dispense.id)] == [("D1", 2)]
        assert uow.session.query(Check).filter_by(dispense_id=dispense.id).count() == 4
        assert scan(uow, make.code_of(uow, bag), pharmacy.first).code == ScanCode.ALREADY_COLLECTED
        with pytest.raises(AlreadyCollected):
            give(uow, bag, pharmacy.first)


def test_without_match_checks_or_lease_nothing_leaves(
    units: Units, pharmacy: make.Pharmacy, bag: Bag, clock: SetClock
) -> None:
    with units.open() as uow:
        with pytest.raises(NotServedHere):
            give(uow, bag, pharmacy.first)
        scan(uow, make.code_of(uow, bag), pharmacy.first)
        with pytest.raises(BagNotMatched):
            give(uow, bag, pharmacy.first)
        match(uow, bag, bag.bag_code, pharmacy.first)
        with pytest.raises(ChecksMissing) as refusal:
            handing.hand_over(
                uow,
                bag_public_id=bag.public_id,
                terminal=pharmacy.first,
                checks=ALL_CHECKS[:3],
                identity_fact=IdentityFact.ID_CARD,
            )
        assert refusal.value.facts == {"missing": ["reasonable_use"]}
        clock.step(minutes=3)
        with pytest.raises(NotServedHere):
            give(uow, bag, pharmacy.first)


def test_a_bag_cancelled_while_it_is_served_stays(units: Units, pharmacy: make.Pharmacy, bag: Bag) -> None:
    with units.open() as uow:
        bag = uow.session.get_one(Bag, bag.id)
        scan(uow, make.code_of(uow, bag), pharmacy.first)
        match(uow, bag, bag.bag_code, pharmacy.first)
        make.cancel(uow, bag)

        with pytest.raises(BagCancelled):
            give(uow, bag, pharmacy.first)


def test_a_mistake_is_taken_back_within_two_minutes_at_the_same_window(
    units: Units, pharmacy: make.Pharmacy, bag: Bag
) -> None:
    with units.open() as uow:
        collect(uow, bag, pharmacy.first)
        with pytest.raises(WrongWindow):
            handing.undo_hand_over(uow, bag_public_id=bag.public_id, terminal=pharmacy.second, reason="拿错")
        with pytest.raises(ReasonMissing):
            handing.undo_hand_over(uow, bag_public_id=bag.public_id, terminal=pharmacy.first, reason="  ")

        handing.undo_hand_over(uow, bag_public_id=bag.public_id, terminal=pharmacy.first, reason="按错了")

        assert service.dispense_of_bag(uow, bag.id) is None
    with units.open() as uow:
        collect(uow, uow.session.get_one(Bag, bag.id), pharmacy.first)
        assert not [event for event in uow._happened if isinstance(event, BagCollected)]


def test_after_two_minutes_a_hand_over_stands(units: Units, pharmacy: make.Pharmacy, bag: Bag, clock: SetClock) -> None:
    with units.open() as uow:
        collect(uow, bag, pharmacy.first)

    clock.step(minutes=2, seconds=1)

    with units.open() as uow, pytest.raises(TooLateToUndo):
        handing.undo_hand_over(uow, bag_public_id=bag.public_id, terminal=pharmacy.first, reason="拿错")


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


def test_the_database_itself_refuses_a_second_dispense(units: Units, pharmacy: make.Pharmacy, bag: Bag) -> None:
    with units.open() as uow:
        collect(uow, bag, pharmacy.first)

    with pytest.raises(IntegrityError), units.open() as uow:
        handing._record(uow, uow.session.get_one(Bag, bag.id), pharmacy.first, IdentityFact.ID_CARD)


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


def test_every_state_is_reachable_and_every_action_used() -> None:
    reached = {BAG.initial} | set(BAG.moves.values())

    assert reached == set(BagState)
    assert {action for _, action in BAG.moves} == set(BagAction)


def test_a_patient_sees_their_own_bag_only(units: Units, bag: Bag) -> None:
    with units.open() as uow:
        stranger = make.a_person(uow)
        owner = make.owner_of(uow, bag)
    with units.open(owner) as uow:
        mine = service.bag_of_account(uow, bag.public_id)
        assert len(service.pickup_digits(uow, mine, make.KEY)) == 22
    with units.open(stranger.actor) as uow:
        assert service.bag_of_prescription_of_account(uow, bag.prescription_id) is None
        with pytest.raises(NotFound):
            service.bag_of_account(uow, bag.public_id)
