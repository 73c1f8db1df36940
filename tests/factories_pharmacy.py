"""The simplest valid paid prescription, for what happens after payment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from app.events import BillOpened, BillPaid, PrescriptionVoided
from app.identity.models import Account, Patient, PatientLink, Relation, Sex, Staff
from app.identity.rules import mask_name
from app.kernel.ids import new_digits, new_public_id
from app.kernel.uow import Actor, Units, Uow
from app.payment.models import Bill, BillLine, Purpose
from app.payment.states import BillState
from app.pharmacy import followers, picking, rules
from app.pharmacy.models import Bag
from app.pharmacy.scanning import Terminal
from app.prescription.models import Drug, Prescription, PrescriptionLine, PrescriptionSource
from app.prescription.orders import DrugCategory, PrescriptionKind
from app.prescription.states import PrescriptionState

KEY = b"p" * 32


@dataclass(frozen=True)
class Person:
    """A patient with the account that acts for them."""

    patient_id: int
    account_id: int

    @property
    def actor(self) -> Actor:
        return Actor("patient", "account", self.account_id)


def a_person(uow: Uow, name: str = "张小三") -> Person:
    phone = f"+8613{new_digits(9)}"
    public_id, account_id = new_public_id(), new_public_id()
    number = f"1101011990{new_digits(8)}"
    patient = Patient(
        public_id=public_id,
        name_sealed=uow.keys.seal(name, f"patient.name:{public_id}"),
        name_masked=mask_name(name),
        id_number_sealed=uow.keys.seal(number, f"patient.id_number:{public_id}"),
        id_number_index=uow.keys.index(number, "id_number"),
        phone_sealed=uow.keys.seal(phone, f"patient.phone:{public_id}"),
        phone_index=uow.keys.index(phone, "phone"),
        birth_date=date(1990, 1, 1),
        sex=Sex.MALE,
        created_at=uow.now(),
    )
    account = Account(
        public_id=account_id,
        phone_sealed=uow.keys.seal(phone, f"account.phone:{account_id}"),
        phone_index=uow.keys.index(phone, "phone"),
        created_at=uow.now(),
    )
    uow.session.add_all([patient, account])
    uow.session.flush()
    uow.session.add(
        PatientLink(account_id=account.id, patient_id=patient.id, relation=Relation.SELF, created_at=uow.now())
    )
    return Person(patient.id, account.id)


def a_pharmacist(uow: Uow, login: str) -> int:
    staff = Staff(public_id=new_public_id(), login=login, name=login, password_hash="", roles=["pharmacist"])
    uow.session.add(staff)
    uow.session.flush()
    return staff.id


def a_prescription(uow: Uow, patient_id: int, *, registration_id: int | None = None) -> Prescription:
    if uow.session.query(Drug).filter_by(code="D1").first() is None:
        uow.session.add(
            Drug(
                code="D1",
                name="阿莫西林胶囊",
                spec="0.25g*24粒",
                dosage_form="胶囊剂",
                category=DrugCategory.WESTERN,
                unit="盒",
                unit_price_fen=1930,
            )
        )
        uow.session.flush()
    public_id = new_public_id()
    written = Prescription(
        public_id=public_id,
        number=f"RX{new_digits(8)}",
        version=1,
        issuer="desk",
        source=PrescriptionSource.DESK,
        kind=PrescriptionKind.ORDINARY,
        registration_id=registration_id,
        patient_id=patient_id,
        prescriber_code="D001",
        prescriber_name="李医生",
        department_name="呼吸内科",
        diagnosis_sealed=uow.keys.seal('["J20.9", "急性支气管炎"]', f"prescription.diagnosis:{public_id}"),
        content_index="",
        total_fen=3860,
        state=PrescriptionState.PAID,
        issued_at=uow.now(),
        received_at=uow.now(),
        valid_until=uow.now() + timedelta(hours=12),
    )
    uow.session.add(written)
    uow.session.flush()
    uow.session.add(
        PrescriptionLine(
            prescription_id=written.id,
            line_no=1,
            drug_code="D1",
            drug_name="阿莫西林胶囊",
            category=DrugCategory.WESTERN,
            spec="0.25g*24粒",
            dose="0.5g",
            route="口服",
            frequency="tid",
            days=7,
            quantity=2,
            unit="盒",
            unit_price_fen=1930,
            amount_fen=3860,
        )
    )
    uow.session.flush()
    return written


def a_bill(uow: Uow, patient_id: int, prescription_id: int, *, fund_fen: int = 2000) -> Bill:
    bill = Bill(
        public_id=new_public_id(),
        purpose=Purpose.PRESCRIPTION,
        subject_id=prescription_id,
        patient_id=patient_id,
        total_fen=3860,
        fund_fen=fund_fen,
        cash_fen=3860 - fund_fen,
        state=BillState.OPEN,
        opened_at=uow.now(),
    )
    uow.session.add(bill)
    uow.session.flush()
    uow.session.add(
        BillLine(
            bill_id=bill.id,
            line_no=1,
            invoice_category="western",
            name="阿莫西林胶囊",
            spec="0.25g*24粒",
            quantity=2,
            unit="盒",
            unit_price_fen=1930,
            amount_fen=3860,
            fund_fen=fund_fen,
            cash_fen=3860 - fund_fen,
        )
    )
    uow.session.flush()
    return bill


def pay(uow: Uow, bill: Bill) -> BillPaid:
    bill.state, bill.paid_at = BillState.PAID, uow.now()
    return BillPaid(bill.id, bill.purpose.value, bill.subject_id, bill.patient_id)


@dataclass(frozen=True)
class Pharmacy:
    """Two windows, two pharmacists, and a terminal at each window."""

    picker_id: int
    checker_id: int

    @property
    def first(self) -> Terminal:
        return Terminal("T1", "W1", self.checker_id)

    @property
    def second(self) -> Terminal:
        return Terminal("T2", "W2", self.picker_id)

    @property
    def beside_first(self) -> Terminal:
        return Terminal("T1b", "W1", self.picker_id)


def a_pharmacy(units: Units) -> Pharmacy:
    with units.open() as uow:
        picking.open_window(uow, code="W1", name="1号窗口")
        picking.open_window(uow, code="W2", name="2号窗口")
        return Pharmacy(a_pharmacist(uow, "picker"), a_pharmacist(uow, "checker"))


def an_unpaid_bag(uow: Uow, person: Person, *, registration_id: int | None = None) -> Bag:
    written = a_prescription(uow, person.patient_id, registration_id=registration_id)
    bill = a_bill(uow, person.patient_id, written.id)
    followers.file_bag_when_billed(uow, BillOpened(bill.id, person.patient_id))
    return uow.session.query(Bag).filter_by(bill_id=bill.id).one()


def a_queued_bag(uow: Uow, person: Person, *, registration_id: int | None = None) -> Bag:
    bag = an_unpaid_bag(uow, person, registration_id=registration_id)
    followers.prepare_bag_when_paid(uow, pay(uow, uow.session.get_one(Bill, bag.bill_id)))
    return bag


def a_ready_bag(uow: Uow, person: Person, pharmacy: Pharmacy) -> Bag:
    bag = a_queued_bag(uow, person)
    picking.start_picking(uow, bag_public_id=bag.public_id, picker_id=pharmacy.picker_id)
    return picking.mark_ready(uow, bag_public_id=bag.public_id, checker_id=pharmacy.checker_id)


def code_of(uow: Uow, bag: Bag) -> str:
    return rules.pickup_code(KEY, bag.pickup_no12, uow.now())


def cancel(uow: Uow, bag: Bag) -> None:
    followers.cancel_bag_when_voided(uow, PrescriptionVoided(bag.prescription_id, bag.patient_id))


def owner_of(uow: Uow, bag: Bag) -> Actor:
    link = uow.session.query(PatientLink).filter_by(patient_id=bag.patient_id).one()
    return Actor("patient", "account", link.account_id)
