"""The code tables as the program has them: HL7's own codes, the national ones, and what senders write instead."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CodeTable:
    """A table: the fields it is for, our own codes (none: any text), and {their code: ours}.

    `otherwise` says what becomes of a code that no table has. One that is not `is_for_all` exists as one system's own.
    """

    fields: str
    source: str
    ours: tuple[str, ...]
    codes: dict[str, str]
    otherwise: str
    is_for_all: bool = True

    @property
    def is_closed(self) -> bool:
        """True when a code that is in no table cannot be used."""
        return self.otherwise.startswith("refused")


def _each(ours: str, told: str) -> dict[str, str]:
    return dict.fromkeys(told.split(), ours)


EVENTS = tuple(
    f"{kind}^{event}"
    for kind, events in (
        ("ADT", "A04 A08 A28 A31 A40"),
        ("SIU", "S12 S13 S14 S15 S17 S23 S24 S26"),
        ("OMP", "O09"),
        ("RDE", "O11"),
        ("ORM", "O01"),
        ("ORU", "R01"),
        ("OUL", "R22 R24"),
        ("MDM", "T02 T06 T08 T11"),
        ("MFN", "M02 M04 M05"),
        ("QBP", "Q22"),
    )
    for event in events.split()
)
"""The messages that have an effect here."""

USUAL: dict[str, CodeTable] = {
    "event": CodeTable(
        "MSH-9",
        "agreed with one system, whose local events it is for",
        EVENTS,
        {kind: kind for kind in EVENTS},
        "filed, or refused with 201 as agreed",
        is_for_all=False,
    ),
    "sex": CodeTable(
        "PID-8",
        "HL7 table 0001, GB/T 2261.1",
        ("male", "female", "unknown"),
        _each("male", "M 1 男 男性 MALE")
        | _each("female", "F 2 女 女性 FEMALE")
        | _each("unknown", "A N O U 0 9 未知"),
        "refused, 103",
    ),
    "number_type": CodeTable(
        "PID-3.5, MRG-1.5",
        "HL7 table 0203",
        ("hospital", "identity_card", "insurance_card", "other"),
        _each("hospital", "PI MR PATIENTNO")
        | _each("identity_card", "NNCHN IDENTIFYNO")
        | _each("insurance_card", "HC")
        | _each("other", "IDCARD DL DN MA MC NH NI PPN SS TAX"),
        "taken for the hospital's own where there is no other",
    ),
    "patient_class": CodeTable(
        "PV1-2",
        "HL7 table 0004",
        ("ordinary", "emergency"),
        _each("ordinary", "O I P R B C N U 门诊") | _each("emergency", "E 急诊"),
        "ordinary",
    ),
    "order_control": CodeTable(
        "ORC-1",
        "HL7 table 0119",
        ("NW", "XO", "CA", "DC"),
        {code: code for code in ("NW", "XO", "CA", "DC")},
        "filed: it tells of an order and asks for nothing",
    ),
    "route": CodeTable(
        "RXR-1",
        "HL7 table 0162",
        (),
        {
            "PO": "口服",
            "IV": "静脉注射",
            "IM": "肌内注射",
            "SC": "皮下注射",
            "TP": "外用",
            "IH": "吸入",
            "SL": "舌下含服",
        },
        "the sender's own words, else its code",
    ),
    "frequency": CodeTable(
        "TQ1-3, ORC-7.2, RXE-1.2",
        "HL7 table 0335",
        (),
        {"每日一次": "QD", "每日两次": "BID", "每日三次": "TID", "每日四次": "QID", "必要时": "PRN"},
        "as it is written",
    ),
    "duration_unit": CodeTable(
        "TQ1-6.2",
        "UCUM",
        ("day", "week"),
        _each("day", "D DAY DAYS 天 日") | _each("week", "W WK WEEK WEEKS 周"),
        "refused, 103",
    ),
    "report_status": CodeTable(
        "OBR-25",
        "HL7 table 0123",
        ("P", "F", "C", "X", "D"),
        _each("P", "P A R") | {code: code for code in ("F", "C", "X", "D")},
        "filed: there is no result yet",
    ),
    "abnormal_flag": CodeTable(
        "OBX-8",
        "HL7 table 0078",
        (),
        {"↑": "H", "↓": "L", "↑↑": "HH", "↓↓": "LL", "偏高": "H", "偏低": "L", "正常": "N", "阳性": "A"},
        "as it is written",
    ),
    "appointment_status": CodeTable(
        "SCH-25",
        "HL7 table 0278",
        ("arrived", "booked", "cancelled", "missed", "pending"),
        _each("arrived", "ARRIVED CHECKEDIN CHECKIN")
        | _each("booked", "BOOKED")
        | _each("cancelled", "CANCELLED CANCELED DC DELETED")
        | _each("missed", "NOSHOW")
        | _each("pending", "PENDING WAITLIST"),
        "filed: it says nothing that changes the place",
    ),
    "slot_status": CodeTable(
        "SCH-25 of SQR^S25",
        "HL7 table 0278, and words that senders use",
        ("open", "blocked"),
        _each("open", "OPEN AVAILABLE FREE") | _each("blocked", "BLOCKED CLOSED"),
        "left as it is: the time belongs to somebody's appointment",
    ),
    "insurance_plan": CodeTable(
        "IN1-2",
        "our policies, insutype 险种 of the national platform",
        ("employee", "retired", "resident", "out_of_town", "self_pay"),
        _each("employee", "EMPLOYEE 310")
        | _each("retired", "RETIRED")
        | _each("resident", "RESIDENT 390")
        | {"OUTOFTOWN": "out_of_town", "SELFPAY": "self_pay"},
        "refused, 103",
    ),
}
"""By name; their codes stand as `code_tables.normal` makes them."""
