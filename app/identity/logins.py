"""Logging in and out: patients by a code to their phone, staff by name and password."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error
from sqlalchemy import ColumnElement, bindparam, or_, select, update

from app.identity.models import Account, AccountChannel, Device, LoginSession, PhoneCode, Staff
from app.identity.ports import CodeCourier
from app.identity.rules import CHOOSES_PASSWORD, CODE_LIVES_MINUTES, CODE_TRIES, TAKES_SECOND_STEP, read_phone
from app.kernel import audit, outbox
from app.kernel.db import Instant
from app.kernel.errors import NotFound
from app.kernel.hot import Hot
from app.kernel.ids import new_public_id
from app.kernel.uow import Actor, Units, Uow

_HASHER = PasswordHasher()
# Of a password that nobody knows, at the same cost: an unknown login takes as much time as a wrong password.
_NOBODYS_HASH = "$argon2id$v=19$m=65536,t=3,p=4$+BbsrGlkPtef2xMMZ23ksA$g1K9XEX+Gh9dC5U2fi1o0DgXIwIQl9CnBwBGZ5s2oPc"
IDLE = {"patient": timedelta(hours=12), "staff": timedelta(minutes=30)}
LASTS = {"patient": timedelta(days=7), "staff": timedelta(hours=12)}
LOCK_AFTER = 5
LOCK_MINUTES = 15


@dataclass(frozen=True)
class LoggedIn:
    """The secret the browser keeps for this log-in, and who it is."""

    secret: str
    actor: Actor


def request_phone_code(uow: Uow, *, phone: str) -> str:
    """A new code for `phone` is on its way; returns the public id under which it is answered. Refuses `bad_phone`.

    The caller counts tries (app.kernel.rates) before, and calls `send_codes` after the unit is finished.
    """
    number = read_phone(phone)
    code = PhoneCode(
        public_id=new_public_id(),
        phone_sealed="",
        code_sealed="",
        phone_index=uow.keys.index(number, "phone"),
        created_at=uow.now(),
        expires_at=uow.now() + timedelta(minutes=CODE_LIVES_MINUTES),
    )
    code.phone_sealed = uow.keys.seal(number, f"phone_code.phone:{code.public_id}")
    code.code_sealed = uow.keys.seal(f"{secrets.randbelow(10**6):06d}", f"phone_code.code:{code.public_id}")
    uow.session.add(code)
    uow.session.flush()
    outbox.post(uow, "phone_code", code.public_id, {"phone_code_id": code.id})
    return code.public_id


def send_codes(units: Units, courier: CodeCourier, *, limit: int = 20) -> int:
    """Codes that wait are handed to the courier; returns how many were. Safe to call from several processes."""
    with units.open(Actor("job", "phone_codes")) as uow:
        letters = []
        for item in outbox.claim(uow, "phone_code", limit=limit, lease_seconds=20):
            code = uow.session.get_one(PhoneCode, item.payload["phone_code_id"])
            phone = uow.keys.open(code.phone_sealed, f"phone_code.phone:{code.public_id}")
            digits = uow.keys.open(code.code_sealed, f"phone_code.code:{code.public_id}")
            letters.append((item.id, code.public_id, phone, digits, code.expires_at < uow.now()))
    for item_id, public_id, phone, digits, is_stale in letters:
        error = "code_expired" if is_stale else _send(courier, phone, digits, public_id)
        with units.open(Actor("job", "phone_codes")) as uow:
            if error:
                outbox.mark_failed(uow, item_id, error, is_final=is_stale)
            else:
                outbox.mark_sent(uow, item_id)
    return len(letters)


def _send(courier: CodeCourier, phone: str, digits: str, client_ref: str) -> str:
    try:
        courier.send_code(phone=phone, code=digits, client_ref=client_ref)
    except Exception as error:  # noqa: BLE001 - whatever the provider does, the code waits for its next try
        return str(getattr(error, "code", type(error).__name__))
    return ""


def log_in_by_phone(
    uow: Uow, *, code_public_id: str, digits: str, openid: str = "", locale: str = ""
) -> LoggedIn | None:
    """The holder of the phone is logged in, their account made at the first time; None when the code is not good.

    A wrong try is returned, not raised, so that it counts: after five the code is dead. `openid` is
    remembered; messages to a new account are in `locale`.
    """
    code = uow.session.scalars(select(PhoneCode).where(PhoneCode.public_id == code_public_id).with_for_update()).first()
    if code is None or code.used_at or code.tries >= CODE_TRIES or code.expires_at < uow.now():
        return None
    code.tries += 1
    expected = uow.keys.open(code.code_sealed, f"phone_code.code:{code.public_id}")
    if not secrets.compare_digest(expected.encode(), digits.strip().encode()):
        return None
    code.used_at = uow.now()
    phone = uow.keys.open(code.phone_sealed, f"phone_code.phone:{code.public_id}")
    account = _account_for(uow, phone, locale)
    if openid:
        remember_openid(uow, account, openid)
    audit.record(uow, "account.log_in", "account", account.public_id)
    return _begin(uow, Actor("patient", account.public_id, account.id), account_id=account.id)


def log_in_by_openid(uow: Uow, *, openid: str) -> LoggedIn | None:
    """The account that was bound to WeChat's `openid` at an earlier log-in is logged in; None when none was.

    The caller has the openid from WeChat itself, never from the browser.
    """
    account = uow.session.scalars(
        select(Account)
        .join(AccountChannel, AccountChannel.account_id == Account.id)
        .where(AccountChannel.system == "wechat", AccountChannel.value == openid)
    ).first()
    if account is None:
        return None
    audit.record(uow, "account.log_in", "account", account.public_id, by="wechat")
    return _begin(uow, Actor("patient", account.public_id, account.id), account_id=account.id)


def asking_account(uow: Uow) -> Account:
    """The account of whoever asks; NotFound when no patient is logged in."""
    account = uow.session.get(Account, uow.actor.id) if uow.actor.kind == "patient" else None
    if account is None:
        raise NotFound
    return account


def keep_preferences(uow: Uow, *, locale: str, is_elder: bool) -> None:
    """The asking account's messages come in `locale`, and its pages in large letters or not."""
    uow.session.execute(update(Account).where(Account.id == uow.actor.id).values(locale=locale, is_elder=is_elder))


def _account_for(uow: Uow, phone: str, locale: str) -> Account:
    index = uow.keys.index(phone, "phone")
    account = uow.session.scalars(select(Account).where(Account.phone_index == index)).first()
    if account is None:
        account = Account(public_id=new_public_id(), phone_index=index, phone_sealed="", created_at=uow.now())
        account.phone_sealed = uow.keys.seal(phone, f"account.phone:{account.public_id}")
        account.locale = locale or "zh_Hans_CN"
        uow.session.add(account)
        uow.session.flush()
    return account


def remember_openid(uow: Uow, account: Account, openid: str) -> None:
    """Messages reach the account by WeChat too; an openid that was another account's moves to this one."""
    uow.session.execute(
        AccountChannel.__table__.delete().where(  # type: ignore[attr-defined]
            (AccountChannel.system == "wechat")
            & ((AccountChannel.value == openid) | (AccountChannel.account_id == account.id))
        )
    )
    uow.session.add(AccountChannel(account_id=account.id, system="wechat", value=openid))


def hash_password(password: str) -> str:
    """What is kept of a password (Argon2id)."""
    return _HASHER.hash(password)


def log_in_staff(uow: Uow, *, login: str, password: str) -> LoggedIn | None:
    """The staff member is logged in; None when login or password is wrong or the log-in is locked.

    Five wrong tries lock the log-in for 15 minutes. Returned, not raised, so that the try counts.
    """
    staff = uow.session.scalars(select(Staff).where(Staff.login == login, Staff.is_active).with_for_update()).first()
    locked = staff is not None and is_locked(uow, staff)
    fits = password_fits(staff.password_hash if staff else _NOBODYS_HASH, password)
    if staff is None or locked or not fits:
        if staff is not None and not locked:
            note_wrong_try(uow, staff)
        audit.record(uow, "staff.log_in", "staff", staff.public_id if staff else "", outcome="wrong_login")
        return None
    if not staff.has_second_step:  # else wrong codes count on until a right one comes
        staff.failed_logins = 0
    audit.record(uow, "staff.log_in", "staff", staff.public_id)
    return _begin(uow, staff_actor(staff), staff_id=staff.id)


def is_locked(uow: Uow, staff: Staff) -> bool:
    """True for a quarter of an hour after the fifth wrong password or code."""
    return staff.locked_until is not None and staff.locked_until > uow.now()


def note_wrong_try(uow: Uow, staff: Staff) -> bool:
    """A wrong password or code counts; True when it was the fifth and locks the log-in for a quarter of an hour."""
    staff.failed_logins += 1
    is_last = staff.failed_logins >= LOCK_AFTER
    if is_last:
        staff.locked_until, staff.failed_logins = uow.now() + timedelta(minutes=LOCK_MINUTES), 0
    return is_last


def password_fits(password_hash: str, password: str) -> bool:
    """Whether `password` is the one of which `password_hash` is kept."""
    try:
        return _HASHER.verify(password_hash, password)
    except Argon2Error:
        return False


def staff_actor(staff: Staff) -> Actor:
    """The staff member as the one who acts, having logged in by password alone.

    Who has yet to show a code of their phone, or to choose a password of their own, may do nothing else.
    """
    lacks_step = staff.needs_second_step or staff.has_second_step
    roles = _may_act_as(staff.roles, lacks_step=lacks_step, must_choose=staff.must_choose_password)
    return Actor("staff", staff.public_id, staff.id, roles)


def _may_act_as(roles: Iterable[object], *, lacks_step: bool, must_choose: bool) -> frozenset[str]:
    if lacks_step:
        return frozenset({TAKES_SECOND_STEP})
    return frozenset({CHOOSES_PASSWORD}) if must_choose else frozenset(map(str, roles))


def _begin(uow: Uow, actor: Actor, *, account_id: int | None = None, staff_id: int | None = None) -> LoggedIn:
    secret = secrets.token_urlsafe(32)
    now = uow.now()
    uow.session.add(
        LoginSession(
            secret_hash=_hash(secret),
            kind=actor.kind,
            account_id=account_id,
            staff_id=staff_id,
            created_at=now,
            seen_at=now,
            ends_at=now + LASTS[actor.kind],
        )
    )
    return LoggedIn(secret, actor)


_HOLDER = Hot(
    select(
        LoginSession.seen_at,
        LoginSession.ends_at,
        LoginSession.kind,
        Account.id,
        Account.public_id,
        Staff.id,
        Staff.public_id,
        Staff.roles,
        Staff.must_choose_password,
        or_(Staff.needs_second_step, Staff.has_second_step) & ~LoginSession.took_second_step,
        Staff.is_active,
    )
    .outerjoin(Account, Account.id == LoginSession.account_id)
    .outerjoin(Staff, Staff.id == LoginSession.staff_id)
    .where(LoginSession.secret_hash == bindparam("p_secret_hash"))
)


def who_holds(uow: Uow, secret: str, *, uses_it: bool = False) -> Actor | None:
    """Who is logged in with `secret`; None when it ended, was idle too long, or never was.

    When a person `uses_it` the log-in counts as used now, which is written down at most once a minute.
    """
    row = _HOLDER.first(uow, {"p_secret_hash": _hash(secret)})
    if row is None:
        return None
    seen_at, ends_at, kind, account_id, account_ref, staff_id, staff_ref, roles, must_choose, lacks_step, active = row
    if ends_at <= uow.now() or seen_at + IDLE[kind] < uow.now():
        return None
    if uses_it and seen_at < uow.now() - timedelta(minutes=1):
        stay(uow, secret)
    if account_id is not None:
        return Actor("patient", account_ref, account_id)
    if not active:
        return None
    return Actor("staff", staff_ref, staff_id, _may_act_as(roles, lacks_step=lacks_step, must_choose=must_choose))


_STAY = Hot(
    update(LoginSession)
    .where(
        LoginSession.secret_hash == bindparam("p_secret_hash"),
        LoginSession.seen_at < bindparam("p_before", type_=Instant()),
    )
    .values(seen_at=bindparam("p_now", type_=Instant()))
)


def stay(uow: Uow, secret: str) -> None:
    """The log-in counts as used now; cheap to call at every request, writes at most once a minute."""
    now = uow.now()
    _STAY.run(uow, {"p_secret_hash": _hash(secret), "p_before": now - timedelta(minutes=1), "p_now": now})


def log_out(uow: Uow, secret: str) -> None:
    """The log-in is over; quiet when it already was."""
    uow.session.execute(update(LoginSession).where(LoginSession.secret_hash == _hash(secret)).values(ends_at=uow.now()))


def held_with(secret: str) -> ColumnElement[bool]:
    """The condition that a log-in is the one held with `secret`."""
    return LoginSession.secret_hash == _hash(secret)


def end_staff_sessions(uow: Uow, staff_id: int, *, but: str = "") -> None:
    """Every log-in of the staff member is over, except the one held with the secret `but`."""
    uow.session.execute(
        update(LoginSession)
        .where(LoginSession.staff_id == staff_id, LoginSession.secret_hash != _hash(but))
        .values(ends_at=uow.now())
    )


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def device_by_code(uow: Uow, code: str) -> Device:
    """The registered device called `code`; NotFound when there is none."""
    device = uow.session.scalars(select(Device).where(Device.code == code)).first()
    if device is None:
        raise NotFound
    return device
