"""What a patient and the staff see of settlements, and what they may do about one that went wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from app.identity.models import Account, Patient, PatientLink
from app.insurance import cases, covering
from app.insurance import service as insurance
from app.insurance.models import Settlement
from app.insurance.ports import INSURER, InsurerAway, InsurerRefused, Person
from app.insurance.states import SettlementState
from app.prescription.models import Prescription
from tests import factories
from tests.web.conftest import Phone
from tests.web.work_fixtures import House, house

__all__ = ["house"]


@pytest.fixture
def insured(house: House) -> House:
    """The house has an insurer; nobody asks it by itself here."""
    units = replace(house.units, partners=frozenset({INSURER}))
    house.app.extensions["menzhen"] = replace(house.app.extensions["menzhen"], units=units)
    return replace(house, units=units)


def held(house: House) -> Settlement:
    """A settlement whose answer did not add up."""
    who, written = house.prescribed()
    with house.units.open() as uow:
        covering.bind_coverage(uow, patient_id=who.patient.id, policy_code="employee", member_no="M12345678")
    house.approve(written)
    with house.units.open() as uow:
        case = cases.newest_of(uow, written)
        assert case is not None
        cases.hold(uow, case, "I3")
    return case


def newest(house: House, case: Settlement) -> Settlement:
    with house.units.open(reads_only=True) as uow:
        found = cases.newest_of(uow, uow.session.get_one(Prescription, case.prescription_id))
    assert found is not None
    return found


def test_a_held_settlement_is_told_to_the_staff_and_asked_again(insured: House) -> None:
    case = held(insured)
    browser = insured.browser("finance")

    home, listed = browser.get("/staff/").text, browser.get("/staff/settlements").text
    answer = browser.post(f"/staff/settlements/{case.public_id}/again")

    assert "有 1 笔医保结算需要处理" in home
    assert "I3" in listed
    assert answer.status_code == 302
    assert newest(insured, case).state is SettlementState.WANTED
    assert "没有待处理的结算" in browser.get("/staff/settlements").text


def test_the_staff_may_let_the_patient_pay_or_close_the_case(insured: House) -> None:
    first, second = held(insured), held(insured)
    browser = insured.browser("finance")

    browser.post(f"/staff/settlements/{first.public_id}/self-pay")
    browser.post(f"/staff/settlements/{second.public_id}/close")

    with insured.units.open(reads_only=True) as uow:
        split = insurance.live_split_of(uow, uow.session.get_one(Prescription, first.prescription_id))
        assert split is not None
        assert split.source == "self"
    assert newest(insured, second).state is SettlementState.WITHDRAWING


@pytest.mark.parametrize("state", [SettlementState.UNKNOWN, SettlementState.UNDOING])
def test_a_2207_that_the_insurer_does_not_undo_is_ended_by_the_word_of_its_office(
    insured: House, state: SettlementState
) -> None:
    who, written = insured.prescribed()
    with insured.units.open() as uow:
        covering.bind_coverage(uow, patient_id=who.patient.id, policy_code="employee", member_no="M12345678")
    insured.approve(written)
    with insured.units.open() as uow:
        case = cases.newest_of(uow, written)
        split = insurance.live_split_of(uow, written)
        assert case is not None
        assert split is not None
        case.state, case.tries, case.split_id, case.message_id = state, 3, split.id, "H1"
    browser = insured.browser("finance")

    assert "医保已确认撤销" in browser.get("/staff/settlements").text
    assert browser.post(f"/staff/settlements/{case.public_id}/by-word").status_code == 302

    assert newest(insured, case).state is SettlementState.REVERSED
    assert "没有待处理的结算" in browser.get("/staff/settlements").text


@pytest.mark.parametrize("deed", ["again", "self-pay", "close"])
def test_who_only_audits_changes_nothing(insured: House, deed: str) -> None:
    case = held(insured)
    browser = insured.browser("auditor")

    assert browser.get("/staff/settlements").status_code == 200
    assert browser.post(f"/staff/settlements/{case.public_id}/{deed}").status_code == 403
    assert newest(insured, case).state is SettlementState.HELD


def test_the_patient_sees_where_the_question_stands_and_may_pay_all(zhang: Phone, hospital: House) -> None:
    insured = replace(hospital, units=replace(hospital.units, partners=frozenset({INSURER})))
    with insured.units.open() as uow:
        patient, account = zhang_of(uow)
        covering.bind_coverage(uow, patient_id=patient.id, policy_code="employee", member_no="M12345678")
    _, visit = insured.booked(who=factories.Person(account, patient))
    written = insured.prescribe(factories.Person(account, patient), visit)
    insured.approve(written)
    page, visit_page = f"/prescriptions/{written.public_id}", f"/visits/{visit.public_id}"

    asking, waiting = zhang.open(page).text, zhang.open(visit_page).text
    with insured.units.open() as uow:
        case = cases.newest_of(uow, written)
        assert case is not None
        cases.hold(uow, case, "I3")
    failed, stopped = zhang.open(page).text, zhang.open(visit_page).text
    paying = zhang.follow(zhang.send(f"{page}/self-pay")).text

    assert "正在向医保查询" in asking
    assert "预估，以医保核定为准" in asking
    assert waiting.count("正在向医保查询金额") == 2  # at the top, and as the step's state
    assert "结算中" not in waiting
    assert "医保结算未成功" in failed
    assert stopped.count("医保结算未成功") == 2
    assert "账单明细" in paying


def test_a_settlement_that_is_none_is_not_found(insured: House) -> None:
    assert insured.browser("finance").post("/staff/settlements/nosuch/again").status_code == 404


def zhang_of(uow):
    patient = uow.session.scalars(select(Patient)).one()
    link = uow.session.scalars(select(PatientLink).where(PatientLink.patient_id == patient.id)).one()
    return patient, uow.session.get_one(Account, link.account_id)


class Centre:
    """An insurer in memory that knows one card."""

    away = False

    def identify(self, certificate):
        if self.away:
            raise InsurerAway("timed out")
        if certificate.number not in {"CARD1", "CARD2"}:
            raise InsurerRefused("1101")
        name = "张秀英" if certificate.number == "CARD1" else "李建国"
        return Person("P1", "310", 12_34, name=name, psn_type="12")


@pytest.fixture
def centre(app) -> Centre:
    centre = Centre()
    runtime = app.extensions["menzhen"]
    app.extensions["menzhen"] = replace(runtime, couriers=replace(runtime.couriers, insurer=centre))
    return centre


def own_page(phone: Phone) -> str:
    phone.open("/patients")
    start = phone.page.index("/patients/") + len("/patients/")
    return next(
        f"/patients/{part[:26]}/insurance" for part in phone.page[start:].split("/patients/") if part[26:27] == "/"
    )


def test_a_card_is_bound_after_the_insurer_named_its_holder(zhang: Phone, centre: Centre, hospital) -> None:
    page = own_page(zhang)

    before = zhang.open(page).text
    bound = zhang.follow(zhang.send(page, kind="03", number="CARD1")).text

    assert "还没有绑定医保" in before
    assert "职工医保（退休）" in bound
    assert "¥12.34" in bound
    assert "CARD1" not in bound


@pytest.mark.parametrize(
    ("number", "words"),
    [("CARD2", "不是就诊人本人的"), ("CARD9", "没有找到这张卡"), ("a b", "请填写 4 至 40 位")],
)
def test_a_card_that_does_not_fit_is_said_to_be(
    zhang: Phone, centre: Centre, hospital, number: str, words: str
) -> None:
    answer = zhang.send(own_page(zhang), kind="03", number=number)

    assert answer.status_code == 422
    assert f'value="{number}"' in answer.text
    assert words in answer.text


def test_an_insurer_that_is_away_binds_nobody(zhang: Phone, centre: Centre, hospital) -> None:
    centre.away = True

    answer = zhang.send(own_page(zhang), kind="01", number="0123456789abcdef")

    assert answer.status_code == 503
    assert "暂时没有回应" in answer.text
