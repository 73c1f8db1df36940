"""The simplest valid hospital, account and patient; a test states only what matters to it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import time, timedelta

from argon2 import PasswordHasher

from app.identity import logins
from app.identity import service as identity
from app.identity.guardians import ConsentIn
from app.identity.models import Account, Guardianship, Patient, Relation, Staff
from app.identity.rules import CONSENT_TEXT
from app.kernel.ids import new_public_id
from app.kernel.uow import Actor, Units, Uow
from app.registration import service as registration
from app.registration.models import Registration
from app.scheduling import opening
from app.scheduling.models import ClinicSession, Department, HalfDay, Practitioner, Shift

_NUMBERS = itertools.count(50_000_000)  # beyond every phone that a test names itself
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True)
class Clinic:
    """A department with one doctor who sits this morning."""

    department: Department
    practitioner: Practitioner
    session: ClinicSession


@dataclass(frozen=True)
class Person:
    """An account and the patient it acts for (itself)."""

    account: Account
    patient: Patient

    @property
    def actor(self) -> Actor:
        return Actor("patient", self.account.public_id, self.account.id)


def id_number(number: int, born: str = "19800101") -> str:
    """A valid identity number of nobody."""
    digits = f"110105{born}{number % 1000:03d}"
    return digits + "10X98765432"[sum(int(d) * w for d, w in zip(digits, _WEIGHTS, strict=True)) % 11]


def consent(guardian: str = "张秀英") -> ConsentIn:
    """What a child's guardian says."""
    return ConsentIn(guardian, Guardianship.PARENT, CONSENT_TEXT)


def child(units: Units, who: Person, *, name: str = "张小宝", born: str = "20200101") -> Person:
    """A child for whom the person's account acts, with the consent it takes."""
    with units.open(who.actor) as uow:
        number = id_number(next(_NUMBERS), born)
        bound = identity.bind_patient(uow, name=name, id_number=number, relation=Relation.CHILD, consent=consent())
        return Person(who.account, bound)


def clinic(
    uow: Uow, *, code: str = "GI", places: int = 20, fee_fen: int = 2500, slot_minutes: int = 15, **pattern: int
) -> Clinic:
    department = Department(code=code, name="消化内科", name_en="Gastroenterology", location="门诊楼3层")
    uow.session.add(department)
    uow.session.flush()
    practitioner = Practitioner(code=f"D{code}", name="张伟", title="主任医师", department_id=department.id)
    uow.session.add(practitioner)
    uow.session.flush()
    shift = Shift(
        practitioner_id=practitioner.id,
        weekday=uow.today().weekday(),
        half_day=HalfDay.AM,
        starts=time(9, 30),
        places=places,
        slot_minutes=slot_minutes,
        room="3-05",
        fee_fen=fee_fen,
        **pattern,
    )
    uow.session.add(shift)
    uow.session.flush()
    session = opening.open_session(uow, shift, uow.today())
    assert session is not None
    return Clinic(department, practitioner, session)


def another_session(uow: Uow, practitioner: Practitioner, *, days: int = 1, **pattern: object) -> ClinicSession:
    """The doctor sits in the afternoon (unless said otherwise) so many days later, once."""
    usual = {
        "half_day": HalfDay.PM,
        "starts": time(14),
        "places": 6,
        "slot_minutes": 30,
        "room": "3-06",
        "fee_fen": 2500,
        "places_per_slot": 1,
    }
    shift = Shift(practitioner_id=practitioner.id, **(usual | pattern))
    made = opening.open_session(uow, shift, uow.today() + timedelta(days=days))
    assert made is not None
    return made


def another_doctor(uow: Uow, department: Department, *, code: str = "DX", name: str = "刘洋") -> Practitioner:
    doctor = Practitioner(code=code, name=name, title="主治医师", department_id=department.id)
    uow.session.add(doctor)
    uow.session.flush()
    return doctor


def person(uow: Uow, *, name: str = "张秀英", phone: str = "") -> Person:
    number = next(_NUMBERS)
    phone = phone or f"+86138{number:08d}"
    account = Account(
        public_id=new_public_id(), phone_sealed="", phone_index=uow.keys.index(phone, "phone"), created_at=uow.now()
    )
    account.phone_sealed = uow.keys.seal(phone, f"account.phone:{account.public_id}")
    uow.session.add(account)
    uow.session.flush()
    before, uow.actor = uow.actor, Actor("patient", account.public_id, account.id)
    born = f"{1950 + number // 1000 % 50:04d}0101"
    patient = identity.bind_patient(uow, name=name, id_number=id_number(number, born), relation=Relation.SELF)
    uow.actor = before
    return Person(account, patient)


# Cheap to check, as a hash says itself how dear it is: most tests are not about how long a password withstands.
PASSWORD_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("demo-2026")


def staff(uow: Uow, *roles: str, login: str = "", practitioner_code: str = "") -> Actor:
    member = Staff(
        login=login or f"staff{next(_NUMBERS)}",
        name="王芳",
        password_hash=PASSWORD_HASH,
        roles=list(roles),
        practitioner_code=practitioner_code,
    )
    uow.session.add(member)
    uow.session.flush()
    return logins.staff_actor(member)


def held(units: Units, who: Person, session: ClinicSession) -> Registration:
    with units.open(who.actor) as uow:
        return registration.hold(uow, session_public_id=session.public_id, patient_public_id=who.patient.public_id)


def booked(units: Units, who: Person, session: ClinicSession) -> Registration:
    """A registration whose fee counts as paid; no bill stands behind it."""
    made = held(units, who, session)
    with units.open(who.actor) as uow:
        fresh = uow.session.get_one(Registration, made.id)
        registration.confirm(uow, fresh)
        return fresh
