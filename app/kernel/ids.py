"""Numbers that name things: random ones for links and codes, human ones for eyes."""

from __future__ import annotations

import secrets

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread


def new_public_id() -> str:
    """26 letters holding 130 random bits, fit for a link; unguessable, yet never a permission by itself."""
    bits = secrets.randbits(130)
    return "".join([_LETTERS[bits >> shift & 31] for shift in range(0, 130, 5)])


def new_digits(count: int) -> str:
    """`count` random decimal digits, the first one not 0."""
    return str(secrets.randbelow(9) + 1) + "".join(str(secrets.randbelow(10)) for _ in range(count - 1))


def luhn_digit(digits: str) -> str:
    """The check digit that makes `digits` + it valid (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)
