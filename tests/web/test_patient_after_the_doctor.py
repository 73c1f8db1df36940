"""What follows the doctor: the bill with its reasons, the pickup code, the invoice, the report and the revisit."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.identity import logins
from app.insurance import service as insurance
from app.insurance.rules import Usage
from app.invoice.models import Invoice
from app.kernel.uow import Actor, Units
from app.pharmacy.models import Bag
from app.prescription import service as prescriptions
from app.prescription.models import Prescription, ReviewCheck
from app.registration import service as registration
from app.registration.models import Registration
from app.reports import service as reports
from app.reports.rules import ObservationIn, ReportIn
from app.revisit import service as revisit
from app.web import show
from tests import factories
from tests.factories import Person
from tests.web.conftest import Phone
from tests.web.work_fixtures import House


def phone_of(hospital: House, who: Person, texts) -> Phone:
    """The person's phone, logged in."""
    with hospital.units.open() as uow:
        openid = f"o{who.account.id}"
        logins.remember_openid(uow, who.account, openid)
    client = hospital.app.test_client()
    hospital.app.extensions["menzhen"].couriers.wechat.people["c"] = openid
    state = client.get("/login/wechat").location.rpartition("state=")[2]
    assert client.get(f"/login/wechat/back?code=c&state={state}").location == "/"
    return Phone(client, texts)


@pytest.fixture
def ready(hospital: House, couriers) -> tuple[Phone, Bag]:
    """A bag in its bin, and its patient's phone."""
    who, bag = hospital.ready_bag()
    return phone_of(hospital, who, couriers.texts), bag


def test_a_bill_that_leaves_nothing_to_pay_asks_to_be_confirmed(hospital: House, couriers):
    with hospital.units.open() as uow:
        who = factories.person(uow)
        insurance.bind_coverage(
            uow, patient_id=who.patient.id, policy_code="retired", member_no="M12345678", usage=Usage(0, 0, 500_00)
        )
    _, held = hospital.booked(who=who)
    hospital.approve(hospital.prescribe(who, held))
    phone = phone_of(hospital, who, couriers.texts)

    home, bills, messages = (phone.open(path).text for path in ("/", "/bills", "/messages"))

    assert "药费不用再付，请确认" in home
    assert "确认后开始配药" in home
    assert "待确认" in bills
    assert "查看明细并确认" in bills
    assert "全部由医保和个人账户支付。确认后开始配药" in messages
    address = re.search(r"/bills/\w+", bills)
    assert address is not None
    after = phone.send(f"{address[0]}/pay")
    assert after.location == f"/visits/{held.public_id}"
    assert "已确认，正在配药" in phone.follow(after).text


def test_a_prescription_names_the_last_day_on_which_it_holds(hospital: House, couriers):
    who, written = hospital.prescribed()
    last_day = show.day_words(written.issued_at.date() + timedelta(days=2))

    page = phone_of(hospital, who, couriers.texts).open(f"/prescriptions/{written.public_id}").text

    assert re.search(rf"有效期至</dt>\s*<dd>{last_day}</dd>", page)


def test_every_line_of_the_drugs_bill_says_why(hospital: House, couriers):
    who, written = hospital.prescribed()
    with hospital.units.open(hospital.actors["reviewer"]) as uow:
        prescriptions.approve(uow, public_id=written.public_id, checks=list(ReviewCheck))
    phone = phone_of(hospital, who, couriers.texts)

    home = phone.open("/").text
    address = re.search(r'href="(/bills/\w+)"', home)
    page = phone.open(address[1]).text

    assert "有一笔药费待支付" in home
    assert "未绑定医保，全部自费" in page
    assert "个人自付" in page


def test_the_pickup_code_on_the_page_is_the_one_the_terminal_reads(ready, hospital: House):
    phone, bag = ready

    page = phone.open(f"/pickup/{bag.public_id}").text

    digits = re.sub(r"\D", "", re.search(r'qr-digits">([\d ]+)<', page)[1])
    assert digits == hospital.code(bag)
    assert 'http-equiv="refresh" content="25"' in page
    assert "1号窗口" in page
    assert bag.number in page


def test_the_pickup_code_is_sent_anew_every_thirty_seconds(ready, clock):
    phone, bag = ready
    first = phone.open(f"/pickup/{bag.public_id}/live")
    same = phone.open(f"/pickup/{bag.public_id}/live", **{"If-None-Match": first.headers["ETag"]})

    clock.step(seconds=30)
    later = phone.open(f"/pickup/{bag.public_id}/live", **{"If-None-Match": first.headers["ETag"]})

    assert (first.status_code, same.status_code, later.status_code) == (200, 304, 200)


def test_the_list_of_invoices_says_whose_each_is(ready):
    phone, _ = ready

    assert phone.open("/invoices").text.count("张秀英 · ") == 2


def test_amounts_windows_and_the_words_of_the_form_are_in_english_for_whoever_reads_that(ready, units: Units):
    phone, bag = ready
    with units.open() as uow:
        invoices = uow.session.scalars(select(Invoice.public_id).order_by(Invoice.id)).all()
        written = uow.session.scalars(select(Prescription.public_id)).one()
    phone.send("/preferences", language="en")
    paths = [*(f"/invoices/{each}" for each in invoices), f"/pickup/{bag.public_id}", f"/prescriptions/{written}"]

    fee, drugs, pickup, usage = (phone.open(path).text for path in paths)

    assert "Registration fee" in fee
    assert "Western medicine" in drugs
    assert "Window 1" in pickup
    assert "号窗口" not in pickup
    for page in (drugs, pickup, usage):
        assert re.search(r"\d box(es)?\b", page)
        assert not re.search(r"\d ?[盒片粒次]", page)


def test_what_follows_the_doctor_is_the_patients_alone(ready, li, hospital: House, units: Units):
    phone, bag = ready
    with units.open() as uow:
        invoice = uow.session.scalars(select(Invoice.public_id)).first()
        visit = uow.session.scalars(select(Registration).order_by(Registration.id)).first()
        plan = revisit.plan(uow, registration=visit, due_day=uow.today() + timedelta(days=14))
        report = reports.receive_from_his(uow, report=a_report(bag.patient_id), peer="HIS")
        written = prescriptions.list_of_registration(uow, visit.id)[0].public_id
    pages = [
        f"/pickup/{bag.public_id}",
        f"/pickup/{bag.public_id}/live",
        f"/prescriptions/{written}",
        f"/invoices/{invoice}",
        f"/invoices/{invoice}.pdf",
        f"/reports/{report.public_id}",
        f"/revisits/{plan.public_id}",
    ]

    own = [phone.open(page).status_code for page in pages]
    foreign = [li.open(page).status_code for page in pages]
    foreign_forms = [
        li.send(f"/revisits/{plan.public_id}/book").status_code,
        li.send(f"/revisits/{plan.public_id}/stop-reminding").status_code,
    ]

    assert own == [200] * len(pages)
    assert foreign == [404] * len(pages)
    assert foreign_forms == [404, 404]


def a_report(patient_id: int) -> ReportIn:
    from tests.factories_prescription import ISSUED

    return ReportIn(
        filler_number="LAB1",
        patient_id=patient_id,
        visit_number=None,
        code="CBC",
        name="血常规",
        status="F",
        reported_at=ISSUED,
        observations=(ObservationIn("WBC", "白细胞计数", "12.3", "10^9/L", "3.5-9.5", "H"),),
    )


def test_a_report_is_new_until_it_is_read(ready, units: Units):
    phone, bag = ready
    with units.open(Actor("peer", "HIS")) as uow:
        report = reports.receive_from_his(uow, report=a_report(bag.patient_id), peer="HIS")
    before = phone.open("/reports").text

    page = phone.open(f"/reports/{report.public_id}").text

    assert ">新<" in before
    assert "12.3 10^9/L" in page
    assert "偏高" in page
    assert ">新<" not in phone.open("/reports").text


def test_anyone_can_verify_an_invoice_and_reads_no_name(ready, phone, units: Units):
    with units.open() as uow:
        invoice = uow.session.scalars(select(Invoice).order_by(Invoice.id.desc())).first()
    address = f"/verify/{invoice.batch_code}/{invoice.number}"

    good = phone.open(f"{address}?c={invoice.check_code}")
    wrong = phone.open(f"{address}?c={(int(invoice.check_code) + 1) % 10**6:06d}")
    by_form = phone.open(
        f"/verify?batch_code={invoice.batch_code}&number={invoice.number}&check_code={invoice.check_code}"
    )

    assert good.status_code == 200
    assert "票据真实有效" in good.text
    assert "张秀英" not in good.text
    assert "张*英" in good.text
    assert wrong.status_code == 404
    assert by_form.location == f"{address}?c={invoice.check_code}"


@pytest.mark.parametrize("path", ["/verify/1/2?c=3", "/verify/甲/乙?c=丙", "/verify/12345678/0000000001"])
def test_numbers_that_are_no_invoice_are_told_so(phone, path):
    assert phone.open(path).status_code == 404


def test_a_line_counts_as_one_whatever_address_of_its_own_it_takes(phone):
    def asks(address: str) -> int:
        path, of = "/verify/12345678/0000000001?c=123456", {"REMOTE_ADDR": address}
        return phone.client.get(path, environ_base=of).status_code

    of_one_line = [asks(f"2001:db8:1:2:{number:x}::{number:x}") for number in range(1, 32)]

    assert of_one_line == [404] * 30 + [429]
    assert [asks("2001:db8:1:3::1"), asks("::ffff:192.0.2.1"), asks("192.0.2.1")] == [404] * 3


def test_an_address_verifies_thirty_invoices_a_minute(phone):
    answers = [phone.open("/verify/12345678/0000000001?c=123456").status_code for _ in range(31)]

    assert answers == [404] * 30 + [429]


def test_a_revisit_is_booked_with_one_tap_and_the_second_tap_is_the_same(ready, hospital: House, units: Units):
    phone, _ = ready
    with units.open() as uow:
        visit = uow.session.scalars(select(Registration)).one()
        plan = revisit.plan(uow, registration=visit, due_day=uow.today() + timedelta(days=1))
        registration.mark_checked_in(uow, visit)
        registration.begin_consultation(uow, visit)
        registration.end_consultation(uow, visit)
    page = phone.open(f"/revisits/{plan.public_id}").text

    first = phone.send(f"/revisits/{plan.public_id}/book")
    second = phone.send(f"/revisits/{plan.public_id}/book")

    assert "一键预约" in page
    assert first.status_code == 302, first.text[:500]
    assert first.location == second.location
    assert "支付 ¥25.00" in phone.follow(first).text


def test_messages_are_read_by_opening_them(ready):
    phone, bag = ready
    before = phone.open("/me").text
    messages = re.findall(r'action="(/messages/\w{26})"', phone.open("/messages").text)

    opened = phone.send(messages[0])
    phone.send("/messages/read")

    assert "条未读" in before
    assert opened.location == f"/pickup/{bag.public_id}"
    assert "条未读" not in phone.open("/me").text


def test_what_was_told_of_a_patient_unbound_since_leads_to_no_closed_page(ready):
    phone, bag = ready
    opens = re.search(r'action="(/messages/\w{26})"', phone.open("/messages").text)
    unbind = re.search(r'href="(/patients/\w+/unbind)"', phone.open("/patients").text)
    assert opens
    assert unbind

    phone.send(unbind[1])
    inbox = phone.open("/messages").text

    assert phone.open(f"/pickup/{bag.public_id}").status_code == 404
    assert "这位就诊人已解绑" in inbox
    assert opens[1] not in inbox
    assert phone.send(opens[1]).location == "/messages"
