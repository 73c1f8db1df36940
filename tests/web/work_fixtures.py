"""A small hospital behind real pages: its staff log in, its patients pay and check in through the steps' services."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.identity import logins
from app.identity.models import Staff
from app.kernel.audit import AuditEvent
from app.kernel.uow import Actor, Units, Uow
from app.payment import asking, receipts
from app.payment import service as payment
from app.payment.models import PayMethod
from app.payment.states import BillState
from app.pharmacy import picking
from app.pharmacy import service as pharmacy
from app.pharmacy.models import Bag
from app.prescription import service as prescriptions
from app.prescription.models import Prescription, ReviewCheck
from app.prescription.orders import OrderLineIn
from app.queueing import service as queueing
from app.queueing.models import Ticket
from app.registration import service as registration
from app.registration.models import Registration
from app.rulebook import service as rulebook
from tests import factories, factories_payment, factories_prescription
from tests.conftest import SetClock, application
from tests.factories import Clinic, Person

ROLES = {
    "doctor": ("doctor",),
    "nurse": ("nurse",),
    "reviewer": ("reviewer",),
    "picker": ("pharmacist",),
    "checker": ("pharmacist",),
    "clerk": ("invoice_clerk",),
    "cashier": ("cashier",),
    "operations": ("operations",),
    "finance": ("finance",),
    "it": ("it",),
    "auditor": ("auditor",),
    "boss": ("admin", "operations", "it", "auditor"),
}
NONCES = iter(range(10_000_000, 99_999_999))


@dataclass
class House:
    """The hospital, its application, and what a visit needs around the page that is tried."""

    app: Flask
    units: Units
    clock: SetClock
    clinic: Clinic
    actors: dict[str, Actor]
    till: factories_payment.Till = field(default_factory=factories_payment.Till)

    def browser(self, login: str = "") -> FlaskClient:
        """A browser; logged in as the staff member when one is named, at window W1 when they work in the pharmacy."""
        client = self.app.test_client()
        if login:
            answer = client.post("/staff/login", data={"login": login, "password": "demo-2026"})
            assert answer.status_code == 302, answer.text
        if ROLES.get(login) == ("pharmacist",):
            client.post("/terminal/window", data={"window": "W1"})
        return client

    def pay(self, who: Person) -> None:
        """Every open bill of the person is paid, as WeChat Pay would say."""
        with self.units.open(who.actor) as uow:
            bills = [bill for bill in payment.list_of_account(uow) if bill.state == BillState.OPEN]
        for bill in bills:
            factories_payment.agree(self.units, who, bill)
            asked = asking.start(self.units, self.till, who.actor, bill.public_id, PayMethod.NATIVE)
            with self.units.open(Actor("provider", "wechat")) as uow:
                receipts.receive_paid(
                    uow,
                    out_trade_no=asked.out_trade_no,
                    transaction_id=f"T{asked.out_trade_no}",
                    amount_fen=asked.amount_fen,
                    paid_at=self.clock.now(),
                )

    def booked(self, name: str = "张秀英", who: Person | None = None) -> tuple[Person, Registration]:
        """A person, a new one unless `who` is given, with a paid place this morning."""
        with self.units.open() as uow:
            who = who or factories.person(uow, name=name)
        with self.units.open(who.actor) as uow:
            held = registration.hold(
                uow, session_public_id=self.clinic.session.public_id, patient_public_id=who.patient.public_id
            )
        self.pay(who)
        return who, held

    def waiting(self, name: str = "张秀英", who: Person | None = None) -> tuple[Person, Registration, Ticket]:
        """A person in the queue."""
        who, held = self.booked(name, who)
        with self.units.open(who.actor) as uow:
            return who, held, queueing.check_in(uow, registration=registration.of_account(uow, held.public_id))

    def prescribed(self, name: str = "张秀英") -> tuple[Person, Prescription]:
        """A prescription of the hospital system that waits for review."""
        who, held = self.booked(name)
        return who, self.prescribe(who, held)

    def prescribe(self, who: Person, held: Registration, *lines: OrderLineIn) -> Prescription:
        """The hospital system prescribes at the person's visit: one drug unless `lines` say more."""
        order = factories_prescription.order(
            who.patient.id,
            *lines,
            number=f"RX{next(NONCES)}",
            visit_number=held.visit_number,
            issued_at=self.clock.now(),
        )
        return factories_prescription.received(self.units, order)

    def queued_bag(self, name: str = "张秀英") -> tuple[Person, Bag]:
        """A paid prescription's bag, not picked yet."""
        who, prescription = self.prescribed(name)
        self.approve(prescription)
        self.pay(who)
        return who, self.bag_of(prescription)

    def approve(self, prescription: Prescription) -> None:
        """The reviewing pharmacist has no objection; the patient's bill is open."""
        with self.units.open(self.actors["reviewer"]) as uow:
            prescriptions.approve(uow, public_id=prescription.public_id, checks=list(ReviewCheck))

    def bag_of(self, prescription: Prescription) -> Bag:
        """The prescription's bag."""
        with self.units.open() as uow:
            return uow.session.scalars(select(Bag).where(Bag.prescription_id == prescription.id)).one()

    def ready_bag(self, name: str = "张秀英") -> tuple[Person, Bag]:
        """A bag in its bin, at window W1."""
        who, bag = self.queued_bag(name)
        return who, self.picked(bag)

    def picked(self, bag: Bag) -> Bag:
        """One pharmacist picked the bag and another checked it: it is ready in its bin."""
        with self.units.open(self.actors["picker"]) as uow:
            picking.start_picking(uow, bag_public_id=bag.public_id, picker_id=self.actors["picker"].id or 0)
        with self.units.open(self.actors["checker"]) as uow:
            picking.mark_ready(uow, bag_public_id=bag.public_id, checker_id=self.actors["checker"].id or 0)
        return self.bag(bag)

    def bag(self, bag: Bag) -> Bag:
        """The bag as it stands now."""
        with self.units.open() as uow:
            return uow.session.get_one(Bag, bag.id)

    def code(self, bag: Bag) -> str:
        """The 22 digits on the patient's phone now."""
        with self.units.open() as uow:
            key = self.app.extensions["menzhen"].settings.pickup_key
            return pharmacy.pickup_digits(uow, uow.session.get_one(Bag, bag.id), key)

    def audited(self, action: str) -> int:
        """How often the deed is on record."""
        with self.units.open(reads_only=True) as uow:
            return (
                uow.session.scalar(select(func.count()).select_from(AuditEvent).where(AuditEvent.action == action)) or 0
            )


def staff(uow: Uow, login: str, practitioner_code: str) -> Actor:
    member = Staff(
        login=login,
        name=f"王芳{login}",
        password_hash=factories.PASSWORD_HASH,
        roles=list(ROLES[login]),
        practitioner_code=practitioner_code if login == "doctor" else "",
    )
    uow.session.add(member)
    uow.session.flush()
    return logins.staff_actor(member)


@pytest.fixture
def house(units: Units, clock: SetClock, database_url: str) -> Iterator[House]:
    with units.open() as uow:
        clinic = factories.clinic(uow)
        factories_prescription.stocked(uow)
        picking.open_window(uow, code="W1", name="1号窗口", location="门诊药房1层")
        actors = {login: staff(uow, login, clinic.practitioner.code) for login in ROLES}
    with application(database_url, clock, "work") as app:
        app.config["WTF_CSRF_ENABLED"] = False
        yield House(app, units, clock, clinic, actors)


def nonce() -> str:
    return f"nonce-{next(NONCES)}"


def follow(client: FlaskClient, answer: TestResponse) -> TestResponse:
    """The page a POST led to."""
    assert answer.status_code in {302, 303}, answer.text[:500]
    return client.get(answer.location)


def hidden(page: str, name: str) -> str:
    """The value of a hidden field on the page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no field {name}"
    return found[1]


def json_scan(client: FlaskClient, digits: str, **more: Any) -> TestResponse:
    return client.post(
        "/terminal/scan",
        data={"digits": digits, "nonce": nonce(), **more},
        headers={"Accept": "application/json"},
    )


def suspend(house: House, phone_number: str) -> Person:
    """The first no-show of whoever logs in with this phone suspends them."""
    limit = {"breach": "no_show", "breaches": 1, "within_months": 1, "suspend_months": 2}
    with house.units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, {"breach_limits": [limit]})
        who = factories.person(uow, phone=phone_number)
    held = factories.booked(house.units, who, house.clinic.session)
    with house.units.open() as uow:
        registration.miss(uow, uow.session.get_one(Registration, held.id))
    return who
