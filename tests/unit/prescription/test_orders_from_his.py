"""Orders of the hospital's system: filed once, changed while unpaid, cancelled, and never crossed with a payment."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from app.events import BillPaid, PrescriptionIssued, PrescriptionVoided, SplitMade
from app.kernel.errors import VisitError
from app.kernel.uow import Actor, Units
from app.prescription import followers, service
from app.prescription.invariants import INVARIANTS
from app.prescription.models import Prescription
from app.prescription.states import PrescriptionState
from tests import factories
from tests.conftest import SetClock
from tests.factories import Person
from tests.factories_prescription import ISSUED, PEER, approved, line, order, received


def states(units: Units, number: str = "RX1") -> list[tuple[int, str]]:
    with units.open(reads_only=True) as uow:
        rows = uow.session.scalars(
            select(Prescription).where(Prescription.number == number).order_by(Prescription.version)
        )
        return [(row.version, row.state.value) for row in rows]


def refused(units: Units, written: object, peer: str = PEER) -> str:
    with pytest.raises(VisitError) as refusal:
        received(units, written, peer)  # type: ignore[arg-type]
    return refusal.value.code


def bill(units: Units, prescription: Prescription) -> None:
    with units.open() as uow:
        followers.mark_billed_when_split(uow, SplitMade(1, "prescription", prescription.id, prescription.patient_id))


def pay(units: Units, prescription: Prescription) -> None:
    with units.open() as uow:
        followers.mark_paid_when_paid(uow, BillPaid(1, "prescription", prescription.id, prescription.patient_id))


def test_an_order_is_filed_with_its_lines_and_announced(units: Units, who: Person, told: list[object]) -> None:
    written = order(who.patient.id, line("IBU300", 2), line("OME20", 1))

    made = received(units, written)

    with units.open(reads_only=True) as uow:
        lines = service.lines_of(uow, made.id)
        assert [(row.line_no, row.drug_code, row.amount_fen) for row in lines] == [
            (1, "IBU300", 3720),
            (2, "OME20", 2240),
        ]
        assert service.diagnosis_of(uow, made).text == "慢性胃炎"
    assert (made.state, made.total_fen, made.version) == (PrescriptionState.ISSUED, 5960, 1)
    assert told == [PrescriptionIssued(made.id, who.patient.id)]


def test_the_diagnosis_is_unreadable_in_the_database(units: Units, who: Person) -> None:
    received(units, order(who.patient.id, diagnosis_text="慢性胃炎", long_course_reason="病情稳定"))

    with units.open(reads_only=True) as uow:
        stored = str(uow.session.execute(text("SELECT * FROM prescription")).all())
    assert "胃炎" not in stored
    assert "稳定" not in stored
    assert "K29" not in stored


def test_the_same_order_again_is_quiet(units: Units, who: Person, told: list[object]) -> None:
    first = received(units, order(who.patient.id))

    again = received(units, order(who.patient.id, action="XO", issued_at=ISSUED + timedelta(minutes=1)))

    assert again.id == first.id
    assert told == [PrescriptionIssued(first.id, who.patient.id)]


@pytest.mark.parametrize("action", ["NW", "XO"])
def test_a_changed_order_replaces_the_unpaid_one_as_a_new_version(
    units: Units, who: Person, told: list[object], action: str
) -> None:
    first = received(units, order(who.patient.id))

    second = received(units, order(who.patient.id, line(quantity=2), action=action))

    assert states(units) == [(1, "voided"), (2, "issued")]
    assert told[1:] == [
        PrescriptionVoided(first.id, who.patient.id),
        PrescriptionIssued(second.id, who.patient.id),
    ]


def test_a_returned_order_is_mended_by_a_changed_one(units: Units, who: Person, reviewer: Actor) -> None:
    first = received(units, order(who.patient.id))
    with units.open(reviewer) as uow:
        service.send_back(uow, public_id=first.public_id, reason="剂量偏大")

    received(units, order(who.patient.id, line(dose="半片")))

    assert states(units) == [(1, "voided"), (2, "issued")]


@pytest.mark.parametrize("action", ["NW", "XO", "CA", "DC"])
def test_a_paid_prescription_stands_against_every_order(
    units: Units, who: Person, reviewer: Actor, action: str
) -> None:
    made = approved(units, reviewer, received(units, order(who.patient.id)))
    bill(units, made)
    pay(units, made)

    assert refused(units, order(who.patient.id, line(quantity=2), action=action)) == "prescription_paid"
    assert states(units) == [(1, "paid")]


def test_a_cancelled_order_holds_no_longer_and_its_number_is_used_up(
    units: Units, who: Person, told: list[object]
) -> None:
    made = received(units, order(who.patient.id))

    received(units, order(who.patient.id, action="CA", lines=()))
    received(units, order(who.patient.id, action="CA", lines=()))

    assert states(units) == [(1, "voided")]
    assert told[1:] == [PrescriptionVoided(made.id, who.patient.id)]
    assert refused(units, order(who.patient.id)) == "order_cancelled"
    assert refused(units, order(who.patient.id, line(quantity=2), action="XO")) == "order_cancelled"


def test_an_expired_order_can_be_signed_anew_under_its_number(units: Units, who: Person, clock: SetClock) -> None:
    received(units, order(who.patient.id))
    clock.step(days=3)
    with units.open() as uow:
        assert service.expire_due(uow, limit=10) == 1

    received(units, order(who.patient.id, issued_at=ISSUED + timedelta(days=3)))

    assert states(units) == [(1, "expired"), (2, "issued")]


def test_an_order_that_comes_after_its_days_is_refused(units: Units, who: Person, clock: SetClock) -> None:
    clock.step(days=3)

    assert refused(units, order(who.patient.id)) == "prescription_expired"


def test_strange_orders_are_refused_with_their_code(units: Units, who: Person) -> None:
    received(units, order(who.patient.id))
    with units.open() as uow:
        other = factories.person(uow, name="李建国").patient.id

    assert refused(units, order(who.patient.id, action="HD")) == "order_action_unknown"
    assert refused(units, order(who.patient.id, action="CA", number="RX9")) == "order_unknown"
    assert refused(units, order(who.patient.id, number="RX\x00")) == "text_not_valid"
    assert refused(units, order(other)) == "order_of_another_patient"
    assert refused(units, order(other, action="CA")) == "order_of_another_patient"
    assert states(units) == [(1, "issued")]


def test_two_peers_may_use_one_number(units: Units, who: Person) -> None:
    first = received(units, order(who.patient.id))

    second = received(units, order(who.patient.id), peer="HIS2")

    assert first.id != second.id


def test_an_order_finds_its_visit_and_not_another_patients(units: Units, who: Person) -> None:
    with units.open() as uow:
        session = factories.clinic(uow).session
        other = factories.person(uow, name="李建国")
    visit = factories.booked(units, who, session)

    made = received(units, order(who.patient.id, visit_number=visit.visit_number))
    unknown = received(units, order(who.patient.id, visit_number="V0", number="RX2"))

    assert made.registration_id == visit.id
    assert unknown.registration_id is None
    foreign = order(other.patient.id, visit_number=visit.visit_number, number="RX3")
    assert refused(units, foreign) == "order_of_another_patient"


def test_a_broken_order_leaves_what_stands(units: Units, who: Person) -> None:
    received(units, order(who.patient.id))

    assert refused(units, order(who.patient.id, line("NOSUCH"))) == "drug_unknown"
    assert states(units) == [(1, "issued")]


def test_the_tables_keep_their_invariants(units: Units, who: Person, reviewer: Actor) -> None:
    approved(units, reviewer, received(units, order(who.patient.id)))
    received(units, order(who.patient.id, line(quantity=3)))
    received(units, replace(order(who.patient.id), action="CA"))

    with units.open(reads_only=True) as uow:
        for name, query in INVARIANTS.items():
            assert uow.session.scalar(text(query)) == 0, name
