"""Prescriptions as the hospital system orders them: OMP^O09, RDE^O11 and ORM^O01 with RXO say the same thing."""

from __future__ import annotations

from datetime import datetime

from app.kernel.errors import NotFound, VisitError
from app.kernel.uow import Uow
from app.prescription import service as prescriptions
from app.prescription.orders import OrderIn, OrderLineIn, PrescriptionKind
from app.scheduling import service as scheduling
from config import Hl7Settings
from hl7_adapter.ack import Reply
from hl7_adapter.er7 import AsWritten, Field, Message, Segment, segment
from hl7_adapter.mapping.effect import Answered
from hl7_adapter.mapping.patients import joined_name, patient_of
from hl7_adapter.mapping.reading import Reader, readers
from hl7_adapter.mapping.refusals import from_visit, refuse

_WITH_LINES = frozenset({"NW", "XO"})
MOST_ORDERS = 500
# HL7 table 0119: order accepted; changed, cancelled, discontinued as requested.
_DONE = {"NW": "OK", "XO": "XR", "CA": "CR", "DC": "DR"}
_ANSWERS = {
    "OMP": ("ORP", "O10", "ORP_O10"),
    "RDE": ("RRE", "O12", "RRE_O12"),
    "ORM": ("ORR", "O02", "ORR_O02"),
}
_DAYS_OF = {"day": 1, "week": 7}

# Field by field, where the drug stands in RXO (ordered) and in RXE (encoded), HL7 v2.5.1 section 4.14.
_RXO = {
    "code": "RXO-1.1",
    "name": "RXO-1.2",
    "spec": "RXO-6.2",
    "strength": "RXO-18",
    "strength_unit": "RXO-19.1",
    "dose": "RXO-2",
    "dose_unit": "RXO-4.1",
    "quantity": "RXO-11",
    "unit": "RXO-12.1",
    "unit_name": "RXO-12.2",
}
_RXE = {
    "code": "RXE-2.1",
    "name": "RXE-2.2",
    "spec": "RXE-7.2",
    "strength": "RXE-25",
    "strength_unit": "RXE-26.1",
    "dose": "RXE-3",
    "dose_unit": "RXE-5.1",
    "quantity": "RXE-10",
    "unit": "RXE-11.1",
    "unit_name": "RXE-11.2",
}


def receive_prescriptions(uow: Uow, message: Message, peer: str) -> Answered | None:
    """Each prescription in the message (ORC groups with one number) is on file as ordered; answered order by order.

    None, and no effect, when no order in it is about drugs or asks for anything.
    """
    if len(message.segments("ORC")) > MOST_ORDERS:
        words = f"more than {MOST_ORDERS} orders in one message; send several messages"
        raise refuse("too_many_orders", 102, f"ORC[{MOST_ORDERS + 1}]-1", words)
    groups = _by_number(message)
    if not groups:
        return None
    patient_id = patient_of(uow, message).id
    filed = []
    rows: list[list[Field]] = []
    kind = _ANSWERS.get(message.get("MSH-9.1").strip().upper(), _ANSWERS["OMP"])
    ours = message.get("MSH-5.1").strip() or Hl7Settings().our_application
    for number, lines in groups.items():
        order = _order(uow, Reader(message), lines, (number, patient_id))
        try:
            filed.append(prescriptions.receive_from_his(uow, order=order, peer=peer).public_id)
            for line_no, line in enumerate(lines, start=1):
                rows += _accepted(line, (f"{filed[-1]}-{line_no}", ours), has_detail=kind[0] == "ORR")
        except VisitError as refusal:
            places = {line_no: line.occurrences for line_no, line in enumerate(lines, start=1)}
            raise from_visit(refusal, places) from refusal
    return Answered(" ".join(filed), Reply(kind, rows), is_as_agreed=True)


def _accepted(line: Reader, number: tuple[str, str], *, has_detail: bool) -> list[list[Field]]:
    """ORC of the answer: what was asked for is done, under the sender's numbers and `number`, ours.

    An ORR repeats the RXO, too, which its structure requires.
    """
    (orc, *_) = line.group.segments("ORC")
    done = _DONE.get(line.text("ORC-1").upper()) or _DONE[line.coded("order_control", "ORC-1")]
    told = segment("ORC", {1: done, 2: AsWritten(orc.written(2)), 3: number, 4: AsWritten(orc.written(4))})
    return [told, *(_as_written(rxo) for rxo in line.group.segments("RXO")[:1] if has_detail)]


def _as_written(told: Segment) -> list[Field]:
    return [told.name, *(AsWritten(told.written(field)) for field in range(1, len(told) + 1))]


def _by_number(message: Message) -> dict[str, list[Reader]]:
    groups: dict[str, list[Reader]] = {}
    for reader in readers(message, "ORC"):
        reader.needed("ORC-1")
        action = reader.coded("order_control", "ORC-1")
        is_drug = "RXO" in reader.group or "RXE" in reader.group
        if not action or (not is_drug and (action in _WITH_LINES or message.get("MSH-9.1") == "ORM")):
            continue
        number = reader.needed("ORC-4.1", "RXE-15", "ORC-2.1", at_most=40)
        groups.setdefault(number, []).append(reader)
    return groups


def _order(uow: Uow, whole: Reader, lines: list[Reader], key: tuple[str, int]) -> OrderIn:
    first = lines[0]
    action = first.coded("order_control", "ORC-1")
    for line in lines:
        if line.coded("order_control", "ORC-1") != action:
            words = "all lines of one prescription are ordered, changed or cancelled together"
            raise refuse("order_control_mixed", 103, line.place("ORC-1"), words)
    code, text = _diagnosis(whole, first)
    doctor, doctor_name = _doctor(whole, first, is_needed=action in _WITH_LINES)
    number, patient_id = key
    return OrderIn(
        action=action,
        number=number,
        patient_id=patient_id,
        visit_number=whole.visit_number(),
        prescriber_code=doctor,
        prescriber_name=doctor_name,
        department_name=_department(uow, whole),
        diagnosis_code=code,
        diagnosis_text=text,
        issued_at=_issued_at(uow, whole, first),
        kind=_kind(whole),
        lines=tuple(_line(line) for line in lines) if action in _WITH_LINES else (),
        long_course_reason=first.first_text("ORC-16.2", "ORC-16.1"),
    )


def _kind(whole: Reader) -> PrescriptionKind:
    is_emergency = whole.coded("patient_class", "PV1-2") == "emergency"
    return PrescriptionKind.EMERGENCY if is_emergency else PrescriptionKind.ORDINARY


def _issued_at(uow: Uow, whole: Reader, first: Reader) -> datetime:
    return first.instant("ORC-9", uow.zone) or whole.instant("MSH-7", uow.zone) or uow.now()


def _diagnosis(whole: Reader, first: Reader) -> tuple[str, str]:
    code = whole.first_text("DG1-3.1", at_most=20) or first.text("FT1-19.1", at_most=20)
    text = whole.first_text("DG1-3.2", "DG1-4", at_most=400) or first.text("FT1-19.2", at_most=400)
    return code, text


def _doctor(whole: Reader, first: Reader, *, is_needed: bool) -> tuple[str, str]:
    """Code and name of who ordered, or else of who attends the visit."""
    for reader, field in ((first, "ORC-12"), (whole, "PV1-7")):
        code = reader.text(f"{field}.1", at_most=40)
        name = joined_name(reader.text(f"{field}.2.1", at_most=40), reader.text(f"{field}.3", at_most=19))
        if code:
            return code, name or code
    if is_needed:
        raise refuse("field_missing", 101, first.place("ORC-12"), "who ordered is required")
    return "", ""


def _department(uow: Uow, whole: Reader) -> str:
    """The department's name: as sent, or ours for its code, or the code."""
    name, code = whole.text("PV1-3.9", at_most=60), whole.text("PV1-3.1", at_most=60)
    if name or not code:
        return name
    try:
        return scheduling.department_by_code(uow, code).name
    except NotFound:
        return code


def _line(line: Reader) -> OrderLineIn:
    drug = _RXE if "RXE" in line.group else _RXO
    code = line.needed(drug["code"], at_most=40)
    quantity = line.whole(drug["quantity"], "FT1-10")
    unit_price_fen, amount_fen = _money(line, quantity)
    return OrderLineIn(
        drug_code=code,
        drug_name=line.text(drug["name"], at_most=120) or code,
        spec=line.text(drug["spec"], at_most=80) or _with_unit(line, drug["strength"], drug["strength_unit"]),
        dose=_with_unit(line, drug["dose"], drug["dose_unit"]),
        route=line.coded("route", "RXR-1.1") or line.first_text("RXR-1.2", "RXR-1.1", at_most=40),
        frequency=_frequency(line),
        days=_days(line),
        quantity=quantity,
        unit=line.needed(drug["unit"], drug["unit_name"], drug["dose_unit"], at_most=20),
        unit_price_fen=unit_price_fen,
        amount_fen=amount_fen,
    )


def _frequency(line: Reader) -> str:
    told = line.first_text("TQ1-3.1.1", "ORC-7.2", "RXE-1.2", at_most=40)
    return line.codes.ours("frequency", told) or told


def _with_unit(line: Reader, value: str, unit: str) -> str:
    amount = line.text(value, at_most=30)
    return f"{amount}{line.text(unit, at_most=20)}" if amount else ""


def _days(line: Reader) -> int:
    """How many days the drug is for: TQ1-6 (7^d), or the duration D7 of a quantity/timing before v2.5."""
    for path in ("ORC-7.3", "RXE-1.3"):
        text = line.text(path).upper()
        if text[:1] in ("D", "W") and text[1:].isascii() and text[1:].isdecimal():
            return min(int(text[1:]), 999) * (7 if text[0] == "W" else 1)
    unit = line.coded("duration_unit", "TQ1-6.2.1") if line.text("TQ1-6.2.1") else "day"
    if unit not in _DAYS_OF:
        raise refuse("unit_not_valid", 103, line.place("TQ1-6"), "a duration is in days (d) or weeks (w)")
    return line.whole("TQ1-6.1") * _DAYS_OF[unit]


def _money(line: Reader, quantity: int) -> tuple[int, int]:
    """Price of one and amount of all, in fen, from FT1-12 and FT1-11; one that is missing is worked out."""
    price_fen, amount_fen = line.fen("FT1-12"), line.fen("FT1-11")
    if price_fen is None and amount_fen is None:
        raise refuse("field_missing", 101, line.place("FT1-11"), "the amount is required")
    if price_fen is None:
        if quantity == 0 or (amount_fen or 0) % quantity:
            raise refuse("field_missing", 101, line.place("FT1-12"), "the price of one is required")
        price_fen = (amount_fen or 0) // quantity
    return price_fen, price_fen * quantity if amount_fen is None else amount_fen
