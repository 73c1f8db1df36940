"""A visit's number as twenty digits, which a scanner gun types under any input method; anybody may know them."""

from __future__ import annotations

import re

from app.kernel.ids import luhn_digit

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32, as app.kernel.ids makes numbers of
_NUMBER = re.compile(rf"V([0-9]{{6}})([{_LETTERS}]{{8}})", re.ASCII)
_CODE = re.compile(r"([0-9]{6})([0-9]{13})([0-9])", re.ASCII)


def to_digits(visit_number: str) -> str:
    """Day, the eight letters as a number of thirteen digits, and a check digit; '' for a number of another shape."""
    read = _NUMBER.fullmatch(visit_number)
    if read is None:
        return ""
    value = 0
    for letter in read[2]:
        value = value * 32 + _LETTERS.index(letter)
    digits = f"{read[1]}{value:013d}"
    return digits + luhn_digit(digits)


def read_digits(scanned: str) -> str:
    """The visit number that the digits stand for, typed in groups or not; '' when they are no visit's."""
    read = _CODE.fullmatch("".join(scanned.split()))
    if read is None or luhn_digit(read[1] + read[2]) != read[3]:
        return ""
    value, letters = int(read[2]), ""
    for _ in range(8):
        value, place = divmod(value, 32)
        letters = _LETTERS[place] + letters
    return "" if value else f"V{read[1]}{letters}"
