"""The messages of the HL7 benches: an admission that is only kept, and what a hospital says of a patient who comes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

_RUN = f"{time.time_ns() // 10**6 % 10**10}"
_NUMBERS = itertools.count(1)

# Some 750 bytes, as in public measurements of MLLP servers. An admission to a ward (A01) means nothing here, so
# it is kept and filed; everybody's receiver can parse it.
_ADMISSION = (Path(__file__).parent / "feeds" / "admission.hl7").read_text()

# What a hospital system says of one outpatient: known, corrected, given a place, and the place taken back.
_HEAD = "MSH|^~\\&|HIS|HOSPITAL|MENZHEN|HOSPITAL|20261123092500+0800||@TYPE@|@CONTROL@|P|2.5.1|||||CHN|UNICODE UTF-8\n"
_PERSON = "EVN||20261123092500\nPID|1||@NUMBER@^^^HIS^PI||张秀英||19500101|F|||北京市朝阳区||\nPV1|1|O|GI\n"
_PLACE = """\
SCH||F@NUMBER@||||APPT|||1|min^^UCUM|||||||@DOCTOR@||||@DOCTOR@
PID|1||@NUMBER@^^^HIS^PI||张秀英
RGS|1|A
AIS|1|A|GI^消化内科|@TIME@|||1|min
AIP|1|A|@DOCTOR@^门诊|DOCTOR||@TIME@
"""
_VISIT = (
    ("ADT^A04^ADT_A01", _PERSON),
    ("ADT^A08^ADT_A01", _PERSON),
    ("SIU^S12^SIU_S12", _PLACE),
    ("SIU^S15^SIU_S12", _PLACE),
)


def admissions(_connection: int) -> Iterator[tuple[str, bytes]]:
    """Messages that are kept, filed and answered: each its own patient and control id."""
    for number in _NUMBERS:
        control_id = f"{_RUN}{number:08d}"
        yield control_id, _filled(_ADMISSION, CONTROL=control_id, NUMBER=f"P{number:07d}")


def outpatients(connection: int, session_at: datetime) -> Iterator[tuple[str, bytes]]:
    """Messages that change something each: a new patient, a correction, a place with a doctor, and its end."""
    facts = {"DOCTOR": f"D{connection}", "TIME": f"{session_at:%Y%m%d%H%M%S}"}
    for patient in _NUMBERS:
        for step, (kind, body) in enumerate(_VISIT):
            control_id = f"{_RUN}V{patient:07d}{step}"
            values = facts | {"TYPE": kind, "CONTROL": control_id, "NUMBER": f"P{patient:07d}"}
            yield control_id, _filled(_HEAD + body, **values)


def _filled(text: str, **values: str) -> bytes:
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text.replace("\n", "\r").encode()
