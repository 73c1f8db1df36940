"""Names, phones and identity numbers are read, kept sealed, and bound to whoever may act for them."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import text

from app.identity import logins, rules, service
from app.identity.errors import BadIdNumber, BadName, BadPhone, CannotBind, IdentityConflict
from app.identity.models import Patient, Relation
from app.identity.service import PatientFromHis
from app.kernel.errors import NotFound
from app.kernel.uow import Units
from tests import factories
from tests.conftest import SetClock

TODAY = date(2026, 11, 23)


def test_the_public_identity_numbers_are_read() -> None:
    card = rules.read_id_card("11010519491231002x", TODAY)

    assert (card.number, card.birth_date, card.sex) == ("11010519491231002X", date(1949, 12, 31), "female")


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("110105194912310021", "check_digit"),
        ("11010519491231002", "length"),
        ("110105194902300020", "date"),
        ("", "length"),
        ("11010519491231002Ｘ1", "length"),
        ("abcdefghijklmnopqr", "length"),
    ],
)
def test_a_wrong_identity_number_is_refused_with_its_reason(number: str, why: str) -> None:
    with pytest.raises(BadIdNumber) as refused:
        rules.read_id_card(number, TODAY)

    assert refused.value.facts["why"] == why


@pytest.mark.parametrize(
    "typed", ["13800138000", "138 0013 8000", "+86 138-0013-8000", "0086 13800138000", "１３８００１３８０００"]
)
def test_one_phone_however_it_is_typed(typed: str) -> None:
    assert rules.read_phone(typed) == "+8613800138000"


@pytest.mark.parametrize("typed", ["", "12345", "010-65123456", "abc", "1380013800013800138000"])
def test_what_is_no_mobile_number_is_refused(typed: str) -> None:
    with pytest.raises(BadPhone):
        rules.read_phone(typed)


@pytest.mark.parametrize("name", ["", "  ", "张\u202e三", "a\x00b", "a" * 101])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(BadName):
        rules.read_name(name)


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("李四", "李*"),
        ("张秀英", "张*英"),
        ("欧阳娜娜", "欧**娜"),
        ("Anna", "A**a"),
        ("𠮷", "*"),
        ("阿卜杜·拉赫曼", "阿***曼"),
    ],
)
def test_names_are_masked_for_screens(name: str, masked: str) -> None:
    assert rules.mask_name(name) == masked


def test_personal_data_is_unreadable_in_the_database(units: Units) -> None:
    with units.open() as uow:
        who = factories.person(uow, name="张秀英", phone="+8613800138000")
        row = uow.session.execute(text("SELECT * FROM patient")).one()

        assert service.name_of(uow, who.patient) == "张秀英"
        assert service.phone_of(uow, who.patient) == "+8613800138000"
        assert not any("张秀英" in str(value) or "13800138000" in str(value) for value in row)


def test_a_sealed_value_does_not_open_in_another_row(units: Units) -> None:
    with units.open() as uow:
        one, other = factories.person(uow), factories.person(uow)
        other.patient.name_sealed = one.patient.name_sealed

        with pytest.raises(Exception, match=r"patient\.name"):
            service.name_of(uow, other.patient)


def test_a_person_on_record_is_bound_only_by_name_and_phone(units: Units) -> None:
    with units.open() as uow:
        service.file_patient_from_his(
            uow, PatientFromHis("M1", name="李雷", id_number=factories.id_number(77), phone="13900139000")
        )
        stranger, holder = factories.person(uow), factories.person(uow, phone="+8613900139000")

    def bind(who: factories.Person, name: str) -> Patient:
        with units.open(who.actor) as uow:
            return service.bind_patient(uow, name=name, id_number=factories.id_number(77), relation=Relation.SPOUSE)

    with pytest.raises(CannotBind):
        bind(stranger, "李雷")
    with pytest.raises(CannotBind):
        bind(holder, "李蕾")
    assert bind(holder, "李雷").id == bind(holder, "李雷").id


def test_a_foreign_patient_and_a_missing_one_look_the_same(units: Units) -> None:
    with units.open() as uow:
        mine, foreign = factories.person(uow), factories.person(uow)

    with units.open(mine.actor) as uow:
        assert service.patient_of_account(uow, mine.patient.public_id).id == mine.patient.id
        for public_id in (foreign.patient.public_id, "nobody"):
            with pytest.raises(NotFound):
                service.patient_of_account(uow, public_id)


def test_the_hospital_systems_patient_is_filed_once_and_amended(units: Units) -> None:
    said = PatientFromHis("M9", name="韩梅梅", id_number=factories.id_number(9), phone="13700137000")

    with units.open() as uow:
        first = service.file_patient_from_his(uow, said)
        again = service.file_patient_from_his(uow, PatientFromHis("M9", name="韩梅", phone=None))
        emptied = service.file_patient_from_his(uow, PatientFromHis("M9", phone=""))

        assert first.id == again.id == emptied.id
        assert (service.name_of(uow, first), service.phone_of(uow, first)) == ("韩梅", "")


def test_two_records_for_one_identity_number_need_a_person(units: Units) -> None:
    with units.open() as uow:
        service.file_patient_from_his(uow, PatientFromHis("M1", name="甲", id_number=factories.id_number(1)))
        service.file_patient_from_his(uow, PatientFromHis("M2", name="乙", id_number=factories.id_number(2)))

        with pytest.raises(IdentityConflict):
            service.file_patient_from_his(uow, PatientFromHis("M2", id_number=factories.id_number(1)))


class Letterbox:
    """Takes codes as a text-message provider does."""

    def __init__(self) -> None:
        self.codes: dict[str, str] = {}

    def send_code(self, *, phone: str, code: str, client_ref: str) -> None:
        self.codes[client_ref] = code
        assert phone.startswith("+86")


def test_a_code_logs_in_once_within_five_minutes_and_five_tries(units: Units, clock: SetClock) -> None:
    box = Letterbox()

    def ask() -> str:
        with units.open() as uow:
            asked = logins.request_phone_code(uow, phone="13800138000")
        logins.send_codes(units, box)
        return asked

    def answer(asked: str, digits: str) -> bool:
        with units.open() as uow:
            return logins.log_in_by_phone(uow, code_public_id=asked, digits=digits) is not None

    good = ask()
    assert answer(good, box.codes[good])
    assert not answer(good, box.codes[good]), "used"

    guessed = ask()
    wrong = "000000" if box.codes[guessed] != "000000" else "111111"
    assert not any(answer(guessed, wrong) for _ in range(5))
    assert not answer(guessed, box.codes[guessed]), "five wrong tries"

    late = ask()
    clock.step(minutes=6)
    assert not answer(late, box.codes[late]), "too late"


def test_five_wrong_passwords_lock_the_login_for_a_while(units: Units, clock: SetClock) -> None:
    with units.open() as uow:
        factories.staff(uow, "doctor", login="zhang.wei")

    def log_in(password: str) -> bool:
        with units.open() as uow:
            return logins.log_in_staff(uow, login="zhang.wei", password=password) is not None

    assert log_in("demo-2026")
    assert not any(log_in("wrong") for _ in range(5))
    assert not log_in("demo-2026")
    clock.step(minutes=16)
    assert log_in("demo-2026")


def test_an_idle_log_in_ends(units: Units, clock: SetClock) -> None:
    with units.open() as uow:
        factories.staff(uow, "doctor", login="li.na")
        entered = logins.log_in_staff(uow, login="li.na", password="demo-2026")
    assert entered is not None

    with units.open() as uow:
        assert logins.who_holds(uow, entered.secret) == entered.actor
    clock.step(minutes=31)
    with units.open() as uow:
        assert logins.who_holds(uow, entered.secret) is None
