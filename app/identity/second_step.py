"""The second step of a staff log-in: six digits that the phone of whoever works here shows, new each half minute.

Any authenticator that speaks TOTP will do (RFC 6238: SHA-1, 6 digits, 30 seconds, the world's time).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import update

from app.identity import logins
from app.identity.errors import SecondStepStands
from app.identity.models import LoginSession, Staff
from app.kernel import audit
from app.kernel.uow import Uow

KEY_BYTES = 20  # as long as the hash, RFC 4226 section 4
DIGITS = 6
STEP_SECONDS = 30
CLOCKS_DIFFER_STEPS = 1  # RFC 6238 section 5.2: one step of network delay, which also forgives a clock a little wrong
PLACE = "staff.second_step_key:{}"


@dataclass(frozen=True)
class Offer:
    """What an authenticator is told once: an `otpauth:` address to scan, and the same key to type."""

    address: str
    key: str


def is_on(uow: Uow) -> bool:
    """Whether the asking staff member has a phone that shows codes."""
    return uow.session.get_one(Staff, uow.actor.id).has_second_step


def offer(uow: Uow, *, secret: str, hospital: str) -> Offer:
    """The key for the asking staff member's phone, the same for as long as the log-in held with `secret` lasts.

    Another log-in is told another one, so that nobody who was here before knows the key that is put on file now.
    Refuses `second_step_stands` when a phone shows codes already: its key is told to nobody any more.
    """
    staff = uow.session.get_one(Staff, uow.actor.id)
    if staff.has_second_step:
        raise SecondStepStands
    key = _offered(uow, secret)
    return Offer(_shown_by(key).get_provisioning_uri(staff.login, hospital), base64.b32encode(key).decode())


def take(uow: Uow, *, digits: str, secret: str) -> bool:
    """The log-in held with `secret` may do its work now, and the phone is the asking staff member's from now on.

    False when the digits are not those of this half minute, the one before or after, or were shown before. Five of
    them, wrong passwords counted in, end the log-in and lock the next for a quarter of an hour; a log-in that was begun
    before ends at its first try. Returned, not raised, so that the try counts. Nobody guesses a key that they are told.
    """
    staff = uow.session.get_one(Staff, uow.actor.id, with_for_update=True)
    is_guessed = staff.has_second_step
    if is_guessed and logins.is_locked(uow, staff):
        audit.record(uow, "staff.second_step", "staff", staff.public_id, outcome="locked")
        logins.log_out(uow, secret)
        return False
    key = _on_file(uow, staff) if is_guessed else _offered(uow, secret)
    step = _step_of(uow, staff, key, digits)
    if step is None:
        audit.record(uow, "staff.second_step", "staff", staff.public_id, outcome="wrong_code")
        if is_guessed and logins.note_wrong_try(uow, staff):
            logins.log_out(uow, secret)
        return False
    if not is_guessed:
        staff.second_step_key_sealed = uow.keys.seal(key.hex(), PLACE.format(staff.public_id))
    staff.failed_logins, staff.has_second_step, staff.second_step_used = 0, True, step
    uow.session.execute(update(LoginSession).where(logins.held_with(secret)).values(took_second_step=True))
    audit.record(uow, "staff.second_step", "staff", staff.public_id)
    return True


def demand(uow: Uow, staff: Staff, *, is_needed: bool) -> None:
    """From their next page on a password alone lets them in nowhere; or it does again, if no phone is on file."""
    staff.needs_second_step = is_needed
    audit.record(uow, "staff.demand_second_step", "staff", staff.public_id, is_needed=is_needed)


def take_away(uow: Uow, staff: Staff) -> None:
    """Their phone's codes are worth nothing and every log-in is over, as when the phone was lost; quiet without one."""
    staff.has_second_step, staff.second_step_key_sealed = False, ""
    logins.end_staff_sessions(uow, staff.id)
    audit.record(uow, "staff.take_second_step", "staff", staff.public_id)


def _offered(uow: Uow, secret: str) -> bytes:
    """What a phone is told by the log-in held with `secret`: as hard to foresee as RFC 4226 (R6) asks for, 128 bits."""
    return hashlib.sha256(uow.keys.index(secret, "staff.second_step_key").encode()).digest()[:KEY_BYTES]


def _on_file(uow: Uow, staff: Staff) -> bytes:
    return bytes.fromhex(uow.keys.open(staff.second_step_key_sealed, PLACE.format(staff.public_id)))


def _step_of(uow: Uow, staff: Staff, key: bytes, digits: str) -> int | None:
    """The half minute of which these are the digits; None when there is none that still counts."""
    typed = "".join(digits.split()).encode()
    codes = _shown_by(key)
    now = step_at(uow.clock.wall_now())
    for step in range(now - CLOCKS_DIFFER_STEPS, now + CLOCKS_DIFFER_STEPS + 1):
        if step > staff.second_step_used and secrets.compare_digest(codes.generate(step * STEP_SECONDS), typed):
            return step
    return None


def step_at(instant: datetime) -> int:
    """The number of the half minute since 1970."""
    return int(instant.timestamp()) // STEP_SECONDS


def _shown_by(key: bytes) -> TOTP:
    return TOTP(key, DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303 - what authenticators know; no collision helps here
