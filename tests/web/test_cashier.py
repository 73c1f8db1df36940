"""The cashier's pages: whoever pays is found by their visit, money is taken and handed back, and the drawer adds up."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.insurance import service as insurance
from app.payment import service as payment
from app.payment.models import Bill
from app.payment.states import BillState
from app.registration import service as registration
from app.registration.visit_code import to_digits
from tests import factories
from tests.factories_prescription import line
from tests.unit.paper.reading import text_of
from tests.web.work_fixtures import House, follow, house

__all__ = ["house"]


def unpaid(house: House) -> tuple[str, str]:
    """Somebody holds a place whose fee is not paid: the visit's digits, the bill's public id."""
    with house.units.open() as uow:
        who = factories.person(uow)
    with house.units.open(who.actor) as uow:
        held = registration.hold(
            uow, session_public_id=house.clinic.session.public_id, patient_public_id=who.patient.public_id
        )
    with house.units.open(who.actor) as uow:
        return to_digits(held.visit_number), payment.list_of_account(uow)[0].public_id


def begin(house: House):
    clerk = house.browser("cashier")
    answer = clerk.post("/window/cashier/shift", data={"float": "200"})
    assert answer.status_code == 302
    return clerk


def state_of(house: House, bill: str) -> BillState:
    with house.units.open(reads_only=True) as uow:
        return uow.session.scalars(select(Bill.state).where(Bill.public_id == bill)).one()


def test_only_cashiers_take_money_and_only_clerks_print_invoices(house: House) -> None:
    assert house.browser("clerk").get("/window/cashier").status_code == 403
    assert house.browser("cashier").get("/window/").status_code == 403
    assert house.browser("doctor").get("/window/cashier").status_code == 403


def test_a_visit_is_paid_in_cash_from_its_code_to_the_receipt(house: House) -> None:
    digits, bill = unpaid(house)
    clerk = begin(house)

    payer = follow(clerk, clerk.post("/window/cashier/find", data={"digits": digits})).text
    page = clerk.get(f"/window/cashier/bills/{bill}").text
    receipt = follow(clerk, clerk.post(f"/window/cashier/bills/{bill}/cash", data={"tendered": "５０"})).text

    assert "张秀英" in payer
    assert bill in payer
    assert "¥25.00" in page
    assert "找零" in receipt
    assert "¥25.00" in receipt
    assert state_of(house, bill) == BillState.PAID
    assert house.audited("patient.search") == 1
    assert house.audited("patient.read") >= 2


def test_the_receipt_is_printed_with_the_payer_masked(house: House) -> None:
    _, bill = unpaid(house)
    clerk = begin(house)
    entry = clerk.post(f"/window/cashier/bills/{bill}/cash", data={"tendered": "30"}).location

    printed = clerk.get(f"{entry}.pdf")

    assert printed.mimetype == "application/pdf"
    words = text_of(printed.data)
    assert "收费凭证" in words
    assert "贰拾伍元整" in words
    assert "张*英" in words
    assert "张秀英" not in words


def test_a_card_needs_its_slip_and_a_refusal_says_why(house: House) -> None:
    _, bill = unpaid(house)
    clerk = begin(house)

    refused = clerk.post(f"/window/cashier/bills/{bill}/card", data={"terminal_no": "T1"})
    taken = clerk.post(f"/window/cashier/bills/{bill}/card", data={"terminal_no": "T1", "slip_no": "42"})

    assert refused.status_code == 422
    assert "终端号或凭证号有误" in refused.text
    assert 'name="terminal_no" type="text" value="T1"' in refused.text
    assert "凭证号" in follow(clerk, taken).text


@pytest.mark.parametrize(("said", "flaw"), [("20", "收到的金额少于应收"), ("twenty", "请填写金额")])
def test_a_mistyped_amount_is_said_at_its_field_on_the_patients_bill(house: House, said: str, flaw: str) -> None:
    _, bill = unpaid(house)
    clerk = begin(house)

    refused = clerk.post(f"/window/cashier/bills/{bill}/cash", data={"tendered": said})

    field = refused.text.partition('id="e-tendered"')[2]
    assert refused.status_code == 422
    assert flaw in field.partition("</p>")[0]
    assert f'value="{said}"' in field.partition(">")[2].partition("autofocus")[0]
    assert "张秀英" in refused.text
    assert "¥25.00" in refused.text


def test_a_mistyped_float_is_said_at_its_field(house: House) -> None:
    clerk = house.browser("cashier")

    answers = [clerk.post("/window/cashier/shift", data={"float": said}) for said in ("two hundred", "-1")]

    assert [(answer.status_code, "请填写金额" in answer.text) for answer in answers] == [(422, True)] * 2


def test_a_cancelled_visit_is_handed_back_where_it_was_paid(house: House) -> None:
    digits, bill = unpaid(house)
    clerk = begin(house)
    clerk.post(f"/window/cashier/bills/{bill}/cash", data={"tendered": "25"})
    with house.units.open() as uow:
        visit = uow.session.scalars(select(registration.Registration)).one()
        registration.give_back(uow, visit, by_hospital=True, why="stopped")

    page = follow(clerk, clerk.post("/window/cashier/find", data={"digits": digits})).text
    path = next(part.split('"')[0] for part in page.split('action="') if "hand-back" in part.split('"')[0])
    receipt = follow(clerk, clerk.post(path, data={})).text

    assert "待退还 ¥25.00" in page
    assert "已退还 ¥25.00" in receipt
    assert state_of(house, bill) == BillState.REFUNDED


def test_the_drawers_end_is_shown_with_its_difference(house: House) -> None:
    _, bill = unpaid(house)
    clerk = begin(house)
    clerk.post(f"/window/cashier/bills/{bill}/cash", data={"tendered": "25"})

    assert "¥225.00" in clerk.get("/window/cashier/shift").text
    once = clerk.post("/window/cashier/shift/close", data={"counted": "24.50"})
    again = clerk.post("/window/cashier/shift/close", data={"counted": "224.50", "counted_before": "2450"})
    ended = follow(
        clerk, clerk.post("/window/cashier/shift/close", data={"counted": "224.5", "counted_before": "22450"})
    ).text

    assert (once.status_code, "相差 -¥200.50" in once.text) == (422, True)
    assert (again.status_code, 'name="counted_before" value="22450"' in again.text) == (422, True)
    assert "-¥0.50" in ended or "¥-0.50" in ended
    assert clerk.post(f"/window/cashier/bills/{bill}/cash", data={"tendered": "25"}).status_code == 409


@pytest.mark.parametrize("said", ["", "abc", "-5", "1e9", "９" * 40, "0.001", "1,000", "'; DROP TABLE bill; --"])
def test_hostile_amounts_take_no_money(house: House, said: str) -> None:
    _, bill = unpaid(house)
    clerk = begin(house)

    answer = clerk.post(f"/window/cashier/bills/{bill}/cash", data={"tendered": said})

    assert answer.status_code in {409, 422}
    assert state_of(house, bill) == BillState.OPEN


def test_a_number_nobody_has_is_said_to_be_unknown(house: House) -> None:
    clerk = begin(house)

    for number in ("", "V26112300000000", "110105198001010019", "%", "1" * 5000):
        page = follow(clerk, clerk.post("/window/cashier/find", data={"digits": number})).text
        assert "没有这个号码的患者" in page


def test_what_no_insurance_covers_is_taken_only_when_the_patient_agreed(house: House) -> None:
    who, held = house.booked()
    prescription = house.prescribe(who, held, line("IBU300"), line("VITC"))
    with house.units.open() as uow:
        insurance.bind_coverage(uow, patient_id=who.patient.id, policy_code="employee", member_no="M00000001")
    house.approve(prescription)
    with house.units.open(who.actor) as uow:
        bill = next(each for each in payment.list_of_account(uow) if each.state == BillState.OPEN).public_id
    clerk = begin(house)

    page = clerk.get(f"/window/cashier/bills/{bill}").text
    refused = clerk.post(f"/window/cashier/bills/{bill}/cash", data={"tendered": "1000"})
    assert (refused.status_code, state_of(house, bill)) == (409, BillState.OPEN)
    agreed = follow(clerk, clerk.post(f"/window/cashier/bills/{bill}/agree")).text
    taken = clerk.post(f"/window/cashier/bills/{bill}/cash", data={"tendered": "1000"})

    assert "医保不支付的药品须患者同意" in page
    assert "收现金" in agreed
    assert taken.status_code == 302
    assert house.audited("self_pay.agreed") == 1
