"""The nurse checks patients in at the desk, sends them to another room, and takes back what was a mistake."""

from __future__ import annotations

from app.identity import service as identity
from app.registration import service as registration
from tests import factories
from tests.web.test_desk import queue_page, state_of
from tests.web.work_fixtures import House, follow, house

__all__ = ["house"]


def test_a_nurse_sends_a_patient_to_another_room(house: House) -> None:
    _, held, ticket = house.waiting()
    with house.units.open() as uow:
        other = factories.clinic(uow, code="GI2")
        other.session.department_id = house.clinic.department.id
        other.session.room = "3-09"
    nurse = house.browser("nurse")

    page = nurse.get(f"/desk/arrived/{held.public_id}").text
    sent = {"session": other.session.public_id}
    moved = follow(nurse, nurse.post(f"/desk/arrived/{held.public_id}/hand-over", data=sent))
    elsewhere = nurse.post(f"/desk/arrived/{held.public_id}/hand-over", data={"session": "no-such-session"})

    assert "换诊室" in page
    assert "3-09" in moved.text
    assert ticket.number in moved.text
    assert elsewhere.status_code == 404


def test_a_check_in_that_was_a_mistake_is_taken_back_until_the_patient_is_called(house: House) -> None:
    _, held, ticket = house.waiting()
    nurse = house.browser("nurse")
    page = nurse.get(f"/desk/arrived/{held.public_id}").text

    gone = follow(nurse, nurse.post(f"/desk/arrived/{held.public_id}/take-back"))
    twice = nurse.post(f"/desk/arrived/{held.public_id}/take-back")

    assert "撤销报到" in page
    assert "A001 号作废" in gone.text
    assert (twice.status_code, state_of(house, ticket)) == (409, "void")
    assert "撤销报到" not in nurse.get(f"/desk/arrived/{held.public_id}").text


def test_whoever_has_neither_phone_nor_slip_is_checked_in_by_their_identity_card(house: House) -> None:
    who, held = house.booked()
    with house.units.open() as uow:
        card = identity.id_number_of(uow, who.patient)
    nurse = house.browser("nurse")

    answers = [nurse.post("/desk/check-in", data={"visit_number": typed}) for typed in (card, card.lower())]
    stranger = nurse.post("/desk/check-in", data={"visit_number": factories.id_number(942)})

    assert {answer.location for answer in answers} == {f"/desk/arrived/{held.public_id}"}
    assert "张*英" in follow(nurse, answers[0]).text
    assert (stranger.status_code, "今天没有号" in stranger.text) == (404, True)
    assert house.audited("patient.search") == 3


def test_a_card_finds_the_visit_that_is_going_on_or_over_and_says_of_an_unpaid_one_what_it_is(house: House) -> None:
    who, held, ticket = house.waiting()
    with house.units.open() as uow:
        card = identity.id_number_of(uow, who.patient)
        unpaid = factories.person(uow, name="李建国")
        other_card = identity.id_number_of(uow, unpaid.patient)
    with house.units.open(unpaid.actor) as uow:
        session, patient = house.clinic.session.public_id, unpaid.patient.public_id
        registration.hold(uow, session_public_id=session, patient_public_id=patient)
    nurse, doctor = house.browser("nurse"), house.browser("doctor")
    doctor.post(f"{queue_page(house)}/next")
    doctor.post(f"/desk/tickets/{ticket.public_id}/begin")

    with_doctor = nurse.post("/desk/check-in", data={"visit_number": card})
    doctor.post(f"/desk/tickets/{ticket.public_id}/finish")
    over = nurse.post("/desk/check-in", data={"visit_number": card})
    not_paid = nurse.post("/desk/check-in", data={"visit_number": other_card})

    assert {with_doctor.location, over.location} == {f"/desk/arrived/{held.public_id}"}
    assert "A001" in follow(nurse, over).text
    assert (not_paid.status_code, "这个号还没有付款，请在 09:40 前付款" in not_paid.text) == (422, True)


def test_of_several_visits_of_one_person_the_nurse_is_asked_for_one(house: House) -> None:
    who, _ = house.booked()
    with house.units.open() as uow:
        card = identity.id_number_of(uow, who.patient)
        other = factories.clinic(uow, code="CV")
    factories.booked(house.units, who, other.session)

    answer = house.browser("nurse").post("/desk/check-in", data={"visit_number": card})

    assert (answer.status_code, "今天有 2 个号" in answer.text) == (422, True)


def test_a_number_that_no_visit_has_is_said_at_its_field(house: House) -> None:
    nurse = house.browser("nurse")

    answer = nurse.post("/desk/check-in", data={"visit_number": "V26112300000000"})

    field = answer.text.partition('id="e-visit_number"')[2].partition("</div>")[0]
    assert answer.status_code == 404
    assert "没有这个就诊号" in field
    assert 'value="V26112300000000"' in field
    assert "autofocus" in field
    assert 'href="/desk/check-in" aria-current="page"' in answer.text
