"""What a valid name, phone and identity number is, and how they are shown to eyes that need not know them whole."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date

import phonenumbers

from app.identity.errors import BadIdNumber, BadName, BadPhone

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999, 4.2
_CHECK = "10X98765432"
MAX_PATIENTS_PER_ACCOUNT = 6
CONSENT_UNTIL_AGE = 14  # 个人信息保护法 art. 28, 31; 儿童个人信息网络保护规定 (网信办令第4号, 2019) art. 2, 9
CONSENT_TEXT = "2026-11"
CODE_LIVES_MINUTES = 5
CODE_TRIES = 5
ROLES = (
    "doctor",
    "nurse",
    "registrar",
    "reviewer",
    "pharmacist",
    "invoice_clerk",
    "finance",
    "cashier",
    "admin",
    "operations",
    "it",
    "auditor",
)
SHORTEST_PASSWORD = 10
TAKES_SECOND_STEP = "takes_second_step"  # the one thing that whoever has yet to show a code of their own phone may do
CHOOSES_PASSWORD = "chooses_password"  # noqa: S105 - the one thing that whoever has a password for the first time may do


@dataclass(frozen=True)
class IdCard:
    """What a resident identity card number tells: 18 characters, birth date, and sex as `male` or `female`."""

    number: str
    birth_date: date
    sex: str


def read_id_card(text: str, today: date) -> IdCard:
    """The card of an 18-digit number (GB 11643), a lower-case x made upper-case; refuses `bad_id_number`."""
    number = unicodedata.normalize("NFKC", text).strip().upper()
    if len(number) != 18 or not number[:17].isascii() or not number[:17].isdecimal():
        raise BadIdNumber(why="length")
    if _CHECK[sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False)) % 11] != number[17]:
        raise BadIdNumber(why="check_digit")
    try:
        birth_date = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError as error:
        raise BadIdNumber(why="date") from error
    if not date(1850, 1, 1) <= birth_date <= today:
        raise BadIdNumber(why="date")
    return IdCard(number, birth_date, "male" if int(number[16]) % 2 else "female")


def read_phone(text: str) -> str:
    """The mobile number in E.164 form, however it was typed; refuses `bad_phone`."""
    try:
        number = phonenumbers.parse(unicodedata.normalize("NFKC", text), "CN")
    except phonenumbers.NumberParseException as error:
        raise BadPhone from error
    kinds = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)
    if not phonenumbers.is_valid_number(number) or phonenumbers.number_type(number) not in kinds:
        raise BadPhone
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def read_name(text: str) -> str:
    """The name in composed form (NFC) without outer blanks, 1 to 100 characters; refuses `bad_name`.

    Rare Han characters are kept; control and formatting characters are refused.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(name) <= 100 or any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn"} for char in name):
        raise BadName
    return name


def mask_name(name: str) -> str:
    """The name for a screen others can see: 李*, 张*三, 欧**娜, A***n."""
    if len(name) <= 1:
        return "*" if name else ""
    if len(name) == 2:
        return f"{name[0]}*"
    return f"{name[0]}{'*' * min(len(name) - 2, 3)}{name[-1]}"


def mask_phone(phone: str) -> str:
    """138****1234, from an E.164 number or as it was typed."""
    digits = phone.removeprefix("+86")
    return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 8 else "****"


def mask_id_number(number: str) -> str:
    """1101**********002X: the first four and the last four characters."""
    return f"{number[:4]}{'*' * (len(number) - 8)}{number[-4:]}" if len(number) > 8 else "*" * len(number)


def age_on(birth_date: date, day: date) -> int:
    """Whole years of age on `day`."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def needs_guardian(birth_date: date | None, day: date) -> bool:
    """True for a child for whom a guardian has to consent; a birthday that is not on file asks for none."""
    return birth_date is not None and age_on(birth_date, day) < CONSENT_UNTIL_AGE
