"""A waiting-list entry's name as 41 digits, which a scanner gun types under any input method; it names nobody."""

from __future__ import annotations

import re

from app.kernel.ids import luhn_digit

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, as app.kernel.ids makes public ids of
_NAME = re.compile(f"[{_LETTERS}]{{26}}", re.ASCII)
_CODE = re.compile(r"([0-9]{40})([0-9])", re.ASCII)


def to_digits(public_id: str) -> str:
    """The 26 letters as a number of forty digits, and a check digit."""
    if _NAME.fullmatch(public_id) is None:
        raise ValueError("a public id has 26 letters")
    value = 0
    for letter in public_id:
        value = value * 32 + _LETTERS.index(letter)
    digits = f"{value:040d}"
    return digits + luhn_digit(digits)


def read_digits(scanned: str) -> str:
    """The public id that the digits stand for, typed in groups or not; '' when they are no entry's."""
    read = _CODE.fullmatch("".join(scanned.split()))
    if read is None or luhn_digit(read[1]) != read[2]:
        return ""
    value, letters = int(read[1]), ""
    for _ in range(26):
        value, place = divmod(value, 32)
        letters = _LETTERS[place] + letters
    return "" if value else letters
