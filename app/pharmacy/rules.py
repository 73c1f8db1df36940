"""What a pickup code and a bag label look like, how long a code is good, and what is compared before a bag leaves."""

from __future__ import annotations

import enum
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.kernel.ids import luhn_digit
from app.pharmacy.errors import BadNonce
from app.pharmacy.states import CheckKind

STEP_SECONDS = 30
OLD_STEPS = 10  # a code from the last five minutes is known to have been ours
LEASE = timedelta(minutes=2)
UNDO_WITHIN = timedelta(minutes=2)
_PICKUP = re.compile(r"1[0-9]{21}", re.ASCII)
_LABEL = re.compile(r"2[0-9]{12}", re.ASCII)
_NONCE = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)
_ADDRESS = re.compile(r"https?\b|/", re.ASCII | re.IGNORECASE)

# 四查十对: the four checks and the ten things compared in them (处方管理办法, Order 53 of 2007, article 37).
FOUR_CHECKS: dict[CheckKind, tuple[str, ...]] = {
    CheckKind.FORM: ("department", "name", "age"),
    CheckKind.DRUGS: ("drug_name", "dosage_form", "spec", "quantity"),
    CheckKind.INCOMPATIBILITY: ("appearance", "usage_and_dose"),
    CheckKind.REASONABLE_USE: ("diagnosis",),
}


class CodeStatus(enum.StrEnum):
    """`fresh` opens the bag; `expired` was ours minutes ago; `forged` has a good shape only; the rest is no code."""

    FRESH = "fresh"
    EXPIRED = "expired"
    FORGED = "forged"
    MALFORMED = "malformed"
    POSTER = "poster"


@dataclass(frozen=True)
class PickupRead:
    """What a scanned pickup code says: the bag's 12 digits ('' when it is no pickup code) and what it is worth."""

    id12: str
    status: CodeStatus


def pickup_code(key: bytes, id12: str, now: datetime) -> str:
    """The 22 digits the patient shows at `now`: 1, the bag's 12 digits, 8 that change every 30 seconds, Luhn digit."""
    body = f"1{id12}{_proof(key, id12, _step(now))}"
    return body + luhn_digit(body)


def read_pickup_code(key: bytes, digits: str, now: datetime) -> PickupRead:
    """What was scanned, or typed in groups as shown, judged at `now`: this half minute and its neighbours are fresh."""
    if _ADDRESS.search(digits):
        return PickupRead("", CodeStatus.POSTER)
    text = "".join(digits.split())
    if not _PICKUP.fullmatch(text) or luhn_digit(text[:-1]) != text[-1]:
        return PickupRead("", CodeStatus.MALFORMED)
    id12, proof = text[1:13], text[13:21]
    step = _step(now)
    if _is_proof_of(key, id12, proof, (step, step - 1, step + 1)):
        return PickupRead(id12, CodeStatus.FRESH)
    is_old = _is_proof_of(key, id12, proof, range(step - OLD_STEPS, step - 1))
    return PickupRead(id12, CodeStatus.EXPIRED if is_old else CodeStatus.FORGED)


def check_nonce(nonce: str) -> None:
    """Passes for 1 to 64 letters, digits, `_` and `-`; refuses `bad_nonce`."""
    if not _NONCE.fullmatch(nonce):
        raise BadNonce


def bag_code(eleven_digits: str) -> str:
    """The 13 digits on a bag's label: 2, eleven that say nothing, Luhn digit."""
    body = f"2{eleven_digits}"
    return body + luhn_digit(body)


def is_bag_code(text: str) -> bool:
    """True when `text` could stand on a bag's label."""
    return bool(_LABEL.fullmatch(text)) and luhn_digit(text[:-1]) == text[-1]


def missing_checks(checks: Iterable[CheckKind]) -> list[str]:
    """Which of the four checks are not among `checks`, in the order of the regulation."""
    made = set(checks)
    return [check.value for check in FOUR_CHECKS if check not in made]


def free_bin(taken: Iterable[int], bins: int) -> int:
    """The lowest bin of 1 to `bins` that holds nothing, else the one that holds the fewest bags."""
    held = list(taken)
    return min(range(1, bins + 1), key=lambda number: (held.count(number), number))


def _step(now: datetime) -> int:
    return int(now.timestamp()) // STEP_SECONDS


def _proof(key: bytes, id12: str, step: int) -> str:
    mac = hmac.new(key, f"{id12}{step}".encode(), hashlib.sha256).digest()
    return f"{int.from_bytes(mac[:8], 'big') % 10**8:08d}"


def _is_proof_of(key: bytes, id12: str, proof: str, steps: Iterable[int]) -> bool:
    return any(hmac.compare_digest(_proof(key, id12, step), proof) for step in steps)
