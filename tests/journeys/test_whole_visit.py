"""One whole visit through the steps' own services: from the poster to the revisit, to the fen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from app.analytics import service as analytics
from app.cli.rotating import rotate
from app.identity import service as identity
from app.identity.models import Patient
from app.insurance import covering
from app.insurance.rules import Usage
from app.invoice import printing
from app.invoice import service as invoices
from app.kernel.crypto import Keyring
from app.kernel.outbox import OutboxItem
from app.kernel.uow import Actor, Units
from app.notifications.models import Message
from app.payment import asking, receipts
from app.payment import service as payment
from app.payment.models import Bill, PayMethod
from app.payment.states import BillState
from app.pharmacy import handing, picking, scanning
from app.pharmacy import service as pharmacy
from app.pharmacy.models import Bag
from app.pharmacy.scanning import Terminal
from app.pharmacy.states import CheckKind, IdentityFact
from app.prescription.models import Prescription
from app.prescription.states import PrescriptionState
from app.queueing import service as queueing
from app.queueing.models import Ticket
from app.registration import service as registration
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.reports import filing
from app.reports import service as reports
from app.reports.rules import ObservationIn, ReportIn
from app.revisit import service as revisit
from app.revisit import telling
from app.scheduling import plans
from app.scheduling.models import HalfDay, Shift
from tests import factories, factories_payment, factories_prescription
from tests.conftest import SetClock

KEY = b"p" * 32
REPORT = ReportIn(
    filler_number="LAB1",
    patient_id=0,
    visit_number=None,
    code="CBC",
    name="血常规",
    status="F",
    reported_at=factories_prescription.ISSUED,
    observations=(ObservationIn("WBC", "白细胞", "6.1", "10^9/L", "3.5-9.5"),),
)


def bill_of(units: Units, who: factories.Person, state: BillState) -> Bill:
    with units.open(who.actor) as uow:
        (bill,) = [bill for bill in payment.list_of_account(uow) if bill.state == state]
    return bill


def pay(units: Units, who: factories.Person, provider: factories_payment.Till, bill: Bill, clock: SetClock) -> None:
    """The patient taps pay, and the provider says that the money came."""
    factories_payment.agree(units, who, bill)
    asked = asking.start(units, provider, who.actor, bill.public_id, PayMethod.NATIVE)
    with units.open(Actor("provider", "wechat")) as uow:
        receipts.receive_paid(
            uow,
            out_trade_no=asked.out_trade_no,
            transaction_id=f"T{asked.out_trade_no}",
            amount_fen=asked.amount_fen,
            paid_at=clock.now(),
        )


def _seal_anew_and_read(units: Units, who: factories.Person, report_id: str) -> None:
    """All that is sealed is written with a new key, and reads as before without the old one."""
    both = Keyring([("new", b"n" * 32), ("test", b"k" * 32)], b"i" * 32)
    assert rotate(replace(units, keys=both)) > 5
    assert rotate(replace(units, keys=both)) == 0
    renewed = replace(units, keys=Keyring([("new", b"n" * 32)], b"i" * 32))
    with renewed.open(who.actor) as uow:
        patient = uow.session.get_one(Patient, who.patient.id)
        assert identity.name_of(uow, patient) == "张秀英"
        assert [row.value for row in reports.observations_of(uow, reports.of_account(uow, report_id))] == ["6.1"]


def test_one_whole_visit(units: Units, clock: SetClock) -> None:
    provider = factories_payment.Till()
    with units.open() as uow:
        clinic, who = factories.clinic(uow), factories.person(uow)
        factories_prescription.stocked(uow)
        doctor = factories.staff(uow, "doctor", practitioner_code=clinic.practitioner.code)
        reviewer, picker, checker = (factories.staff(uow, role) for role in ("reviewer", "pharmacist", "pharmacist"))
        window = picking.open_window(uow, code="W1", name="1号窗口")
        poster = analytics.file_channel(uow, name="大厅立牌")
        covering.bind_coverage(
            uow,
            patient_id=who.patient.id,
            policy_code="employee",
            member_no="M12345678",
            usage=Usage(account_balance_fen=30_00),
        )
        uow.session.add(
            Shift(
                practitioner_id=clinic.practitioner.id,
                weekday=(uow.today() + timedelta(days=3)).weekday(),
                half_day=HalfDay.AM,
                starts=clock.now().time(),
                places=5,
                slot_minutes=10,
                room="3-05",
                fee_fen=2500,
            )
        )
        uow.session.flush()
        plans.open_ahead(uow, days=7)

    # Registered from a poster, paid, and in the house.
    with units.open(who.actor) as uow:
        analytics.scan(uow, code=poster.code, visitor="v1")
        held = registration.hold(
            uow,
            session_public_id=clinic.session.public_id,
            patient_public_id=who.patient.public_id,
            source_code=poster.code,
        )
    pay(units, who, provider, bill_of(units, who, BillState.OPEN), clock)
    with units.open(who.actor) as uow:
        ticket = queueing.check_in(uow, registration=registration.of_account(uow, held.public_id))
    with units.open(doctor) as uow:
        queueing.begin(uow, queueing.call_next(uow, session=clinic.session))

    # The hospital system prescribes, the pharmacist reviews, insurance pays its part and the patient the rest.
    with units.open(Actor("peer", "HIS")) as uow:
        order = factories_prescription.order(
            who.patient.id,
            factories_prescription.line("IBU300", 2),
            factories_prescription.line("OME20"),
            factories_prescription.line("FISHOIL"),
            visit_number=held.visit_number,
        )
        prescription = factories_prescription.prescriptions.receive_from_his(uow, order=order, peer="HIS")
    factories_prescription.approved(units, reviewer, prescription)
    bill = bill_of(units, who, BillState.OPEN)
    assert bill.total_fen == 2 * 18_60 + 22_40 + 88_00
    assert bill.total_fen == bill.fund_fen + bill.other_fen + bill.account_fen + bill.cash_fen
    assert bill.account_fen == 30_00
    pay(units, who, provider, bill, clock)

    # The pharmacy picks, a second person checks, the code names the bag, and it leaves once.
    with units.open(picker) as uow:
        (bag,) = [bag for bag, _ in picking.queue(uow)]
        picking.start_picking(uow, bag_public_id=bag.public_id, picker_id=picker.id or 0)
    with units.open(checker) as uow:
        picking.mark_ready(uow, bag_public_id=bag.public_id, checker_id=checker.id or 0)
    with units.open(who.actor) as uow:
        digits = pharmacy.pickup_digits(uow, pharmacy.bag_of_account(uow, bag.public_id), KEY)
    terminal = Terminal("T1", window.code, checker.id)
    with units.open(checker) as uow:
        scan = scanning.redeem(uow, digits=digits, nonce="n1", terminal=terminal, key=KEY)
        assert (scan.verdict, scan.code) == ("granted", "ok")
        label = uow.session.get_one(Bag, bag.id).bag_code
        match = scanning.match_bag(uow, bag_public_id=bag.public_id, bag_code=label, nonce="n2", terminal=terminal)
        assert match.code == "ok"
    with units.open(checker) as uow:
        handing.hand_over(
            uow,
            bag_public_id=bag.public_id,
            terminal=terminal,
            checks=list(CheckKind),
            identity_fact=IdentityFact.PHONE_TAIL,
        )
    with units.open(checker) as uow:
        again = scanning.redeem(uow, digits=digits, nonce="n3", terminal=terminal, key=KEY)
        assert (again.verdict, again.code) == ("refused", "already_collected")

    # The same code prints the invoices of the visit; anyone can verify them.
    with units.open(checker) as uow:
        printed = printing.print_at_window(uow, digits=digits, nonce="n4", terminal=terminal, key=KEY)
        assert len(printed.invoices) == 2
    with units.open(who.actor) as uow:
        for invoice in invoices.list_of_account(uow):
            seen = invoices.verify(
                uow, batch_code=invoice.batch_code, number=invoice.number, check_code=invoice.check_code
            )
            assert seen.total_fen == invoice.total_fen

    # A report comes, the doctor wants to see the patient again, the reminder books the revisit with one tap.
    with units.open(Actor("peer", "HIS")) as uow:
        filed = filing.receive_from_his(
            uow, report=replace(REPORT, patient_id=who.patient.id, visit_number=held.visit_number), peer="HIS"
        )
    with units.open(who.actor) as uow:
        assert reports.mark_read(uow, public_id=filed.public_id).read_at is not None
    with units.open(doctor) as uow:
        seen_registration = uow.session.get_one(Registration, held.id)
        plan = revisit.plan(uow, registration=seen_registration, due_day=uow.today() + timedelta(days=3))
        queueing.finish(uow, uow.session.get_one(Ticket, ticket.id))
    clock.step(minutes=31)
    for _ in range(2):
        with units.open(Actor("job", "reminders")) as uow:
            telling.tell_due(uow, 100)
    with units.open(who.actor) as uow:
        booked = revisit.book(uow, plan_public_id=plan.public_id)
    pay(units, who, provider, bill_of(units, who, BillState.OPEN), clock)

    # Everything stands where the visit's end leaves it, and everyone was told.
    with units.open() as uow:
        assert uow.session.get_one(Registration, held.id).state == RegistrationState.COMPLETED
        assert uow.session.get_one(Registration, booked.id).state == RegistrationState.BOOKED
        assert uow.session.get_one(Prescription, prescription.id).state == PrescriptionState.DISPENSED
        told = [message.template for message in uow.session.scalars(select(Message).order_by(Message.id))]
        keys = uow.session.scalars(select(OutboxItem.key).where(OutboxItem.topic == "hospital")).all()
        hospital = {key.split(":")[0] for key in keys}
        funnel = {row.code: row for row in analytics.funnel(uow, since_day=uow.today())}
        assert uow.session.get_one(Patient, who.patient.id)
    _seal_anew_and_read(units, who, filed.public_id)
    assert told.count("reminded") == 1
    assert {"booked", "called", "billed", "paid", "ready", "collected", "reported"} <= set(told)
    assert {"RegistrationBooked", "PatientCheckedIn", "BillPaid", "BagCollected"} <= hospital
    assert poster.code in funnel
