"""Somebody without a phone comes to the desk: they are found or filed, have a place, and leave with a slip."""

from __future__ import annotations

import re
from datetime import time, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.identity.models import Patient
from app.kernel.audit import AuditEvent
from app.kernel.errors import Refused
from app.registration import offering, rescheduling, waiting_code
from app.registration import service as registration
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.registration.visit_code import read_digits
from app.rulebook import service as rulebook
from app.scheduling import opening
from app.scheduling.models import BookingChannel, ClinicSession, HalfDay, Shift, Slot
from tests import factories
from tests.factories import Person
from tests.unit.paper.reading import codes_in
from tests.unit.paper.test_qr import drawn, path_of
from tests.web.work_fixtures import House, follow, house, suspend

__all__ = ["house"]
CARD = factories.id_number(733, "19460507")


@pytest.fixture
def nurse(house: House) -> FlaskClient:
    return house.browser("nurse")


def filed(house: House, nurse: FlaskClient) -> str:
    """The address of the patient's page, after the desk has filed them."""
    answer = nurse.post("/desk/register", data={"id_number": CARD.lower(), "name": "赵根生"})
    assert answer.status_code == 302, answer.text[:500]
    return answer.location


def register(nurse: FlaskClient, page: str, session: ClinicSession, **fields: str) -> str:
    answer = nurse.post(f"{page}/registrations", data={"session": session.public_id, **fields})
    assert answer.status_code == 302, answer.text[:800]
    return answer.location


def states(house: House) -> list[RegistrationState]:
    with house.units.open() as uow:
        return list(uow.session.scalars(select(Registration.state).order_by(Registration.id)))


def test_somebody_unknown_is_asked_for_the_name_filed_once_and_found_again(house: House, nurse: FlaskClient) -> None:
    first = nurse.post("/desk/register", data={"id_number": CARD})
    page = filed(house, nurse)
    again = nurse.post("/desk/register", data={"id_number": CARD})

    assert "还没有这位患者的档案" in first.text
    assert again.location == page
    assert "赵根生" in nurse.get(page).text
    assert CARD not in nurse.get(page).text
    with house.units.open() as uow:
        index = uow.keys.index(CARD, "id_number")
        assert (
            uow.session.scalar(select(func.count()).select_from(Patient).where(Patient.id_number_index == index)) == 1
        )
        searches = select(AuditEvent.outcome).where(AuditEvent.action == "patient.search").order_by(AuditEvent.id)
        looks = uow.session.scalars(searches).all()
    assert list(looks) == ["new", "ok", "ok"]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"id_number": CARD[:-1] + "5" if CARD[-1] != "5" else CARD[:-1] + "6"}, "身份证号码有误"),
        ({"id_number": CARD, "name": "赵\u202e根生"}, "请填写证件上的姓名"),
    ],
)
def test_what_cannot_be_filed_is_told_at_its_field(
    house: House, nurse: FlaskClient, typed: dict[str, str], words: str
) -> None:
    answer = nurse.post("/desk/register", data=typed)

    assert (answer.status_code, words in answer.text) == (422, True)


def test_the_slip_carries_the_code_that_check_in_and_cashier_read(house: House, nurse: FlaskClient) -> None:
    page = filed(house, nurse)

    slip = nurse.get(register(nurse, page, house.clinic.session)).text

    digits = re.search(r'class="qr-digits">([\d ]+)<', slip)
    assert digits
    number = read_digits(digits[1].replace(" ", ""))
    assert number in slip
    assert "请在 09:40 前到收费窗口缴费" in slip
    assert "赵根生" not in slip.split("<article", 1)[1].split("</article>", 1)[0]
    with house.units.open() as uow:
        assert uow.session.scalars(select(Registration.visit_number)).one() == number
    assert states(house) == [RegistrationState.HELD]


def test_a_second_press_leads_to_the_same_slip(house: House, nurse: FlaskClient) -> None:
    page = filed(house, nurse)

    assert register(nurse, page, house.clinic.session) == register(nurse, page, house.clinic.session)
    assert len(states(house)) == 1


def test_the_desk_has_the_places_kept_for_the_window_and_serves_whom_the_phone_refuses(
    house: House, nurse: FlaskClient
) -> None:
    who = suspend(house, "+8613700137555")
    with house.units.open() as uow:
        session = uow.session.get_one(ClinicSession, house.clinic.session.id)
        for place in uow.session.scalars(select(Slot).where(Slot.session_id == session.id, Slot.state == "free")):
            place.kept_for, place.kept_until = BookingChannel.WINDOW, session.ends_at

    slip = register(nurse, f"/desk/patients/{who.patient.public_id}", house.clinic.session)

    assert nurse.get(slip).status_code == 200


def test_a_place_is_given_back_and_moved_at_the_desk(house: House, nurse: FlaskClient) -> None:
    house.clinic.session.fee_fen = 0
    with house.units.open() as uow:
        uow.session.get_one(ClinicSession, house.clinic.session.id).fee_fen = 0
        day = uow.today() + timedelta(days=1)
        shift = Shift(practitioner_id=house.clinic.practitioner.id, weekday=day.weekday(), half_day=HalfDay.AM)
        shift.starts, shift.places, shift.slot_minutes, shift.room, shift.fee_fen = time(9), 3, 15, "3-05", 0
        uow.session.add(shift)
        uow.session.flush()
        later = opening.open_session(uow, shift, day)
        assert later is not None
    house.clock.step(hours=-2)
    nurse = house.browser("nurse")
    page = filed(house, nurse)
    slip = register(nurse, page, house.clinic.session)
    visit = slip.split("/")[-2]

    moved = register(nurse, page, later, moving=visit)
    gone = nurse.post(f"/desk/registrations/{visit}/cancel")

    assert (moved, gone.location) == (slip, page)
    assert states(house) == [RegistrationState.CANCELLED]


def test_the_desk_moves_a_place_too_late_for_the_phone_and_for_whom_the_phone_refuses(house: House) -> None:
    who = suspend(house, "+8613700137557")
    nurse = house.browser("nurse")
    with house.units.open() as uow:
        practitioner = factories.another_doctor(uow, house.clinic.department)
        today = factories.another_session(uow, practitioner, days=0, starts=time(9, 30), half_day=HalfDay.AM)
        later = factories.another_session(uow, practitioner)
        rulebook.write(uow, rulebook.HOUSE, {"cancel_minutes_before": 60, "expert_cancel_minutes_before": 60})
    page = f"/desk/patients/{who.patient.public_id}"
    visit = register(nurse, page, today).split("/")[-2]
    house.pay(who)

    with pytest.raises(Refused) as by_phone, house.units.open(who.actor) as uow:
        rescheduling.reschedule(uow, public_id=visit, session_public_id=later.public_id)
    moved = register(nurse, page, later, moving=visit)

    assert by_phone.value.code == "reschedule_too_late"
    assert moved.split("/")[-2] == visit
    with house.units.open() as uow:
        at_desk = uow.session.scalars(select(Registration).where(Registration.public_id == visit)).one()
        assert (at_desk.session_id, at_desk.state) == (later.id, RegistrationState.BOOKED)


def test_only_the_desks_own_people_register(house: House) -> None:
    assert house.browser("doctor").get("/desk/register").status_code == 403
    assert house.browser("clerk").get("/desk/register").status_code == 403


def test_another_phone_is_on_file_masked_and_a_wrong_one_is_refused_in_words(house: House, nurse: FlaskClient) -> None:
    page = filed(house, nurse)

    wrong = nurse.post(f"{page}/phone", data={"phone": "12345"})
    right = nurse.post(f"{page}/phone", data={"phone": "13912345678"})

    assert (wrong.status_code, right.status_code) == (422, 302)
    assert "手机号码有误" in wrong.text
    assert "没有登记" in wrong.text
    shown = nurse.get(page).text
    assert "139****5678" in shown
    assert "13912345678" not in shown


def full(house: House) -> tuple[Person, Registration]:
    """The morning's session has one place, which somebody has, two hours before it begins."""
    house.clock.step(hours=-2)
    with house.units.open() as uow:
        _, *others = uow.session.scalars(select(Slot).where(Slot.state == "free").order_by(Slot.seq)).all()
        for place in others:
            uow.session.delete(place)
        who = factories.person(uow)
    return who, factories.booked(house.units, who, house.clinic.session)


def join(nurse: FlaskClient, page: str, house: House, **fields: str) -> TestResponse:
    day = house.clinic.session.visit_day.isoformat()
    wish = {"department": "GI", "doctor": house.clinic.practitioner.code, "half_day": ""}
    return nurse.post(f"{page}/waitlist", data=wish | {"from_day": day, "to_day": day} | fields)


def test_who_has_no_phone_waits_with_a_slip_is_called_up_and_registered(house: House) -> None:
    leaving, booked = full(house)
    nurse = house.browser("nurse")
    page = nurse.post("/desk/register", data={"id_number": CARD, "name": "赵根生", "phone": "13800138000"}).location

    joined = join(nurse, page, house)
    slip = nurse.get(joined.location).text
    quiet = nurse.get("/desk/waitlist").text
    with house.units.open(leaving.actor) as uow:
        registration.cancel(uow, public_id=booked.public_id)
    with house.units.open() as uow:
        offering.work_through(uow)
    told = nurse.get("/desk/waitlist").text
    accept = re.search(r'action="(/desk/offers/\w+/accept)"', nurse.get(page).text)
    assert accept
    first, second = nurse.post(accept[1]), nurse.post(accept[1])

    assert "消化内科 张伟" in slip
    assert "138****8000" in slip
    assert "赵根生" not in slip.split("<article", 1)[1].split("</article>", 1)[0]
    assert "没有要通知的患者" in quiet
    assert ("赵根生" in told, "13800138000" in told) == (True, True)
    assert first.location == second.location
    assert "请在" in nurse.get(first.location).text
    assert house.audited("waitlist.print") == 1


def code_on(slip: str) -> str:
    """What a scanner gun reads from the slip's code and types."""
    return codes_in(drawn(path_of(slip), side=25, module_px=4))[0]


def test_the_waiting_slips_code_finds_the_entry_at_the_desk_and_names_nobody(house: House, nurse: FlaskClient) -> None:
    full(house)
    page = filed(house, nurse)
    joined = join(nurse, page, house).location
    entry = joined.split("/")[3]

    code = code_on(nurse.get(joined).text)
    found = nurse.post("/desk/register", data={"id_number": code})
    shown = nurse.get(found.location).text
    nurse.post(f"/desk/waitlist/{entry}/leave")
    over = follow(nurse, nurse.post("/desk/register", data={"id_number": code})).text

    assert waiting_code.read_digits(code) == entry
    assert found.location == page
    assert f"/desk/waitlist/{entry}/slip" in shown
    assert "候补已经结束" not in shown
    assert "候补已经结束" in over
    assert house.audited("waitlist.scan") == 2


def test_a_code_of_no_slip_is_told_at_its_field_and_leads_nowhere(house: House, nurse: FlaskClient) -> None:
    nobodys = waiting_code.to_digits("0" * 26)
    blurred = nobodys[:-1] + str((int(nobodys[-1]) + 1) % 10)

    answers = [nurse.post("/desk/register", data={"id_number": code, "name": "赵根生"}) for code in (nobodys, blurred)]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert all("没有找到这张候补凭条" in answer.text for answer in answers)
    with house.units.open() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Patient)) == 0


def test_waiting_at_the_desk_is_declined_left_and_refused_with_words(house: House) -> None:
    leaving, booked = full(house)
    nurse = house.browser("nurse")
    page = filed(house, nurse)
    entry = join(nurse, page, house).location.split("/")[3]
    with house.units.open(leaving.actor) as uow:
        registration.cancel(uow, public_id=booked.public_id)
    with house.units.open() as uow:
        offering.work_through(uow)
    decline = re.search(r'action="(/desk/offers/\w+/decline)"', nurse.get(page).text)
    assert decline

    passed_on = follow(nurse, nurse.post(decline[1])).text
    left = follow(nurse, nurse.post(f"/desk/waitlist/{entry}/leave")).text
    bad_day = follow(nurse, join(nurse, page, house, from_day="2026-02-30")).text

    assert "患者仍在候补" in passed_on
    assert "已退出候补" in left
    assert "先早后晚" in bad_day
    assert nurse.get(f"/desk/waitlist/{entry}/slip").status_code == 404


def test_a_suspended_patient_waits_at_the_desk_and_is_offered_a_place(house: House) -> None:
    who = suspend(house, "+8613700137556")
    leaving, booked = full(house)
    nurse = house.browser("nurse")

    assert join(nurse, f"/desk/patients/{who.patient.public_id}", house).status_code == 302
    with house.units.open(leaving.actor) as uow:
        registration.cancel(uow, public_id=booked.public_id)
    with house.units.open() as uow:
        offering.work_through(uow)

    assert "患者接受，挂号" in nurse.get("/desk/waitlist").text
