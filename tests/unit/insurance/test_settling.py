"""Splits as they follow the visit: made at the review, settled once, changed when the coverage changed, given back."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from app.events import SplitMade
from app.insurance import service, sql
from app.insurance.invariants import INVARIANTS
from app.insurance.models import Coverage, Split
from app.insurance.policies import CATALOGUE, CONSULTATION_FEE, CatalogueIn
from app.insurance.rules import ChargeableClass, Usage
from app.insurance.states import MOVES, SplitAction, SplitState
from app.kernel.errors import VisitError
from app.kernel.moves import IllegalMove
from app.kernel.uow import Actor, Units
from app.prescription import service as prescriptions
from app.prescription.demo_drugs import DRUGS
from app.prescription.models import Prescription
from app.prescription.states import PrescriptionState
from tests.conftest import SetClock
from tests.factories import Person
from tests.factories_prescription import approved, line, order, received

MEMBER = "44010119800101001X"


def insured(units: Units, who: Person, usage: Usage, policy: str = "employee") -> None:
    with units.open() as uow:
        service.bind_coverage(uow, patient_id=who.patient.id, policy_code=policy, member_no=MEMBER, usage=usage)


def coverage(units: Units, who: Person) -> Coverage:
    with units.open(reads_only=True) as uow:
        found = service.coverage_of(uow, who.patient.id)
        assert found is not None
        return found


def figures(row: Coverage) -> tuple[int, int, int]:
    return row.deductible_used_fen, row.cap_used_fen, row.account_balance_fen


def a_split(units: Units, who: Person, reviewer: Actor, number: str = "RX1") -> Split:
    """Amlodipine 10 x 16.90 (class A) and vitamin C 39.00 (class C): 208.00."""
    written = order(who.patient.id, line("AML5", 10), line("VITC"), number=number)
    made = approved(units, reviewer, received(units, written))
    return live(units, made)


def live(units: Units, prescription: Prescription) -> Split:
    with units.open(reads_only=True) as uow:
        found = service.live_split_of(uow, prescription)
        assert found is not None
        return found


def settle(units: Units, split: Split) -> Split:
    with units.open() as uow:
        return service.settle(uow, split)


def refused(units: Units, split: Split) -> str:
    with pytest.raises(VisitError) as refusal:
        settle(units, split)
    return refusal.value.code


def assert_invariants(units: Units) -> None:
    with units.open(reads_only=True) as uow:
        for name, query in INVARIANTS.items():
            assert uow.session.scalar(text(query)) == 0, name


def test_an_approved_prescription_is_split_and_can_be_paid(
    units: Units, who: Person, reviewer: Actor, told: list[object]
) -> None:
    insured(units, who, Usage(180_00, 0, 30_00))

    split = a_split(units, who, reviewer)

    with units.open(reads_only=True) as uow:
        lines = service.lines_of(uow, split.id)
        state = uow.session.get_one(Prescription, split.prescription_id).state
    assert (split.total_fen, split.fund_fen, split.account_fen, split.cash_fen) == (208_00, 89_40, 30_00, 88_60)
    assert [(row.chargeable_class, row.amount_fen, row.full_self_fen) for row in lines] == [
        (ChargeableClass.A, 169_00, 0),
        (ChargeableClass.C, 39_00, 39_00),
    ]
    assert lines[1].rules[0] == {"code": "class_c_full_self", "fen": 39_00}
    assert state is PrescriptionState.BILLED
    assert told == [SplitMade(split.id, "prescription", split.prescription_id, who.patient.id)]
    assert_invariants(units)


def test_without_coverage_the_patient_pays_all(units: Units, who: Person, reviewer: Actor) -> None:
    split = settle(units, a_split(units, who, reviewer))

    assert (split.policy_code, split.cash_fen, split.full_self_fen) == ("self_pay", 208_00, 208_00)
    assert split.state is SplitState.SETTLED


def test_the_catalogue_of_the_day_of_issue_counts(units: Units, who: Person, reviewer: Actor, clock: SetClock) -> None:
    insured(units, who, Usage(200_00))
    with units.open() as uow:
        tomorrow = uow.today().replace(day=24)
        service.file_catalogue_item(uow, CatalogueIn("AML5", ChargeableClass.B, 5_000), valid_from=tomorrow)

    split = a_split(units, who, reviewer)

    assert split.pre_self_fen == 0


def test_a_drug_in_no_catalogue_is_the_patients_own(units: Units, who: Person, reviewer: Actor) -> None:
    insured(units, who, Usage(200_00))

    made = approved(units, reviewer, received(units, order(who.patient.id, line("FISHOIL"))))

    split = live(units, made)
    assert (split.full_self_fen, split.rules[0]["code"]) == (88_00, "not_listed_full_self")


def test_settling_uses_up_the_coverage_once(units: Units, who: Person, reviewer: Actor) -> None:
    insured(units, who, Usage(180_00, 0, 30_00))
    split = a_split(units, who, reviewer)

    settle(units, split)
    again = settle(units, split)

    assert again.state is SplitState.SETTLED
    assert figures(coverage(units, who)) == (200_00, 89_40, 0)
    assert_invariants(units)


def test_a_reversed_split_gives_back_what_it_used_once(units: Units, who: Person, reviewer: Actor) -> None:
    insured(units, who, Usage(180_00, 0, 30_00))
    split = settle(units, a_split(units, who, reviewer))

    for _ in range(2):
        with units.open() as uow:
            service.reverse(uow, split)

    assert figures(coverage(units, who)) == (180_00, 0, 30_00)
    assert refused(units, split) == "illegal_move"


def test_a_split_that_was_never_settled_cannot_be_reversed(units: Units, who: Person, reviewer: Actor) -> None:
    split = a_split(units, who, reviewer)

    with pytest.raises(IllegalMove), units.open() as uow:
        service.reverse(uow, split)


def test_changed_usage_is_shown_before_it_is_charged(
    units: Units, who: Person, reviewer: Actor, told: list[object]
) -> None:
    insured(units, who, Usage(180_00, 0, 30_00))
    first = a_split(units, who, reviewer)
    second = a_split(units, who, reviewer, "RX2")
    settle(units, first)

    assert refused(units, second) == "split_changed"
    with units.open() as uow:
        renewed = service.split_again(uow, second)

    assert (renewed.id != second.id, renewed.fund_fen, renewed.account_fen) == (True, 101_40, 0)
    assert told[-1] == SplitMade(renewed.id, "prescription", second.prescription_id, who.patient.id)
    assert settle(units, renewed).state is SplitState.SETTLED
    assert figures(coverage(units, who)) == (200_00, 190_80, 0)
    assert_invariants(units)


def test_a_split_that_still_holds_is_not_made_again(
    units: Units, who: Person, reviewer: Actor, told: list[object]
) -> None:
    insured(units, who, Usage(180_00, 0, 30_00))
    split = a_split(units, who, reviewer)

    with units.open() as uow:
        assert service.split_again(uow, split).id == split.id

    assert len(told) == 1


def test_a_new_coverage_with_the_same_figures_changes_nothing_for_the_patient(
    units: Units, who: Person, reviewer: Actor
) -> None:
    insured(units, who, Usage(180_00, 0, 30_00))
    split = a_split(units, who, reviewer)
    insured(units, who, Usage(180_00, 0, 30_00))

    assert settle(units, split).state is SplitState.SETTLED


def test_insurance_bound_after_the_split_counts(units: Units, who: Person, reviewer: Actor) -> None:
    split = a_split(units, who, reviewer)
    insured(units, who, Usage(200_00))

    assert refused(units, split) == "split_changed"
    with units.open() as uow:
        renewed = service.split_again(uow, split)

    assert renewed.policy_code == "employee"


def test_a_new_year_begins_with_nothing_used(units: Units, who: Person, reviewer: Actor, clock: SetClock) -> None:
    clock.at(datetime(2026, 12, 31, 2, 0, tzinfo=UTC))
    insured(units, who, Usage(200_00, 4_000_00, 0))
    made = received(units, order(who.patient.id, line("AML5", 20), issued_at=clock.now()))
    split = live(units, approved(units, reviewer, made))
    clock.at(datetime(2026, 12, 31, 16, 30, tzinfo=UTC))  # half past midnight in the hospital

    assert refused(units, split) == "split_changed"
    with units.open() as uow:
        renewed = service.split_again(uow, split)
    settle(units, renewed)

    assert (renewed.deductible_fen, renewed.fund_fen) == (200_00, 82_80)
    assert figures(coverage(units, who)) == (200_00, 82_80, 0)


def test_a_split_falls_with_its_prescription(units: Units, who: Person, reviewer: Actor, clock: SetClock) -> None:
    insured(units, who, Usage(180_00, 0, 30_00))
    made_only = a_split(units, who, reviewer)
    received(units, order(who.patient.id, action="CA"))
    settled = settle(units, a_split(units, who, reviewer, "RX2"))
    clock.step(days=3)
    with units.open() as uow:
        prescriptions.expire_due(uow, limit=10)

    with units.open(reads_only=True) as uow:
        states = [uow.session.get_one(Split, split.id).state for split in (made_only, settled)]
    assert states == [SplitState.VOID, SplitState.REVERSED]
    assert figures(coverage(units, who)) == (180_00, 0, 30_00)
    assert_invariants(units)


@pytest.mark.parametrize(
    ("policy", "member", "usage", "code"),
    [
        ("nosuch", MEMBER, Usage(), "policy_unknown"),
        ("employee", "", Usage(), "member_no_not_valid"),
        ("employee", "4401 0119", Usage(), "member_no_not_valid"),
        ("employee", "9" * 41, Usage(), "member_no_not_valid"),
        ("employee", MEMBER, Usage(-1), "coverage_not_valid"),
        ("employee", MEMBER, Usage(0, 0, 10**12), "coverage_not_valid"),
    ],
)
def test_a_coverage_that_cannot_be_is_refused(
    units: Units, who: Person, policy: str, member: str, usage: Usage, code: str
) -> None:
    with pytest.raises(VisitError) as refusal, units.open() as uow:
        service.bind_coverage(uow, patient_id=who.patient.id, policy_code=policy, member_no=member, usage=usage)

    assert refusal.value.code == code


def test_the_insurance_number_is_unreadable_in_the_database(units: Units, who: Person) -> None:
    insured(units, who, Usage())

    with units.open(reads_only=True) as uow:
        stored = str(uow.session.execute(text("SELECT * FROM coverage")).all())
        assert service.member_no_of(uow, coverage(units, who)) == MEMBER
    assert MEMBER not in stored


def test_ten_settlements_at_once_take_the_deductible_once(units: Units, who: Person, reviewer: Actor) -> None:
    insured(units, who, Usage(50_00, 0, 100_00))
    splits = [a_split(units, who, reviewer, f"RX{number}") for number in range(10)]
    barrier = threading.Barrier(len(splits))
    answers: list[str] = []

    def try_it(split: Split) -> None:
        barrier.wait()
        try:
            settle(units, split)
            answers.append("settled")
        except VisitError as refusal:
            answers.append(refusal.code)

    threads = [threading.Thread(target=try_it, args=(split,)) for split in splits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 10
    assert answers.count("settled") == 1
    assert set(answers) <= {"settled", "split_changed", "coverage_busy"}
    assert figures(coverage(units, who)) == (200_00, splits[0].fund_fen, 0)
    assert_invariants(units)


def test_a_coverage_that_others_used_meanwhile_is_not_used_again(units: Units, who: Person, reviewer: Actor) -> None:
    """Two look before either takes: the version stops the second; the control without it takes twice."""
    insured(units, who, Usage(50_00))
    first, second = (a_split(units, who, reviewer, number) for number in ("RX1", "RX2"))
    seen = coverage(units, who)
    taking = {"id": seen.id, "version": seen.version, "year": 2026, "deductible": 150_00, "fund": 0, "account": 0}
    undefended = text(sql._CONSUME.text.replace(" AND version = :version", " AND :version = :version"))

    with units.open() as uow:
        assert sql.consume(uow, uow.session.merge(seen, load=False), first, year=2026)
    with units.open() as uow:
        assert not sql.consume(uow, uow.session.merge(seen, load=False), second, year=2026)
        assert uow.session.execute(undefended, taking).first() is not None

    assert coverage(units, who).deductible_used_fen == 350_00


def test_the_demo_catalogue_lists_the_demo_drugs_but_one() -> None:
    unlisted = {drug.code for drug in DRUGS} - {item.code for item in CATALOGUE}

    assert unlisted == {"FISHOIL"}
    assert {item.code for item in CATALOGUE} - {CONSULTATION_FEE} <= {drug.code for drug in DRUGS}


def test_every_state_is_reached_and_every_action_used() -> None:
    assert {SplitState.MADE, *MOVES.values()} == set(SplitState)
    assert {action for _, action in MOVES} == set(SplitAction)
