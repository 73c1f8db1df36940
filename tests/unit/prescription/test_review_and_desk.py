"""The doctor's desk, the pharmacist's review, who may read, and the end of the days."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.events import BagCollected, BillPaid, PrescriptionApproved, PrescriptionReturned, PrescriptionVoided, SplitMade
from app.kernel.audit import AuditEvent
from app.kernel.errors import VisitError
from app.kernel.moves import IllegalMove
from app.kernel.uow import Actor, Units
from app.prescription import followers, service
from app.prescription.models import Prescription, ReviewCheck
from app.prescription.orders import DeskOrderIn
from app.prescription.schemas import DeskOrderSchema
from app.prescription.states import MOVES, PrescriptionAction, PrescriptionState
from app.queueing import service as queueing
from app.registration import service as registrations
from app.registration.models import Registration
from tests import factories
from tests.conftest import SetClock
from tests.factories import Person
from tests.factories_prescription import approved, order, received

ALL = list(ReviewCheck)


@pytest.fixture
def visit(units: Units, who: Person) -> Registration:
    with units.open() as uow:
        session = factories.clinic(uow).session
    return factories.booked(units, who, session)


@pytest.fixture
def doctor(units: Units) -> Actor:
    with units.open() as uow:
        return factories.staff(uow, "doctor", practitioner_code="DGI")


def with_the_doctor(units: Units, visit: Registration) -> None:
    with units.open() as uow:
        fresh = uow.session.get_one(Registration, visit.id)
        queueing.check_in(uow, registration=fresh)
        registrations.begin_consultation(uow, fresh)


def typed(visit: Registration, **changes: object) -> DeskOrderIn:
    form = {
        "registration_public_id": visit.public_id,
        "diagnosis_text": "慢性胃炎",
        "lines": [{"drug_code": "OME20", "quantity": "2", "days": "7", "dose": "20mg", "frequency": "qd"}],
    }
    made = DeskOrderSchema().load({**form, **changes})
    assert isinstance(made, DeskOrderIn)
    return made


def code_of(refusal: pytest.ExceptionInfo[VisitError]) -> str:
    return refusal.value.code


def test_the_doctor_prescribes_for_the_patient_in_the_room(units: Units, visit: Registration, doctor: Actor) -> None:
    with_the_doctor(units, visit)

    with units.open(doctor) as uow:
        made = service.write_at_desk(uow, order=typed(visit))

    assert (made.number, made.total_fen, made.prescriber_name) == ("R202611230001", 4480, "张伟")
    assert (made.registration_id, made.patient_id, made.prescriber_staff_id) == (visit.id, visit.patient_id, doctor.id)


def test_nothing_is_prescribed_before_the_patient_is_in_the_room(
    units: Units, visit: Registration, doctor: Actor
) -> None:
    with pytest.raises(VisitError) as refusal, units.open(doctor) as uow:
        service.write_at_desk(uow, order=typed(visit))

    assert code_of(refusal) == "not_in_consultation"


def test_only_the_visits_doctor_prescribes(units: Units, visit: Registration, reviewer: Actor) -> None:
    with_the_doctor(units, visit)
    with units.open() as uow:
        colleague = factories.staff(uow, "doctor", practitioner_code="DENT")

    for actor, code in ((reviewer, "not_allowed"), (colleague, "not_your_patient")):
        with pytest.raises(VisitError) as refusal, units.open(actor) as uow:
            service.write_at_desk(uow, order=typed(visit))
        assert code_of(refusal) == code


def test_a_drug_that_is_not_stocked_is_refused_at_the_desk(units: Units, visit: Registration, doctor: Actor) -> None:
    with_the_doctor(units, visit)
    lines = [{"drug_code": "NOSUCH", "quantity": 1, "days": 1}]

    with pytest.raises(VisitError) as refusal, units.open(doctor) as uow:
        service.write_at_desk(uow, order=typed(visit, lines=lines))

    assert code_of(refusal) == "drug_unknown"


def test_the_doctor_takes_back_their_own_unpaid_prescription(
    units: Units, visit: Registration, doctor: Actor, told: list[object]
) -> None:
    with_the_doctor(units, visit)
    with units.open(doctor) as uow:
        made = service.write_at_desk(uow, order=typed(visit))
        theirs = service.receive_from_his(uow, order=order(visit.patient_id), peer="HIS")

    with units.open(doctor) as uow:
        service.void(uow, public_id=made.public_id, reason="写错")
        service.void(uow, public_id=made.public_id, reason="写错")
    with pytest.raises(VisitError) as refusal, units.open(doctor) as uow:
        service.void(uow, public_id=theirs.public_id, reason="写错")

    assert told[-1] == PrescriptionVoided(made.id, visit.patient_id)
    assert code_of(refusal) == "not_your_patient"


def test_the_reviewer_lets_it_pass_with_all_four_checks(
    units: Units, who: Person, reviewer: Actor, told: list[object]
) -> None:
    made = received(units, order(who.patient.id))

    after = approved(units, reviewer, made)

    with units.open(reads_only=True) as uow:
        review = service.review_of(uow, made.id)
        assert service.waiting_for_review(uow) == []
    assert after.state is PrescriptionState.APPROVED
    assert review is not None
    assert review.checks == [check.value for check in ALL]
    assert told[-1] == PrescriptionApproved(made.id, who.patient.id)


def test_a_review_is_done_once(units: Units, who: Person, reviewer: Actor) -> None:
    made = approved(units, reviewer, received(units, order(who.patient.id)))

    for again in (
        lambda uow: service.approve(uow, public_id=made.public_id, checks=ALL),
        lambda uow: service.send_back(uow, public_id=made.public_id, reason="剂量偏大"),
    ):
        with pytest.raises(IllegalMove), units.open(reviewer) as uow:
            again(uow)


def test_a_review_is_refused_with_its_code(units: Units, who: Person, reviewer: Actor, clock: SetClock) -> None:
    made = received(units, order(who.patient.id))
    with units.open() as uow:
        prescriber = factories.staff(uow, "doctor", "reviewer", practitioner_code="DGI")
        nurse = factories.staff(uow, "nurse")

    def refused(actor: Actor, checks: list[ReviewCheck], public_id: str = made.public_id) -> str:
        with pytest.raises(VisitError) as refusal, units.open(actor) as uow:
            service.approve(uow, public_id=public_id, checks=checks)
        return refusal.value.code

    assert refused(nurse, ALL) == "not_allowed"
    assert refused(who.actor, ALL) == "not_allowed"
    assert refused(prescriber, ALL) == "reviewer_is_prescriber"
    assert refused(reviewer, ALL[:3]) == "checks_missing"
    assert refused(reviewer, ALL, "nosuch") == "not_found"
    clock.step(days=3)
    assert refused(reviewer, ALL) == "prescription_expired"


def test_sending_back_needs_a_reason(units: Units, who: Person, reviewer: Actor, told: list[object]) -> None:
    made = received(units, order(who.patient.id))

    with pytest.raises(VisitError) as refusal, units.open(reviewer) as uow:
        service.send_back(uow, public_id=made.public_id, reason=" ")
    with units.open(reviewer) as uow:
        service.send_back(uow, public_id=made.public_id, reason="剂量偏大")

    assert code_of(refusal) == "reason_required"
    assert told[-1] == PrescriptionReturned(made.id, who.patient.id)


def test_a_patient_reads_their_own_prescriptions_and_no_others(units: Units, who: Person) -> None:
    made = received(units, order(who.patient.id))
    with units.open() as uow:
        other = factories.person(uow, name="李建国")

    with units.open(who.actor, reads_only=True) as uow:
        assert service.of_account(uow, made.public_id).id == made.id
        assert [row.id for row in service.list_of_account(uow)] == [made.id]
    with units.open(other.actor, reads_only=True) as uow:
        assert service.list_of_account(uow) == []
        for public_id in (made.public_id, "nosuch"):
            with pytest.raises(VisitError) as refusal:
                service.of_account(uow, public_id)
            assert code_of(refusal) == "not_found"


def test_a_look_by_staff_is_on_record(units: Units, who: Person, reviewer: Actor) -> None:
    made = received(units, order(who.patient.id))

    with units.open(reviewer) as uow:
        service.one_for_staff(uow, made.public_id)
    with pytest.raises(VisitError) as refusal, units.open(who.actor) as uow:
        service.one_for_staff(uow, made.public_id)

    with units.open(reads_only=True) as uow:
        looks = uow.session.scalars(select(AuditEvent).where(AuditEvent.action == "prescription.read")).all()
    assert [(look.actor_ref, look.subject_ref) for look in looks] == [(reviewer.ref, made.public_id)]
    assert code_of(refusal) == "not_allowed"


def test_what_is_not_paid_in_three_days_expires_once(
    units: Units, who: Person, clock: SetClock, told: list[object]
) -> None:
    made = received(units, order(who.patient.id))
    with units.open() as uow:
        assert service.expire_due(uow, limit=10) == 0

    clock.step(days=3)
    with units.open() as uow:
        assert service.expire_due(uow, limit=10) == 1
    with units.open() as uow:
        assert service.expire_due(uow, limit=10) == 0

    assert told[1:] == [PrescriptionVoided(made.id, who.patient.id)]


def test_it_is_billed_paid_and_dispensed_as_the_visit_goes_on(units: Units, who: Person, reviewer: Actor) -> None:
    made = approved(units, reviewer, received(units, order(who.patient.id)))

    with units.open() as uow:
        followers.mark_billed_when_split(uow, SplitMade(1, "prescription", made.id, made.patient_id))
        followers.mark_billed_when_split(uow, SplitMade(2, "prescription", made.id, made.patient_id))
        followers.mark_paid_when_paid(uow, BillPaid(1, "registration", made.id, made.patient_id))
        assert uow.session.get_one(Prescription, made.id).state is PrescriptionState.BILLED
        followers.mark_paid_when_paid(uow, BillPaid(1, "prescription", made.id, made.patient_id))
        followers.mark_dispensed_when_collected(uow, BagCollected(1, made.id, made.patient_id))

    with units.open(reads_only=True) as uow:
        assert uow.session.get_one(Prescription, made.id).state is PrescriptionState.DISPENSED


def test_a_paid_one_is_taken_back_until_it_is_handed_over(
    units: Units, who: Person, reviewer: Actor, told: list[object]
) -> None:
    made = approved(units, reviewer, received(units, order(who.patient.id)))
    with units.open() as uow:
        followers.mark_billed_when_split(uow, SplitMade(1, "prescription", made.id, made.patient_id))
        followers.mark_paid_when_paid(uow, BillPaid(1, "prescription", made.id, made.patient_id))

    with units.open(reviewer) as uow:
        service.take_back(uow, public_id=made.public_id, reason="病人要求")
        service.take_back(uow, public_id=made.public_id, reason="病人要求")
    with pytest.raises(IllegalMove), units.open() as uow:
        followers.mark_dispensed_when_collected(uow, BagCollected(1, made.id, made.patient_id))

    assert told.count(PrescriptionVoided(made.id, who.patient.id)) == 1


def test_every_state_is_reached_and_every_action_used() -> None:
    assert {PrescriptionState.ISSUED, *MOVES.values()} == set(PrescriptionState)
    assert {action for _, action in MOVES} == set(PrescriptionAction)
