"""What the patient is told at each step: once, with numbers, rooms, times and amounts, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select

from app import events
from app.identity.models import Account
from app.kernel.ids import new_public_id
from app.kernel.uow import Story, Units
from app.notifications import followers, service
from app.notifications.models import Message
from app.payment.models import PaymentOrder, PayMethod, Refund
from app.payment.states import OrderState
from app.queueing import service as queueing
from app.queueing import walking
from app.queueing.models import Ticket
from app.registration import by_time, deciding
from app.registration.models import Registration
from app.reports.models import Report
from app.rulebook import service as rulebook
from app.scheduling.models import ClinicSession, HalfDay
from tests import factories, factories_payment, factories_pharmacy
from tests.conftest import SetClock

STORY: Story = {
    events.RegistrationBooked: (deciding.ask_when_booked,),
    events.PlaceConfirmed: (followers.tell_when_confirmed,),
    events.RegistrationExpired: (followers.tell_when_expired,),
    events.RegistrationCancelled: (followers.tell_when_cancelled,),
    events.PatientCheckedIn: (followers.tell_when_checked_in,),
    events.PatientCalled: (followers.tell_when_called,),
    events.ReturnDue: (followers.tell_when_return_due,),
    events.BillOpened: (followers.tell_when_billed,),
    events.BillPaid: (followers.tell_when_paid,),
    events.BagReady: (followers.tell_when_ready,),
    events.BagCollected: (followers.tell_when_collected,),
    events.ReportArrived: (followers.tell_when_reported,),
    events.RefundSucceeded: (followers.tell_when_refunded,),
}
SECRETS = re.compile("张|消化|内科|Gastro|阿莫西林|奥美拉唑|支气管|血常规|138[0-9]{8}|110105")


@pytest.fixture
def units(units: Units) -> Units:
    return replace(units, story=STORY)


def told(units: Units) -> list[tuple[str, str, str]]:
    """Template, finished body and link of every message so far; none of them holds what it must not."""
    with units.open() as uow:
        found = []
        for message in uow.session.scalars(select(Message).order_by(Message.id)):
            assert not SECRETS.search(json.dumps([message.params, message.link], ensure_ascii=False))
            account = uow.session.get_one(Account, message.account_id)
            note = service._note(uow, message, account.locale, frozenset())
            assert not SECRETS.search(note.title + note.body)
            found.append((note.template, note.body, note.link))
        return found


@pytest.fixture
def visit(units: Units) -> tuple[factories.Clinic, factories.Person]:
    with units.open() as uow:
        return factories.clinic(uow), factories.person(uow)


def test_a_booked_place_is_told_with_time_room_and_number(
    units: Units, visit: tuple[factories.Clinic, factories.Person]
) -> None:
    clinic, who = visit

    booked = factories.booked(units, who, clinic.session)
    with units.open() as uow:
        uow.publish(events.RegistrationBooked(booked.id, who.patient.id))

    words = "11-23 09:30，3-05诊室，1号。请提前15分钟到院签到。"
    assert told(units) == [("booked", words, f"/visits/{booked.public_id}")]


def test_a_hold_that_ran_out_is_told(
    units: Units, visit: tuple[factories.Clinic, factories.Person], clock: SetClock
) -> None:
    clinic, who = visit
    factories.held(units, who, clinic.session)
    clock.step(minutes=11)

    with units.open() as uow:
        by_time.expire_due(uow)

    assert [template for template, _, _ in told(units)] == ["expired"]


@pytest.mark.parametrize(
    ("was_paid", "by_hospital", "templates"),
    [(True, False, ["cancelled"]), (True, True, ["stopped"]), (False, True, ["stopped"]), (False, False, [])],
)
def test_who_let_an_unpaid_place_go_is_not_told_so(
    units: Units,
    visit: tuple[factories.Clinic, factories.Person],
    was_paid: bool,
    by_hospital: bool,
    templates: list[str],
) -> None:
    clinic, who = visit
    held = factories.held(units, who, clinic.session)

    with units.open() as uow:
        uow.publish(events.RegistrationCancelled(held.id, who.patient.id, was_paid, by_hospital))

    assert [template for template, _, _ in told(units)] == templates


def test_the_queue_number_and_each_call_are_told(
    units: Units, visit: tuple[factories.Clinic, factories.Person]
) -> None:
    clinic, who = visit
    booked = factories.booked(units, who, clinic.session)
    with units.open() as uow:
        ticket = queueing.check_in(uow, registration=uow.session.get_one(Registration, booked.id))
    with units.open() as uow:
        queueing.call_next(uow, session=uow.session.get_one(ClinicSession, clinic.session.id))
    with units.open() as uow:
        uow.publish(events.PatientCalled(booked.id, who.patient.id, ticket.id))

    assert [(template, body) for template, body, _ in told(units)[1:]] == [
        ("checked_in", f"您的排队号是{ticket.number}，请到3-05诊室候诊。轮到您时会再通知。"),
        ("called", f"{ticket.number}，请现在到3-05诊室。"),
    ]


def test_of_a_shared_line_the_room_is_told_by_the_call_and_not_before(
    units: Units, visit: tuple[factories.Clinic, factories.Person]
) -> None:
    clinic, who = visit
    with units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, {"doctors_share_a_line": True})
        other = factories.another_doctor(uow, clinic.department)
        pattern = {"half_day": HalfDay.AM, "starts": clinic.session.starts_at.astimezone(uow.zone).time()}
        sits = factories.another_session(uow, other, days=0, room="3-11", places=20, slot_minutes=15, **pattern)
    booked = factories.booked(units, who, clinic.session)
    with units.open() as uow:
        ticket = queueing.check_in(uow, registration=uow.session.get_one(Registration, booked.id))
    with units.open() as uow:
        walking.choose(uow, uow.session.get_one(Ticket, ticket.id), 10)
        uow.publish(events.ReturnDue(booked.id, who.patient.id, ticket.id))
    with units.open() as uow:
        queueing.call_next(uow, session=uow.session.get_one(ClinicSession, sits.id))

    outside = "3-05/3-11诊室外"
    assert [(template, body) for template, body, _ in told(units)] == [
        ("booked", "11-23 09:30，3-05/3-11诊室，1号。请提前15分钟到院签到。"),
        (
            "checked_in_shared",
            f"您的排队号是{ticket.number}，请在{outside}候诊，到哪一间以叫号为准。轮到您时会再通知。",
        ),
        (
            "come_back_shared",
            f"{ticket.number}，快轮到您了。按您选的10分钟路程，请现在回到{outside}，到哪一间以叫号为准。",
        ),
        ("called", f"{ticket.number}，请现在到3-11诊室。"),
    ]


def test_a_bill_says_what_insurance_pays_and_what_the_patient_pays(
    units: Units, visit: tuple[factories.Clinic, factories.Person]
) -> None:
    _, who = visit
    with units.open() as uow:
        bill = factories_payment.bill(uow, who, cash_fen=1234, fund_fen=6000)
    with units.open() as uow:
        uow.publish(events.BillPaid(bill.id, bill.purpose.value, bill.subject_id, who.patient.id))

    assert [(template, body) for template, body, _ in told(units)] == [
        ("billed", "合计72.34元，医保和个人账户支付60.00元，您需支付12.34元。付款或确认后开始配药。"),
        ("paid", "已支付12.34元。备好后会通知您取药窗口。"),
    ]
    assert {link for _, _, link in told(units)} == {f"/bills/{bill.public_id}"}


def test_a_bill_that_insurance_pays_alone_asks_for_no_money(
    units: Units, visit: tuple[factories.Clinic, factories.Person]
) -> None:
    _, who = visit
    with units.open() as uow:
        bill = factories_payment.bill(uow, who, cash_fen=0, fund_fen=6000)
    with units.open() as uow:
        uow.publish(events.BillPaid(bill.id, bill.purpose.value, bill.subject_id, who.patient.id))

    assert [(template, body) for template, body, _ in told(units)] == [
        ("to_confirm", "合计60.00元，全部由医保和个人账户支付。确认后开始配药。"),
        ("confirmed", "60.00元全部由医保和个人账户支付，您没有付款。备好后会通知您取药窗口。"),
    ]


def test_money_that_came_back_is_told(units: Units, visit: tuple[factories.Clinic, factories.Person]) -> None:
    _, who = visit
    with units.open() as uow:
        bill = factories_payment.bill(uow, who, cash_fen=1234)
        order = PaymentOrder(
            bill_id=bill.id,
            provider="wechat",
            method=PayMethod.JSAPI,
            live_key="k",
            out_trade_no="o1",
            amount_fen=1234,
            description="门诊费用",
            state=OrderState.REFUND_DUE,
            created_at=uow.now(),
            expires_at=uow.now(),
            lapses_at=uow.now(),
            query_due_at=uow.now(),
            close_due_at=uow.now(),
            paid_fen=1234,
            refunded_fen=1234,
        )
        uow.session.add(order)
        uow.session.flush()
        for number, (order_id, amount_fen) in enumerate([(order.id, 1234), (None, 0)]):
            refund = Refund(
                bill_id=bill.id,
                payment_order_id=order_id,
                out_refund_no=f"r{number}",
                amount_fen=amount_fen,
                reason="voided",
                requested_at=uow.now(),
                query_due_at=uow.now(),
            )
            uow.session.add(refund)
            uow.session.flush()
            uow.publish(events.RefundSucceeded(refund.id, bill.id))

    assert [(template, body) for template, body, _ in told(units)][1:] == [("refunded", "12.34元已原路退回。")]


def test_a_bag_that_is_ready_names_its_window_and_a_collected_one_its_time(units: Units) -> None:
    pharmacy = factories_pharmacy.a_pharmacy(units)
    with units.open() as uow:
        person = factories_pharmacy.a_person(uow)
        bag = factories_pharmacy.a_ready_bag(uow, person, pharmacy)
    with units.open() as uow:
        uow.publish(events.BagCollected(bag.id, bag.prescription_id, bag.patient_id))

    found = {template: (body, link) for template, body, link in told(units)}
    assert found["ready"][1] == f"/pickup/{bag.public_id}"
    assert bag.number in found["ready"][0]
    assert found["collected"][0].startswith("11-23 09:30")


def test_a_report_is_announced_without_a_word_of_it_and_again_when_corrected(
    units: Units, visit: tuple[factories.Clinic, factories.Person]
) -> None:
    _, who = visit

    def arrive(change: Callable[[Report], None] = lambda _: None) -> None:
        with units.open() as uow:
            report = uow.session.scalars(select(Report)).first() or Report(
                public_id=new_public_id(),
                source="his",
                filler_number="L1",
                patient_id=who.patient.id,
                code="58410-2",
                name="血常规",
                reported_at=uow.now(),
                arrived_at=uow.now(),
            )
            uow.session.add(report)
            uow.session.flush()
            change(report)
            uow.publish(events.ReportArrived(report.id, report.patient_id))

    arrive()
    arrive()
    arrive(lambda report: setattr(report, "version", 2))

    assert [(template, body) for template, body, _ in told(units)] == [
        ("reported", "请打开页面查看，或咨询医生。"),
        ("reported", "请打开页面查看，或咨询医生。"),
    ]
