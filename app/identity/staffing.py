"""Who works in the hospital: made, changed, locked out and given a new password by an administrator; own passwords."""

from __future__ import annotations

import secrets
from collections.abc import Collection

from sqlalchemy import select

from app.identity import logins
from app.identity.errors import BadStaff, LastAdmin, LoginTaken, PasswordTooWeak, PasswordWrong
from app.identity.models import Staff
from app.identity.rules import ROLES, SHORTEST_PASSWORD
from app.kernel import audit
from app.kernel.errors import NotFound
from app.kernel.ids import new_public_id
from app.kernel.uow import Uow

LONGEST_LOGIN = 40
LONGEST_NAME = 60
LONGEST_PASSWORD = 200
_READABLE = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that looks like something else on paper
_GIVEN_LENGTH = 14  # 69 bits


def file_staff(
    uow: Uow, *, login: str, name: str, roles: Collection[str], password: str, practitioner_code: str = ""
) -> Staff:
    """The staff member can log in. Refuses `login_taken`, and `bad_staff` for an unknown role or a short password."""
    if not login.strip() or not set(roles) <= set(ROLES) or len(password) < SHORTEST_PASSWORD:
        raise BadStaff(shortest_password=SHORTEST_PASSWORD)
    if uow.session.scalars(select(Staff.id).where(Staff.login == login)).first() is not None:
        raise LoginTaken
    staff = Staff(
        public_id=new_public_id(),
        login=login.strip(),
        name=name.strip(),
        roles=sorted(roles),
        practitioner_code=practitioner_code,
        password_hash=logins.hash_password(password),
    )
    uow.session.add(staff)
    audit.record(uow, "staff.file", "staff", staff.public_id, roles=sorted(roles))
    return staff


def take_on(uow: Uow, *, login: str, name: str, roles: Collection[str], practitioner_code: str) -> tuple[Staff, str]:
    """The staff member can log in with the password that is returned here and kept nowhere, to choose an own one.

    Refuses `bad_staff` for an empty login or name and for no or an unknown role, and `login_taken`.
    """
    if not roles or not name.strip() or len(login.strip()) > LONGEST_LOGIN or len(name.strip()) > LONGEST_NAME:
        raise BadStaff(shortest_password=SHORTEST_PASSWORD)
    password = _given_password()
    staff = file_staff(uow, login=login, name=name, roles=roles, password=password, practitioner_code=practitioner_code)
    staff.must_choose_password = True
    uow.session.flush()
    return staff, password


def members(uow: Uow) -> list[Staff]:
    """Everybody, those who may log in first, by login."""
    return list(uow.session.scalars(select(Staff).order_by(Staff.is_active.desc(), Staff.login)))


def member(uow: Uow, public_id: str) -> Staff:
    """The staff member named `public_id`; else NotFound."""
    found = uow.session.scalars(select(Staff).where(Staff.public_id == public_id)).first()
    if found is None:
        raise NotFound
    return found


def by_login(uow: Uow, login: str) -> Staff | None:
    """Whoever logs in as `login`, also when locked out."""
    return uow.session.scalars(select(Staff).where(Staff.login == login)).first()


def change(uow: Uow, staff: Staff, *, name: str, roles: Collection[str], practitioner_code: str) -> None:
    """Name, roles and doctor's code are these from the next request on.

    Refuses `bad_staff` for an empty name and for no or an unknown role, `last_admin`.
    """
    if not name.strip() or not roles or not set(roles) <= set(ROLES):
        raise BadStaff(shortest_password=SHORTEST_PASSWORD)
    if "admin" not in roles:
        _keep_an_admin(uow, staff)
    staff.name, staff.roles, staff.practitioner_code = name.strip()[:LONGEST_NAME], sorted(roles), practitioner_code
    audit.record(uow, "staff.change", "staff", staff.public_id, roles=sorted(roles))


def lock_out(uow: Uow, staff: Staff) -> None:
    """They cannot log in, and every log-in of theirs is over; what they did stays theirs. Refuses `last_admin`."""
    _keep_an_admin(uow, staff)
    staff.is_active = False
    logins.end_staff_sessions(uow, staff.id)
    audit.record(uow, "staff.lock_out", "staff", staff.public_id)


def let_in(uow: Uow, staff: Staff) -> None:
    """They can log in again with the password they had, also after too many wrong tries."""
    staff.is_active, staff.failed_logins, staff.locked_until = True, 0, None
    audit.record(uow, "staff.let_in", "staff", staff.public_id)


def give_password(uow: Uow, staff: Staff) -> str:
    """The old password is worth nothing, every log-in is over; returns the new one, kept nowhere, to be replaced."""
    password = _given_password()
    staff.password_hash, staff.must_choose_password = logins.hash_password(password), True
    staff.failed_logins, staff.locked_until = 0, None
    logins.end_staff_sessions(uow, staff.id)
    audit.record(uow, "staff.give_password", "staff", staff.public_id)
    return password


def choose_password(uow: Uow, *, present: str, wanted: str, secret: str) -> None:
    """The asking staff member logs in with `wanted` from now on; their log-ins but the one of `secret` are over.

    Refuses `password_wrong` (the caller counts tries), `password_too_weak`.
    """
    staff = uow.session.get_one(Staff, uow.actor.id)
    if not logins.password_fits(staff.password_hash, present):
        raise PasswordWrong
    is_long_enough = SHORTEST_PASSWORD <= len(wanted) <= LONGEST_PASSWORD
    if not is_long_enough or wanted in {present, staff.login} or len(set(wanted)) < 4:
        raise PasswordTooWeak(shortest=SHORTEST_PASSWORD)
    staff.password_hash, staff.must_choose_password = logins.hash_password(wanted), False
    logins.end_staff_sessions(uow, staff.id, but=secret)
    audit.record(uow, "staff.choose_password", "staff", staff.public_id)


def _given_password() -> str:
    return "".join(secrets.choice(_READABLE) for _ in range(_GIVEN_LENGTH))


def _keep_an_admin(uow: Uow, staff: Staff) -> None:
    """Locks the administrators' rows, so that two of them cannot lock each other out at once."""
    rows = uow.session.scalars(select(Staff).where(Staff.is_active).order_by(Staff.id).with_for_update())
    if not any("admin" in row.roles for row in rows if row.id != staff.id) and "admin" in staff.roles:
        raise LastAdmin
