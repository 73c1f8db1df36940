"""Patients, doctors and pharmacists of a rehearsal, who act by the services behind their pages."""

from __future__ import annotations

import functools
import secrets
import threading
import time
from collections.abc import Callable
from datetime import date, timedelta
from datetime import time as wall_time
from typing import ParamSpec, TypeVar

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app.identity import logins, staffing
from app.identity import service as identity
from app.identity.models import Account, Relation
from app.insurance import service as insurance
from app.insurance.policies import CATALOGUE, POLICIES
from app.kernel.ids import new_public_id
from app.kernel.uow import Actor, Units, Uow
from app.payment.models import Bill, Purpose
from app.payment.states import BillState
from app.pharmacy import handing, picking, scanning
from app.pharmacy import service as pharmacy
from app.pharmacy.models import Bag
from app.pharmacy.scanning import Terminal
from app.pharmacy.states import BagState, CheckKind, IdentityFact, ScanCode
from app.prescription import service as prescriptions
from app.prescription.demo_drugs import DRUGS
from app.prescription.formulary import file_drug
from app.prescription.models import Prescription, ReviewCheck
from app.prescription.states import PrescriptionState
from app.queueing import service as queueing
from app.queueing.models import Ticket
from app.registration import service as registration
from app.registration.models import Registration
from app.revisit import service as revisit
from app.revisit.states import PlanState
from app.scheduling import service as scheduling
from app.scheduling.models import HalfDay, Shift
from sandbox.his.people import Person
from tools.rehearsal.till import Cashier

_WINDOW = "REHEARSAL"
_BINS = 400
_SCANS = 5
_TAPS, _PAUSE_SECONDS = 5, 0.5
_LOOK_SECONDS, _PATIENCE_SECONDS = 0.2, 120.0
_ROLES = ("doctor", "reviewer", "pharmacist", "pharmacist")

_P = ParamSpec("_P")
_Found = TypeVar("_Found")


def awaited(look: Callable[[], _Found | None], what: str) -> _Found:
    """What `look` finds, as soon as it finds it: some of it comes by a job, after the insurer was asked."""
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while (found := look()) is None:
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"{what} never came")
        time.sleep(_LOOK_SECONDS)
    return found


def _tapped_again(deed: Callable[_P, None]) -> Callable[_P, None]:
    """The deed of one unit, done again by its person when the database was too busy and nothing was kept."""

    @functools.wraps(deed)
    def done(*args: _P.args, **kwargs: _P.kwargs) -> None:
        for _ in range(_TAPS - 1):
            try:
                return deed(*args, **kwargs)
            except OperationalError:
                time.sleep(_PAUSE_SECONDS)
        return deed(*args, **kwargs)

    return done


class HouseByServices:
    """The house as a rehearsal needs it; safe to use from many threads, each call is units of work of its own.

    Pages and log-ins by text message are not exercised; who pays, and how, is the cashier's affair.
    """

    def __init__(self, units: Units, pickup_key: bytes, cashier: Cashier) -> None:
        """Nobody is at work yet."""
        self._units = units
        self._key = pickup_key
        self._cashier = cashier
        self._staff: dict[str, Actor] = {}
        self._accounts: dict[str, Actor] = {}
        self._one_at_a_time = threading.Lock()

    def prepare(self, department: str, doctors: list[str], *, slot_minutes: int, fee_fen: int) -> None:
        """Weekly shifts, staff, a pharmacy window, and the demo's drugs and insurance rules are on file."""
        with self._units.open(Actor("job", "rehearsal")) as uow:
            for drug in DRUGS:
                file_drug(uow, drug)
            for policy in POLICIES:
                insurance.file_policy(uow, policy)
            for item in CATALOGUE:
                insurance.file_catalogue_item(uow, item, valid_from=uow.today().replace(month=1, day=1))
            picking.open_window(uow, code=_WINDOW, name="演练窗口", bins=_BINS)
            for number, role in enumerate(_ROLES):
                self._staff[f"{role}{number}"] = _staff(uow, role)
            for code in doctors:
                _weekly_shift(uow, code, slot_minutes, fee_fen)

    def meet(self, who: Person) -> None:
        """The person has an account with their own phone and acts for themself; quiet when called twice."""
        if who.mrn in self._accounts:
            return
        with self._units.open() as uow:
            account = _account(uow, f"+86{who.phone}")
            uow.actor = Actor("patient", account.public_id, account.id)
            identity.bind_patient(uow, name=who.name, id_number=who.id_number, relation=Relation.SELF)
            actor = uow.actor
        self._accounts[who.mrn] = actor

    def book(self, who: Person, doctor: str) -> None:
        """A place with the doctor today is held and its fee paid."""
        with self._units.open(self._accounts[who.mrn]) as uow:
            session = scheduling.cards(
                uow,
                practitioner_id=scheduling.practitioner_by_code(uow, doctor).id,
                from_day=uow.today(),
                to_day=uow.today(),
            )[0].session
            ((patient, _),) = identity.patients_of(uow)
            held = registration.hold(uow, session_public_id=session.public_id, patient_public_id=patient.public_id)
        self._pay_bill(who, Purpose.REGISTRATION, held.id)

    @_tapped_again
    def check_in(self, visit_number: str) -> None:
        """The patient has a number in the queue."""
        with self._units.open(Actor("patient")) as uow:
            queueing.check_in(uow, registration=_visit(uow, visit_number))

    @_tapped_again
    def call_in(self, visit_number: str) -> None:
        """The patient is with the doctor."""
        with self._units.open(self._staff["doctor0"]) as uow:
            ticket = _ticket(uow, visit_number)
            queueing.call(uow, ticket)
            queueing.begin(uow, ticket)

    @_tapped_again
    def review(self, prescription: str) -> None:
        """The prescription passed its review; its bill is open."""
        with self._units.open(self._staff["reviewer1"]) as uow:
            written = _prescription(uow, prescription)
            prescriptions.approve(uow, public_id=written.public_id, checks=list(ReviewCheck))

    def pay(self, who: Person, prescription: str) -> None:
        """Insurance bore its part and the patient paid the rest."""
        with self._units.open(reads_only=True) as uow:
            written = _prescription(uow, prescription)
        self._pay_bill(who, Purpose.PRESCRIPTION, written.id)

    def hand_over(self, who: Person, prescription: str) -> None:
        """The bag was picked by one pharmacist, checked by another, and left after its code and label were scanned."""
        picker, checker = self._staff["pharmacist2"], self._staff["pharmacist3"]
        terminal = Terminal(f"T{threading.get_ident()}"[:24], _WINDOW, checker.id)
        bag = awaited(lambda: self._bag_to_pick(prescription), f"the bag of {prescription}")
        with self._units.open(picker) as uow:
            terminal = Terminal(terminal.code, bag.window_code or _WINDOW, checker.id)
            picking.start_picking(uow, bag_public_id=bag.public_id, picker_id=picker.id or 0, window_code=_WINDOW)
        with self._units.open(checker) as uow:
            picking.mark_ready(uow, bag_public_id=bag.public_id, checker_id=checker.id or 0)
        self._scan(who, bag, terminal, checker)
        with self._units.open(checker) as uow:
            handing.hand_over(
                uow,
                bag_public_id=bag.public_id,
                terminal=terminal,
                checks=list(CheckKind),
                identity_fact=IdentityFact.PHONE_TAIL,
            )

    def _bag_to_pick(self, prescription: str) -> Bag | None:
        with self._units.open(reads_only=True) as uow:
            bags = select(Bag).where(Bag.prescription_id == _prescription(uow, prescription).id)
            return uow.session.scalars(bags.where(Bag.state == BagState.QUEUED)).one_or_none()

    def _scan(self, who: Person, bag: Bag, terminal: Terminal, checker: Actor) -> None:
        """The code on the phone and the label on the bag are scanned; a code that ran out is shown anew."""
        for _ in range(_SCANS):
            with self._units.open(self._accounts[who.mrn], reads_only=True) as uow:
                digits = pharmacy.pickup_digits(uow, pharmacy.bag_of_account(uow, bag.public_id), self._key)
            with self._units.open(checker) as uow:
                scan = scanning.redeem(uow, digits=digits, nonce=_nonce(), terminal=terminal, key=self._key)
                label = uow.session.get_one(Bag, bag.id).bag_code
                about = {"bag_public_id": bag.public_id, "bag_code": label, "nonce": _nonce()}
                scanning.match_bag(uow, **about, terminal=terminal)
            if scan.code == ScanCode.OK:
                return
        raise RuntimeError(f"the pickup code was answered {scan.code}")

    @_tapped_again
    def finish(self, visit_number: str, revisit_day: date) -> None:
        """The revisit is planned and the consultation over."""
        with self._units.open(self._staff["doctor0"]) as uow:
            revisit.plan(uow, registration=_visit(uow, visit_number), due_day=revisit_day)
            queueing.finish(uow, _ticket(uow, visit_number))

    def book_revisit(self, who: Person) -> None:
        """The planned revisit is booked with one tap and its fee paid."""
        with self._units.open(self._accounts[who.mrn]) as uow:
            plan = next(made for made, _ in revisit.list_of_account(uow) if made.state == PlanState.ACTIVE)
            held = revisit.book(uow, plan_public_id=plan.public_id)
        self._pay_bill(who, Purpose.REGISTRATION, held.id)

    def settle(self) -> None:
        """What waits to be refunded is refunded."""
        self._cashier.settle(self._units)

    def _pay_bill(self, who: Person, purpose: Purpose, subject_id: int) -> None:
        actor = self._accounts[who.mrn]
        wanted = (Bill.purpose == purpose, Bill.subject_id == subject_id, Bill.state == BillState.OPEN)

        def opened() -> str | None:
            with self._units.open(actor, reads_only=True) as uow:
                return uow.session.scalars(select(Bill.public_id).where(*wanted)).one_or_none()

        self._cashier.pay(self._units, actor, awaited(opened, f"the {purpose} bill of {subject_id}"))


def _nonce() -> str:
    return secrets.token_urlsafe(12)


def _visit(uow: Uow, visit_number: str) -> Registration:
    found = registration.registration_by_visit_number(uow, visit_number)
    if found is None:
        raise LookupError(f"no visit {visit_number}")
    return found


def _ticket(uow: Uow, visit_number: str) -> Ticket:
    found = queueing.ticket_of(uow, _visit(uow, visit_number).id)
    if found is None:
        raise LookupError(f"no ticket for {visit_number}")
    return found


def _prescription(uow: Uow, number: str) -> Prescription:
    """The version that stands."""
    return uow.session.scalars(
        select(Prescription)
        .where(Prescription.number == number, Prescription.state != PrescriptionState.VOIDED)
        .order_by(Prescription.version.desc())
        .limit(1)
    ).one()


def _staff(uow: Uow, role: str) -> Actor:
    """Somebody of the rehearsal whom nobody can log in as."""
    login = f"rehearsal.{role}.{new_public_id()[:8]}"
    password = secrets.token_urlsafe(24)
    staff = staffing.file_staff(uow, login=login, name="演练", roles=[role], password=password)
    uow.session.flush()
    return logins.staff_actor(staff)


def _weekly_shift(uow: Uow, doctor: str, slot_minutes: int, fee_fen: int) -> None:
    """The doctor's length of a place, room and fee are known, by a shift of yesterday's weekday."""
    practitioner = scheduling.practitioner_by_code(uow, doctor)
    if uow.session.scalars(select(Shift.id).where(Shift.practitioner_id == practitioner.id)).first() is not None:
        return
    uow.session.add(
        Shift(
            practitioner_id=practitioner.id,
            weekday=(uow.today() - timedelta(days=1)).weekday(),
            half_day=HalfDay.EVE,
            starts=wall_time(18, 0),
            places=1,
            slot_minutes=slot_minutes,
            room="演练",
            fee_fen=fee_fen,
        )
    )


def _account(uow: Uow, phone: str) -> Account:
    index = uow.keys.index(phone, "phone")
    account = uow.session.scalars(select(Account).where(Account.phone_index == index)).first()
    if account is None:
        account = Account(public_id=new_public_id(), phone_index=index, phone_sealed="", created_at=uow.now())
        account.phone_sealed = uow.keys.seal(phone, f"account.phone:{account.public_id}")
        uow.session.add(account)
        uow.session.flush()
    return account
