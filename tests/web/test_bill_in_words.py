"""The bill tells how much and why: the worked example of the settlement interface, line by line on the screen."""

from __future__ import annotations

import re

import pytest

from app.insurance import service as insurance
from app.insurance.policies import CatalogueIn
from app.insurance.rules import ChargeableClass, Usage
from app.prescription.formulary import DrugIn, file_drug
from tests.factories import Person
from tests.factories_prescription import line
from tests.web.conftest import Phone
from tests.web.work_fixtures import House

# Class A 60.00, class B 100.00 with a first share of 10 %, class C 40.00; 20.00 of the deductible are left, the fund
# pays 60 %, the account holds 30.00.
DRUGS = (
    ("EXA", "甲药", 60_00, ChargeableClass.A, 0),
    ("EXB", "乙药", 100_00, ChargeableClass.B, 1_000),
    ("EXC", "丙药", 40_00, ChargeableClass.C, 10_000),
)


def example(house: House, who: Person) -> str:
    """The public id of the example's bill."""
    with house.units.open() as uow:
        for code, name, price_fen, chargeable_class, ratio_bp in DRUGS:
            file_drug(uow, DrugIn(code, name, name, "1片", "片剂", "盒", price_fen))
            insurance.file_catalogue_item(
                uow, CatalogueIn(code, chargeable_class, ratio_bp), valid_from=uow.today().replace(month=1, day=1)
            )
        insurance.bind_coverage(
            uow,
            patient_id=who.patient.id,
            policy_code="employee",
            member_no="M12345678",
            usage=Usage(180_00, 0, 30_00),
        )
    _, held = house.booked(who=who)
    lines = [
        line(code, drug_name=name, unit_price_fen=price_fen, amount_fen=price_fen)
        for code, name, price_fen, *_ in DRUGS
    ]
    house.approve(house.prescribe(who, held, *lines))
    with house.units.open(who.actor) as uow:
        from app.payment import service as payment
        from app.payment.states import BillState

        return next(row for row in payment.list_of_account(uow) if row.state == BillState.OPEN).public_id


def words_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.fixture
def bill(hospital: House, zhang: Phone) -> str:
    from sqlalchemy import select

    from app.identity.models import Account, Patient, PatientLink

    with hospital.units.open() as uow:
        patient = uow.session.scalars(select(Patient)).one()
        link = uow.session.scalars(select(PatientLink).where(PatientLink.patient_id == patient.id)).one()
        who = Person(uow.session.get_one(Account, link.account_id), patient)
    return example(hospital, who)


def test_the_example_is_told_line_by_line(zhang: Phone, bill: str) -> None:
    words = words_of(zhang.open(f"/bills/{bill}").text)

    head = words[words.index("您要付") : words.index("费用明细")]
    for label, amount in (
        ("药费合计", "¥200.00"),
        ("医保支付（预估）", "-¥78.00"),
        ("其中：医保不支付", "¥40.00"),
        ("乙类先自付", "¥10.00"),
        ("起付线", "¥20.00"),
        ("医保支付后余下", "¥52.00"),
        ("个人账户支付", "-¥30.00"),
    ):
        assert f"{label} {amount}" in head, label
    assert head.index("¥92.00") < head.index("药费合计")
    table = words[words.index("费用明细") :]
    assert re.search(
        r"甲药 .*?甲类，计入起付线 ¥8\.00，医保统筹支付 60%，个人账户支付 ¥\d+\.\d\d ¥60\.00 ¥31\.20", table
    )
    assert re.search(r"乙药 .*?乙类，乙类先自付 10%（¥10\.00），计入起付线 ¥12\.00，医保统筹支付 60%", table)
    assert re.search(r"丙药 .*?丙类药品，全部自费", table)


def test_the_example_in_english(zhang: Phone, bill: str) -> None:
    zhang.send("/preferences", language="en")

    words = words_of(zhang.open(f"/bills/{bill}").text)

    assert "Of which not covered ¥40.00" in words
    assert "Rest after insurance ¥52.00" in words


def test_nothing_is_asked_of_wechat_before_the_patient_agreed(zhang: Phone, bill: str, couriers) -> None:
    refused = zhang.follow(zhang.send(f"/bills/{bill}/pay")).text
    agreed = zhang.send(f"/bills/{bill}/pay", consent="yes")

    assert "请先确认医保不支付的药品" in refused
    assert agreed.location.endswith("/paying")
    assert [asked.amount_fen for asked in couriers.payments.orders.values()][-1] == 92_00
    assert "我知道下面的药医保不支付" not in zhang.open(f"/bills/{bill}").text


def test_a_line_is_left_out_after_the_patient_was_asked(zhang: Phone, bill: str) -> None:
    asked = zhang.open(f"/bills/{bill}/decline?line=3").text
    page = zhang.follow(zhang.send(f"/bills/{bill}/decline", line="3")).text

    assert "丙药" in asked
    assert "药师审核中" in page
    assert "丙药" not in page
    assert zhang.send(f"/bills/{bill}/decline", line="1").status_code == 409
    assert zhang.send(f"/bills/{bill}/decline", line="9" * 5000).status_code == 409
