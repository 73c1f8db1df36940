"""Fills an empty database with the demo hospital; run again it adds what is missing and changes nothing else."""

from __future__ import annotations

from sqlalchemy import select

from app.analytics import service as analytics
from app.analytics.models import Channel
from app.cli import demo_hospital as demo
from app.identity import logins
from app.identity import service as identity
from app.identity.models import Account, Relation, Staff
from app.identity.rules import read_phone
from app.insurance import covering
from app.insurance.policies import CATALOGUE, POLICIES
from app.insurance.rules import Usage
from app.kernel.ids import new_public_id
from app.kernel.uow import Actor, Uow
from app.notifications import templates
from app.pharmacy import picking
from app.prescription.demo_drugs import DRUGS
from app.prescription.formulary import file_drug
from app.queueing import lobbies
from app.queueing.lobbies import LobbyIn
from app.rulebook import service as rulebook
from app.scheduling import plans
from app.scheduling import service as scheduling
from app.scheduling.models import Department, Practitioner, Shift

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def seed(uow: Uow) -> None:
    """The demo hospital stands: departments, doctors, sessions, staff, drugs, policies, windows, posters, patients."""
    _departments(uow)
    _doctors(uow)
    if not rulebook.versions(uow, rulebook.HOUSE):
        rulebook.write(uow, rulebook.HOUSE, {"closed_on_public_holidays": False}, note="演示医院天天开诊")
    plans.open_ahead(uow)
    _staff(uow)
    _pharmacy(uow)
    _posters(uow)
    _lobbies(uow)
    _templates(uow)
    for phone, name, number, policy, balance_fen in demo.PATIENTS:
        _patient(uow, phone, name, number)
        _cover(uow, number, policy, balance_fen)


def _departments(uow: Uow) -> None:
    known = set(uow.session.scalars(select(Department.code)))
    for code, name, name_en, location, location_en, letter in demo.DEPARTMENTS:
        if code not in known:
            uow.session.add(
                Department(
                    code=code,
                    name=name,
                    name_en=name_en,
                    location=location,
                    location_en=location_en,
                    ticket_letter=letter,
                )
            )
    uow.session.flush()


def _doctors(uow: Uow) -> None:
    known = set(uow.session.scalars(select(Practitioner.code)))
    for code, name, title, department, room, fee_fen, good_at in demo.DOCTORS:
        if code in known:
            continue
        doctor = Practitioner(
            code=code,
            name=name,
            title=title,
            good_at=good_at,
            department_id=scheduling.department_by_code(uow, department).id,
        )
        uow.session.add(doctor)
        uow.session.flush()
        uow.session.add_all(_week(doctor, room, fee_fen))


def _week(doctor: Practitioner, room: str, fee_fen: int) -> list[Shift]:
    return [
        Shift(
            practitioner_id=doctor.id,
            weekday=weekday,
            half_day=half_day,
            starts=starts,
            places=places,
            slot_minutes=minutes,
            room=room,
            fee_fen=fee_fen,
        )
        for weekday in range(7)
        for half_day, starts, places, minutes in demo.HALF_DAYS
    ]


def _staff(uow: Uow) -> None:
    known = set(uow.session.scalars(select(Staff.login)))
    missing = [row for row in demo.STAFF if row[0] not in known]
    password_hash = logins.hash_password(demo.PASSWORD) if missing else ""
    for login, name, roles, practitioner_code in missing:
        uow.session.add(
            Staff(
                login=login,
                name=name,
                roles=list(roles),
                practitioner_code=practitioner_code,
                password_hash=password_hash,
            )
        )


def _pharmacy(uow: Uow) -> None:
    for drug in DRUGS:
        file_drug(uow, drug)
    for policy in POLICIES:
        covering.file_policy(uow, policy)
    first_day = uow.today().replace(month=1, day=1)
    for item in CATALOGUE:
        covering.file_catalogue_item(uow, item, valid_from=first_day)
    for code, name, location in demo.WINDOWS:
        picking.open_window(uow, code=code, name=name, location=location)


def _posters(uow: Uow) -> None:
    known = set(uow.session.scalars(select(Channel.name)))
    for name, place in demo.POSTERS:
        if name not in known:
            analytics.file_channel(uow, name=name, place=place)


def _lobbies(uow: Uow) -> None:
    known = {lobby.code for lobby in lobbies.lobbies(uow)}
    for code, name, name_en, latitude_e6, longitude_e6, metres in demo.LOBBIES:
        if code not in known:
            told = LobbyIn(code, name, name_en, latitude_e6=latitude_e6, longitude_e6=longitude_e6, near_metres=metres)
            lobbies.file_lobby(uow, told)


def _templates(uow: Uow) -> None:
    """The demo's Official Account granted every message a template, with the usual keywords."""
    for name in templates.without_number(uow):
        shown = templates.template(uow, name)
        lines = [f"{keyword} = {words}" for keyword, words in shown.fixed.items()]
        if shown.version == 0:
            number = f"Demo-{name}"
            templates.save(uow, name, number=number, keywords=shown.keywords, fixed_lines=lines, version=0)


def _patient(uow: Uow, phone: str, name: str, number: str) -> None:
    e164 = read_phone(phone)
    index = uow.keys.index(e164, "phone")
    if uow.session.scalars(select(Account).where(Account.phone_index == index)).first():
        return
    account = Account(public_id=new_public_id(), phone_index=index, phone_sealed="", created_at=uow.now())
    account.phone_sealed = uow.keys.seal(e164, f"account.phone:{account.public_id}")
    uow.session.add(account)
    uow.session.flush()
    before, uow.actor = uow.actor, Actor("patient", account.public_id, account.id)
    identity.bind_patient(uow, name=name, id_number=_with_check_digit(number), relation=Relation.SELF)
    uow.actor = before


def _cover(uow: Uow, number: str, policy: str, balance_fen: int) -> None:
    patient = identity.patient_by_id_number(uow, _with_check_digit(number))
    if patient is not None and covering.coverage_of(uow, patient.id) is None:
        covering.bind_coverage(
            uow,
            patient_id=patient.id,
            policy_code=policy,
            member_no=f"DEMO{patient.id:08d}",
            usage=Usage(account_balance_fen=balance_fen),
        )


def _with_check_digit(number: str) -> str:
    return number + "10X98765432"[sum(int(d) * w for d, w in zip(number, _WEIGHTS, strict=True)) % 11]
