"""The messages of the HL7 benches: an admission that is only kept, and what a hospital says of a patient who comes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from datetime import datetime

_RUN = f"{time.time_ns() // 10**6 % 10**10}"
_NUMBERS = itertools.count(1)

# 795 bytes, as in public measurements of MLLP servers. An admission to a ward (A01) means nothing to outpatients, so
# it is kept and filed; everybody's receiver can parse it.
_ADMISSION = """\
MSH|^~\\&|HIS|HOSPITAL|MENZHEN|HOSPITAL|20261123092500+0800||ADT^A01^ADT_A01|@CONTROL@|P|2.5.1|||||CHN|UNICODE UTF-8
EVN|A01|20261123092500+0800||01|OP07^WANG^MIN
PID|1||@NUMBER@^^^HIS^PI~YB1990030777^^^NHSA^HC||ZHANG^XIUYING^^^^^L||19500101|F|||18 CHAOYANG ROAD^^BEIJING^BEIJING^100020^CHN^H||13800138001^PRN^CP|||M|||||||||||||||N
NK1|1|ZHANG^QIANG^^^^^L|SON^SON^HL70063|37 XUEYUAN ROAD^^BEIJING^BEIJING^100083^CHN|13800000092^PRN^CP|||||||||||||||||
PV1|1|I|W3^301^1^HOSPITAL|R|||D001^ZHANG^WEI|D088^ZHOU^LI||MED||||7|||D001^ZHANG^WEI|01|V@NUMBER@|03||||||||||||||||||||HOSPITAL||A|||20261123083000+0800
AL1|1|DA^DRUG ALLERGY^HL70127|J01C^PENICILLIN^ATC|SV^SEVERE^HL70128|RASH
DG1|1||I10^ESSENTIAL HYPERTENSION^I10|ESSENTIAL HYPERTENSION||A
"""

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
    """Messages that change something each: a new patient, a correction, a place with this connection's doctor, its end."""
    facts = {"DOCTOR": f"D{connection}", "TIME": f"{session_at:%Y%m%d%H%M%S}"}
    for patient in _NUMBERS:
        for step, (kind, body) in enumerate(_VISIT):
            control_id = f"{_RUN}{patient:07d}{step}"
            values = facts | {"TYPE": kind, "CONTROL": control_id, "NUMBER": f"P{patient:07d}"}
            yield control_id, _filled(_HEAD + body, **values)


def _filled(text: str, **values: str) -> bytes:
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text.replace("\n", "\r").encode()
