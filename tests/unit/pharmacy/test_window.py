"""At the window: one scan names the bag, its label is matched, and each scan is kept and answered once."""

from __future__ import annotations

import pytest

from app.kernel.audit import AuditEvent
from app.kernel.errors import NotFound
from app.kernel.uow import Units
from app.pharmacy import handing, scanning, service
from app.pharmacy.errors import (
    BadNonce,
    BagNotMatched,
    NonceReused,
)
from app.pharmacy.models import Bag, Scan
from app.pharmacy.states import BAG, BagAction, BagState, ScanCode, Verdict
from tests import factories_pharmacy as make
from tests.conftest import MORNING, SetClock
from tests.unit.pharmacy.at_the_window import collect, give, match, scan


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
        assert [(each.line.drug_name, each.quantity) for each in card.contents] == [("阿莫西林胶囊", 2)]
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


def test_a_scans_answer_is_read_again_at_its_own_terminal_only(units: Units, pharmacy: make.Pharmacy, bag: Bag) -> None:
    with units.open() as uow:
        first = scan(uow, make.code_of(uow, bag), pharmacy.first)

        assert scanning.scan_of(uow, public_id=first.scan_public_id, terminal=pharmacy.first).code == ScanCode.OK
        with pytest.raises(NotFound):
            scanning.scan_of(uow, public_id=first.scan_public_id, terminal=pharmacy.second)


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


@pytest.mark.parametrize("nonce", ["", "x" * 65, "a\x00b", "号"])
def test_a_damaged_nonce_is_refused_before_anything_is_kept(units: Units, pharmacy: make.Pharmacy, nonce: str) -> None:
    with units.open() as uow:
        with pytest.raises(BadNonce):
            scanning.redeem(uow, digits="1", nonce=nonce, terminal=pharmacy.first, key=make.KEY)

        assert uow.session.query(Scan).count() == 0


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
