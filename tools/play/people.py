"""Somebody new for each played visit: a name, a valid identity number and a phone that nobody has had before."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999
SURNAMES = ("欧阳", "上官", "司马", "诸葛", "皇甫", "尉迟")
GIVEN = "春夏秋冬晓岚雨霏松柏竹梅江海山川明朗清宁安康"


@dataclass(frozen=True)
class Person:
    """An invented patient; `record_number` is the hospital system's number for them."""

    name: str
    id_number: str
    birth_day: str
    sex: str
    phone: str
    record_number: str
    member_number: str

    @property
    def canaries(self) -> tuple[str, ...]:
        """What must never stand in a log, an address, a code or a push title."""
        return (self.name, self.id_number, self.phone, self.member_number)


def somebody() -> Person:
    """A new person, born between 1950 and 1989."""
    year, month, day = 1950 + secrets.randbelow(40), 1 + secrets.randbelow(12), 1 + secrets.randbelow(28)
    birth_day = f"{year:04d}{month:02d}{day:02d}"
    serial = secrets.randbelow(999) + 1
    body = f"110105{birth_day}{serial:03d}"
    check = "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True)) % 11]
    return Person(
        name=secrets.choice(SURNAMES) + secrets.choice(GIVEN) + secrets.choice(GIVEN),
        id_number=body + check,
        birth_day=birth_day,
        sex="M" if serial % 2 else "F",
        phone=f"138{secrets.randbelow(10**8):08d}",
        record_number=f"P{secrets.randbelow(10**9):09d}",
        member_number=f"M{secrets.randbelow(10**11):011d}",
    )
