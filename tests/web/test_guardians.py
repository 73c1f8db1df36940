"""A child on the phone and at the desk: bound, booked and let go by what a guardian says; names that were verified."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from app.identity.models import IdentityProof, Patient
from app.identity.rules import CONSENT_TEXT
from app.kernel.uow import Units
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.rulebook import service as rulebook
from tests import factories
from tests.web.conftest import Phone
from tests.web.work_fixtures import House, hidden, house

__all__ = ["house"]
CARD = factories.id_number(77, "20200101")
CHILD = {"name": "张小宝", "id_number": CARD, "relation": "child"}
GUARDIAN = {"guardian": "张秀英", "guardianship": "grandparent", "consent": CONSENT_TEXT}


def own_consent_page(phone: Phone) -> str:
    found = re.search(r'href="(/patients/\w+/consent)"', phone.open("/patients").text)
    assert found
    return found[1]


def book(phone: Phone, clinic: House, page: str) -> tuple[int, str]:
    patient = page.split("/")[2]
    session = phone.open(f"/sessions/{clinic.clinic.session.public_id}").text
    form = {name: hidden(session, name) for name in ("session", "once")}
    answer = phone.send("/registrations", patient=patient, **form)
    return answer.status_code, answer.text


def test_a_child_is_added_when_the_guardian_has_agreed(zhang: Phone) -> None:
    asked = zhang.send("/patients", **CHILD)
    unnamed = zhang.send("/patients", **CHILD, **{**GUARDIAN, "guardian": " "})
    added = zhang.send("/patients", **CHILD, **GUARDIAN)

    assert (asked.status_code, unnamed.status_code, added.status_code) == (409, 422, 302)
    assert "个人信息保护法" in asked.text
    assert CARD in asked.text, "what was typed stays typed"
    assert "请填写监护人证件上的姓名" in unnamed.text
    assert "监护人已同意" in zhang.open("/patients").text


def test_taken_back_nothing_new_is_booked_and_what_was_booked_stands(zhang: Phone, clinic: House, units: Units) -> None:
    zhang.send("/patients", **CHILD, **GUARDIAN)
    page = own_consent_page(zhang)
    first = book(zhang, clinic, page)
    with units.open() as uow:
        held = uow.session.query(Registration.public_id).scalar()

    gone = zhang.follow(zhang.send(f"{page}/withdraw")).text
    again = book(zhang, clinic, page)

    assert first[0] == 302
    assert "不再接受新的预约。已有的 1 个号仍然有效" in gone
    assert zhang.open(f"/registrations/{held}").status_code == 200
    with units.open() as uow:
        assert uow.session.query(Registration.state).one() == (RegistrationState.HELD,)
    assert again[0] == 302, "the second tap meets the place that stands"
    zhang.send(f"/registrations/{held}/cancel")
    refused = book(zhang, clinic, page)
    assert refused[0] == 409
    assert "需要监护人同意" in refused[1]
    assert 'href="/patients"' in refused[1]

    given = zhang.send(page, **GUARDIAN, next=f"/sessions/{clinic.clinic.session.public_id}")
    assert given.location.endswith(f"/sessions/{clinic.clinic.session.public_id}")
    assert book(zhang, clinic, page)[0] == 302


def test_whoever_has_other_papers_than_an_identity_card_is_told_where_to_go(zhang: Phone) -> None:
    assert "持护照" in zhang.open("/patients/new").text
    assert "儿童可带户口簿" in zhang.open("/patients").text


def test_only_verified_people_book_online_where_the_rules_say_so(zhang: Phone, clinic: House, units: Units) -> None:
    with units.open() as uow:
        rulebook.write(uow, rulebook.Where(department_code="GI"), {"verified_only": True})
        public_id = uow.session.query(Patient.public_id).scalar()

    asked = zhang.open(f"/sessions/{clinic.clinic.session.public_id}").text
    refused = book(zhang, clinic, f"/patients/{public_id}/")
    with units.open() as uow:
        patient = uow.session.query(Patient).one()
        patient.proof, patient.proven_at = IdentityProof.DESK, uow.now()
    taken = book(zhang, clinic, f"/patients/{public_id}/")

    assert "未实名核验，请先带身份证到挂号窗口核验" in asked
    assert refused[0] == 409
    assert "就诊人还没有实名核验" in refused[1]
    assert "窗口挂号不受影响" in refused[1]
    assert taken[0] == 302


@pytest.fixture
def nurse(house: House) -> FlaskClient:
    return house.browser("nurse")


def test_the_desk_records_a_signed_paper_before_a_child_has_a_place(house: House, nurse: FlaskClient) -> None:
    page = nurse.post("/desk/register", data={"id_number": CARD, "name": "张小宝"}).location
    place = {"session": house.clinic.session.public_id}

    refused = nurse.post(f"{page}/registrations", data=place)
    unsigned = nurse.post(f"{page}/consent", data={**GUARDIAN, "consent": ""})
    signed = nurse.post(f"{page}/consent", data=GUARDIAN)
    taken = nurse.post(f"{page}/registrations", data=place)
    shown = nurse.get(page).text
    withdrawn = nurse.post(f"{page}/consent/withdraw")

    assert (refused.status_code, unsigned.status_code) == (409, 409)
    assert "请监护人签纸质同意书" in refused.text
    assert (signed.status_code, taken.status_code, withdrawn.status_code) == (302, 302, 302)
    assert "纸质，窗口留存" in shown
    assert "同意已撤回" in nurse.get(page).text
    assert (house.audited("consent.give"), house.audited("consent.withdraw")) == (1, 1)


def test_the_desk_verifies_by_a_document_and_takes_it_back_for_a_reason(house: House, nurse: FlaskClient) -> None:
    page = nurse.post("/desk/register", data={"id_number": factories.id_number(7), "name": "赵根生"}).location

    unknown = nurse.post(f"{page}/proof", data={"document": "library_card"})
    proven = nurse.get(nurse.post(f"{page}/proof", data={"document": "id_card"}).location).text
    silent = nurse.post(f"{page}/proof/take-back", data={"reason": " "})
    taken_back = nurse.get(nurse.post(f"{page}/proof/take-back", data={"reason": "看错了证件"}).location).text

    assert (unknown.status_code, silent.status_code) == (422, 422)
    assert "已实名：窗口核验" in proven
    assert "未实名核验" in taken_back
    assert house.audited("patient.prove") == 2
