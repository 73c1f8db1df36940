"""A morning at the hospital: one patient at every stage of the visit, and what staff and the hospital system did."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from app.analytics import heartbeats
from app.analytics import service as analytics
from app.analytics.models import Channel
from app.identity import service as identity
from app.identity.models import Account, Relation
from app.insurance import covering
from app.insurance.rules import Usage
from app.invoice import filing as invoice_filing
from app.invoice import printing
from app.invoice import service as invoices
from app.kernel import audit, inbox, outbox, peers
from app.kernel.ids import new_public_id
from app.kernel.inbox import InboxState
from app.kernel.outbox import OutboxItem
from app.kernel.peers import Peer
from app.kernel.uow import Actor
from app.payment import cashier, shifts
from app.payment import service as payment
from app.payment.models import PayMethod
from app.payment.rules import Tender
from app.pharmacy import handing, picking, scanning
from app.pharmacy.models import Bag
from app.pharmacy.scanning import Terminal
from app.pharmacy.states import CheckKind, IdentityFact
from app.prescription.models import Prescription
from app.queueing import lobbies, own_errors
from app.queueing import service as queueing
from app.queueing.models import Ticket
from app.reconciliation import for_staff as for_finance
from app.reconciliation import service as reconciliation
from app.reconciliation import signing
from app.reconciliation.ports import StatementSource
from app.reconciliation.states import Source
from app.registration import service as registration
from app.registration.models import Registration
from app.reports import filing
from app.reports.rules import ObservationIn, ReportIn
from app.revisit import service as revisit
from app.revisit.states import Note
from tests import factories
from tests.browser.days_ahead import book_ahead
from tests.browser.hospital import INVOICE_TERMINAL, TERMINAL, WINDOW, Hospital, _clinic
from tests.factories import Person
from tests.factories_prescription import line
from tests.unit.reconciliation import statements
from tests.web.work_fixtures import House, nonce

FAMILY = ("张小宝", "20180612")
ADMISSION = (
    "MSH|^~\\&|HIS|H|MENZHEN|H|20261123093000||ADT^A04^ADT_A01|M1|P|2.5.1\r"
    "PID|1||MRN778899^^^HIS^PI||张^秀英||19560312|F|||北京市朝阳区^^北京||13800138000|||||||110105195603120021\r"
    "PV1|1|O|GI^^^^^^^^消化内科\r"
)
ANSWER = "MSH|^~\\&|MENZHEN|H|HIS|H|20261123093001||ACK^A04|A1|P|2.5.1\rMSA|AA|M1\r"
BLOOD = (
    ObservationIn("WBC", "白细胞计数", "11.8", "10^9/L", "3.5-9.5", "H"),
    ObservationIn("HGB", "血红蛋白", "128", "g/L", "115-150"),
    ObservationIn("PLT", "血小板计数", "98", "10^9/L", "125-350", "L"),
)


def play_morning(hospital: Hospital) -> None:
    """Everybody of `hospital.people` stands at their stage of the visit, and `hospital.ids` names what they left."""
    house = hospital.house
    _bind(hospital)
    _been_here(hospital)
    _in_the_queue(hospital)
    _at_the_pharmacy(hospital)
    _at_the_cashier(hospital)
    _from_the_hospital_system(hospital)
    _reconciled(hospital)
    book_ahead(hospital)
    with house.units.open() as uow:
        heartbeats.beat(uow, process="jobs-1", started_at=uow.now() - timedelta(hours=2), ran=412, failed=0)
        own_errors.count_two_days(uow)
    house.clock.step(minutes=2)
    with house.units.open() as uow:
        audit.seal(uow)


def _person(hospital: Hospital, key: str, name: str, policy: str = "resident") -> Person:
    with hospital.units.open() as uow:
        who = factories.person(uow, name=name)
        covering.bind_coverage(
            uow,
            patient_id=who.patient.id,
            policy_code=policy,
            member_no=f"M{who.patient.id:08d}",
            usage=Usage(account_balance_fen=20_00),
        )
    hospital.people[key] = who
    return who


def _bind(hospital: Hospital) -> None:
    """A grandmother who also acts for a grandchild, and somebody who has just found the page."""
    name, born = FAMILY
    with hospital.units.open() as uow:
        for closed in ("W2", "W3"):
            picking.window_by_code(uow, closed).is_open = False  # type: ignore[union-attr]
    with hospital.units.open(hospital.people["zhang"].actor) as uow:
        number, consent = factories.id_number(7, born), factories.consent()
        child = identity.bind_patient(uow, name=name, id_number=number, relation=Relation.CHILD, consent=consent)
        hospital.ids["patient.child"] = child.public_id
    with hospital.units.open() as uow:
        stranger = Account(
            public_id=new_public_id(), phone_sealed="", phone_index=uow.keys.index("new", "phone"), created_at=uow.now()
        )
        stranger.phone_sealed = uow.keys.seal("+8613700137000", f"account.phone:{stranger.public_id}")
        uow.session.add(stranger)
        uow.session.flush()
    hospital.people["newcomer"] = Person(stranger, hospital.people["zhang"].patient)


def seen(house: House, who: Person, *, is_done: bool = True) -> Registration:
    """The person has checked in, was called and was with the doctor, or still is."""
    _, held, ticket = house.waiting(who=who)
    with house.units.open(house.actors["doctor"]) as uow:
        called = queueing.call_next(uow, session=house.clinic.session)
        assert called.id == ticket.id, "somebody else waited"
        queueing.begin(uow, called)
        if is_done:
            queueing.finish(uow, called)
    return held


def _been_here(hospital: Hospital) -> None:
    """Those who have seen the doctor: the bag is ready, was collected, the bill is open, the review is to come."""
    house, ids = hospital.house, hospital.ids
    with house.units.open() as uow:
        poster = uow.session.scalars(select(Channel).order_by(Channel.id)).first()
        assert poster is not None
        ids["channel"], ids["channel.code"] = poster.public_id, poster.code
        ids["lobby.key"] = lobbies.screen_key(uow, lobbies.lobby_by_code(uow, "HALL"))
        for visitor in ("v1", "v2", "v3"):
            analytics.scan(uow, code=poster.code, visitor=visitor)
    zhang = hospital.people["zhang"]
    for key, name in (("wu", "吴桂芳"), ("sun", "孙建华"), ("feng", "欧阳明月")):
        _person(hospital, key, name)
    medicines = (line("IBU300", 2, dose="1粒"), line("OME20", dose="1粒"), line("FISHOIL", dose="2粒"))
    for key, stage in (("zhang", "ready"), ("wu", "collected"), ("sun", "billed"), ("feng", "review")):
        who = hospital.people[key]
        held = seen(house, who)
        written = house.prescribe(who, held, *medicines)
        ids[f"visit.{stage}"], ids[f"prescription.{stage}"] = held.public_id, written.public_id
        if stage != "review":
            house.approve(written)
        if stage in {"ready", "collected"}:
            house.pay(who)
            ids[f"bag.{stage}"] = house.picked(house.bag_of(written)).public_id
    with house.units.open(house.actors["doctor"]) as uow:
        visit = uow.session.scalars(select(Registration).where(Registration.public_id == ids["visit.ready"])).one()
        due = uow.today() + timedelta(days=7)
        ids["plan"] = revisit.plan(uow, registration=visit, due_day=due, note_code=Note.COME_FASTING).public_id
    _bills(hospital, zhang, "paid")
    _bills(hospital, hospital.people["sun"], "open")
    with house.units.open(zhang.actor) as uow:
        invoice = invoices.list_of_account(uow)[0]
        ids["invoice"] = invoice.public_id
        ids["verify"] = f"/verify/{invoice.batch_code}/{invoice.number}?c={invoice.check_code}"
        ids["patient"] = zhang.patient.public_id


def _bills(hospital: Hospital, who: Person, key: str) -> None:
    with hospital.units.open(who.actor) as uow:
        for bill in payment.list_of_account(uow):
            hospital.ids[f"bill.{bill.purpose.value}.{bill.state.value}"] = bill.public_id
        hospital.ids[f"bill.{key}"] = payment.list_of_account(uow)[0].public_id


def _in_the_queue(hospital: Hospital) -> None:
    """One is with the other doctor; one was passed over, one is called, two wait, one holds a place, one gave up."""
    house, ids = hospital.house, hospital.ids
    for key, name in (
        ("chen", "陈大伟"),
        ("zhou", "周敏芝"),
        ("qian", "钱多多"),
        ("wei", "卫东"),
        ("zheng", "郑成功"),
        ("he", "何香"),
    ):
        _person(hospital, key, name)
    other = replace(house, clinic=_clinic(house.units, "CV", "D004"))
    other.actors = {**house.actors, "doctor": house.actors["other_doctor"]}
    ids["visit.serving"] = seen(other, hospital.people["chen"], is_done=False).public_id
    ids["session.other"] = other.clinic.session.public_id
    for key, stage in (("zhou", "passed"), ("qian", "called"), ("li", "waiting"), ("wei", "last")):
        _, held, ticket = house.waiting(who=hospital.people[key])
        ids[f"visit.{stage}"], ids[f"number.{stage}"] = held.public_id, held.visit_number
        if stage in {"passed", "called"}:
            with house.units.open(house.actors["doctor"]) as uow:
                called = queueing.call_next(uow, session=house.clinic.session)
                if stage == "passed":
                    queueing.pass_over(uow, uow.session.get_one(Ticket, called.id))
                assert called.id == ticket.id
    ids["session"] = house.clinic.session.public_id
    zheng = hospital.people["zheng"]
    with house.units.open(zheng.actor) as uow:
        held = registration.hold(
            uow,
            session_public_id=ids["session"],
            patient_public_id=zheng.patient.public_id,
            source_code=ids["channel.code"],
        )
        ids["visit.held"] = held.public_id
    _bills(hospital, zheng, "held")
    _, booked = house.booked(who=hospital.people["he"])
    with house.units.open(hospital.people["he"].actor) as uow:
        registration.cancel(uow, public_id=booked.public_id)
    ids["visit.cancelled"] = booked.public_id


def _at_the_pharmacy(hospital: Hospital) -> None:
    """A bag in every state; one is on the counter of W1, and one left with its patient."""
    house, ids = hospital.house, hospital.ids
    ids["bag.queued"] = house.queued_bag("蒋小平")[1].public_id
    ids["bag.served"] = house.ready_bag("沈立新")[1].public_id
    collected, served = _bag(house, ids["bag.collected"]), _bag(house, ids["bag.served"])
    for bag in (collected, served):
        _scan(hospital, house.code(bag))
        _match(hospital, bag, collected.bag_code)
    with house.units.open(house.actors["checker"]) as uow:
        handing.hand_over(
            uow,
            bag_public_id=collected.public_id,
            terminal=_counter(hospital),
            checks=list(CheckKind),
            identity_fact=IdentityFact.PHONE_TAIL,
        )
    for digits in (house.code(collected), "12", "https://example.test/c/1"):
        _scan(hospital, digits)
    invoice_filing.file_due(house.units, house.app.extensions["menzhen"].couriers.invoices, limit=1)
    ids["print"], ids["print.invoice"] = _printed(hospital, house.code(collected))
    ids["print.refused"], _ = _printed(hospital, "12")


def _counter(hospital: Hospital) -> Terminal:
    return Terminal(TERMINAL, WINDOW, hospital.house.actors["checker"].id)


def _scan(hospital: Hospital, digits: str) -> None:
    key = hospital.house.app.extensions["menzhen"].settings.pickup_key
    with hospital.units.open(hospital.house.actors["checker"]) as uow:
        scan = scanning.redeem(uow, digits=digits, nonce=nonce(), terminal=_counter(hospital), key=key)
        hospital.ids[f"scan.{scan.code.value}"] = scan.scan_public_id


def _match(hospital: Hospital, bag: Bag, label: str) -> None:
    with hospital.units.open(hospital.house.actors["checker"]) as uow:
        scan = scanning.match_bag(
            uow, bag_public_id=bag.public_id, bag_code=label, nonce=nonce(), terminal=_counter(hospital)
        )
        hospital.ids[f"scan.{scan.code.value}"] = scan.scan_public_id


def _printed(hospital: Hospital, digits: str) -> tuple[str, str]:
    key = hospital.house.app.extensions["menzhen"].settings.pickup_key
    clerk = hospital.house.actors["clerk"]
    with hospital.units.open(clerk) as uow:
        window = Terminal(INVOICE_TERMINAL, "", clerk.id)
        printed = printing.print_at_window(uow, digits=digits, nonce=nonce(), terminal=window, key=key)
        return printed.print_public_id, printed.invoices[0][0] if printed.invoices else ""


def _bag(house: House, public_id: str) -> Bag:
    with house.units.open() as uow:
        return uow.session.scalars(select(Bag).where(Bag.public_id == public_id)).one()


def _at_the_cashier(hospital: Hospital) -> None:
    """A shift that ended, one that goes on, a visit paid in cash, and somebody with a bill to pay."""
    house, ids, sun = hospital.house, hospital.ids, hospital.people["sun"]
    clerk = house.actors["cashier"]
    ids["patient.sun"] = sun.patient.public_id
    with house.units.open(clerk) as uow:
        shifts.open_shift(uow, float_fen=200_00)
    with house.units.open(clerk) as uow:
        ids["shift"] = shifts.close_shift(uow, counted_fen=199_50).public_id
    with house.units.open(clerk) as uow:
        shifts.open_shift(uow, float_fen=300_00)
    payer = _person(hospital, "tang", "唐建国")
    with house.units.open(payer.actor) as uow:
        card = house.clinic.session.public_id
        registration.hold(uow, session_public_id=card, patient_public_id=payer.patient.public_id)
    with house.units.open(payer.actor) as uow:
        ids["bill.cash"] = payment.list_of_account(uow)[0].public_id
    taken = cashier.take(house.units, clerk, ids["bill.cash"], Tender(PayMethod.CASH, 100_00))
    ids["receipt"] = taken.entry_public_id


def _from_the_hospital_system(hospital: Hospital) -> None:
    """Reports, messages in and out, one of them refused and one of them dead."""
    house, ids = hospital.house, hospital.ids
    zhang = hospital.people["zhang"]
    ids["staff"] = house.actors["doctor"].ref
    with house.units.open(house.actors["admin"]) as uow:
        lis = Peer(name="检验系统", application="LIS", facility="HOSPITAL", addresses=("10.1.0.0/16",))
        ids["peer"] = peers.file_peer(uow, lis).public_id
    with house.units.open(Actor("peer", "HIS")) as uow:
        for number, name, rows in (("LAB1", "血常规", BLOOD), ("LAB2", "幽门螺杆菌抗体", BLOOD[1:2])):
            told = ReportIn(number, zhang.patient.id, None, "CBC", name, "F", uow.now(), rows)
            ids[f"report.{number}"] = filing.receive_from_his(uow, report=told, peer="HIS").public_id
        gone = ReportIn("LAB2", zhang.patient.id, None, "CBC", "幽门螺杆菌抗体", "X", uow.now())
        filing.receive_from_his(uow, report=gone, peer="HIS")
        for state, code in ((InboxState.DONE, ""), (InboxState.REFUSED, "unknown_patient")):
            item, _ = inbox.receive(uow, "hl7:HIS", f"M-{state.value}", ADMISSION.encode(), kind="ADT^A04")
            item.answer = ANSWER.encode()
            inbox.finish(uow, item, state, error_code=code, error_place="PID-3" if code else "")
            ids[f"hl7.{state.value}"] = str(item.id)
        out = uow.session.scalars(
            select(OutboxItem).where(OutboxItem.topic == "hospital").order_by(OutboxItem.id)
        ).all()
        outbox.mark_failed(uow, out[0].id, "AR:207", is_final=True)
        ids["hl7.dead"], ids["hl7.waiting"] = str(out[0].id), str(out[1].id)
        ids["number.prescription"] = uow.session.scalars(select(Prescription.number)).first() or ""


def _reconciled(hospital: Hospital) -> None:
    """The day before is signed off; yesterday's statements name money that is nowhere, two stay out."""
    hospital.clock.step(hours=1)
    with hospital.units.open(hospital.house.actors["admin"]) as uow:
        yesterday, noon = uow.today() - timedelta(days=1), uow.now() - timedelta(hours=20)
        signing.sign(uow, day=yesterday - timedelta(days=1), note="周六停诊，无收款")
    told = statements.content(statements.trade_lines([statements.payment("mz0strange", 2500, noon)]))
    booked = statements.batch([statements.booking("OWN1", 1280, at=noon)])
    sources: dict[Source, StatementSource] = {
        Source.WECHAT: statements.Provider({yesterday: told}, {}),
        Source.ALIPAY: statements.Files({yesterday: b"busy"}),
        Source.HOSPITAL: statements.Files({yesterday: booked.encode()}),
    }
    reconciliation.reconcile(hospital.units, sources)
    hospital.clock.step(hours=-1)
    with hospital.units.open(reads_only=True) as uow:
        by_source = {run.source: found.public_id for found, run in for_finance.cases(uow, None)}
        hospital.ids["case"], hospital.ids["case.hospital"] = by_source[Source.WECHAT], by_source[Source.HOSPITAL]
