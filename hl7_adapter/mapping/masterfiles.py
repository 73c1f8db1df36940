"""The hospital's lists: doctors (MFN^M02), places (M05) and prices (M04), entry by entry, all or none."""

from __future__ import annotations

from collections.abc import Callable

from app.kernel.errors import NotFound
from app.kernel.uow import Uow
from app.prescription import formulary
from app.scheduling import master
from hl7_adapter.ack import Reply
from hl7_adapter.er7 import AsWritten, Field, Message, segment
from hl7_adapter.mapping.effect import Answered
from hl7_adapter.mapping.patients import joined_name
from hl7_adapter.mapping.reading import Reader, readers
from hl7_adapter.mapping.refusals import refuse
from hl7_adapter.mapping.writing import stamp

# HL7 table 0180: add, update, reactivate; delete, deactivate.
_STAYS = frozenset({"MAD", "MUP", "MAC"})
_GOES = frozenset({"MDL", "MDC"})
MOST_ENTRIES = 2000  # a formulary; two seconds
_TOLD_OF_EACH = frozenset({"", "AL", "SU"})  # HL7 table 0179, MFI-6: who wants to hear of entries that went well
_Entry = Callable[[Uow, Reader, str, bool], None]


def file_doctors(uow: Uow, message: Message, _peer: str) -> Answered:
    """MFN^M02: each doctor (STF, PRA) is on file as told; one that is deleted has no weekly shifts any more."""
    return _each(uow, message, _doctor)


def file_places(uow: Uow, message: Message, _peer: str) -> Answered:
    """MFN^M05: each department (LOC, LDP) is on file with its name and where it is; a deletion changes nothing."""
    return _each(uow, message, _place)


def file_prices(uow: Uow, message: Message, _peer: str) -> Answered:
    """MFN^M04: each drug (CDM, PRC) of the formulary has the price told; other charge items change nothing here.

    A drug that is deleted can be prescribed no more. Refuses `price_of_another_day` (207) for a price of later on.
    """
    return _each(uow, message, _price)


def _each(uow: Uow, message: Message, entry: _Entry) -> Answered:
    if len(message.segments("MFE")) > MOST_ENTRIES:
        words = f"more than {MOST_ENTRIES} entries in one message; send several messages"
        raise refuse("too_many_entries", 102, f"MFE[{MOST_ENTRIES + 1}]-1", words)
    entries = readers(message, "MFE")
    if not entries:
        raise refuse("field_missing", 101, "MFE-1", "an entry begins with MFE")
    rows: list[list[Field]] = [_echo(message)]
    is_told = message.get("MFI-6").strip().upper() in _TOLD_OF_EACH
    for reader in entries:
        deed = reader.needed("MFE-1").upper()
        if deed not in _STAYS | _GOES:
            raise refuse("entry_action_unknown", 103, reader.place("MFE-1"), "not in HL7 table 0180")
        entry(uow, reader, reader.needed("MFE-4.1", at_most=40), deed in _STAYS)
        if is_told:
            rows.append(_mfa(uow, reader))
    event = message.get("MSH-9.2").strip().upper()
    return Answered("", Reply(("MFK", event, "MFK_M01"), rows))


def _doctor(uow: Uow, reader: Reader, key: str, stays: bool) -> None:
    code = reader.first_text("STF-2.1", "PRA-1.1", at_most=24) or key
    if not stays:
        master.let_go(uow, code)
        return
    family, given = reader.text("STF-3.1.1", at_most=40), reader.text("STF-3.2.1", at_most=19)
    doctor = master.DoctorIn(
        code=_short(reader, code, "STF-2"),
        name=joined_name(family, given),
        title=reader.first_text("STF-18", "PRA-3.2", "PRA-3.1", at_most=40),
        department_code=reader.first_text("STF-8.1", "PRA-2.1", at_most=24),
        good_at=reader.first_text("PRA-5.1", at_most=200),
    )
    try:
        master.file_doctor(uow, doctor)
    except NotFound as unknown:
        raise refuse("department_unknown", 204, reader.place("STF-8"), "this department is not on file") from unknown


def _place(uow: Uow, reader: Reader, key: str, stays: bool) -> None:
    if not stays:
        return
    code = _short(reader, reader.text("LOC-1.1", at_most=40) or key, "LOC-1")
    location = reader.first_text("LOC-2", "LOC-1.7", at_most=80)
    master.file_department(uow, code=code, name=reader.first_text("LDP-2.2", at_most=60), location=location)


def _price(uow: Uow, reader: Reader, key: str, stays: bool) -> None:
    code = reader.first_text("CDM-1.1", "PRC-1.1", at_most=40) or key
    price_fen = reader.fen("PRC-5")
    begins = reader.instant("PRC-11", uow.zone)
    if begins is not None and begins > uow.now():
        raise refuse("price_of_another_day", 207, reader.place("PRC-11"), "send it on the day from which it holds")
    formulary.price(uow, code=code, unit_price_fen=price_fen, is_active=stays)


def _short(reader: Reader, code: str, field: str) -> str:
    if len(code) > 24:
        raise refuse("text_not_valid", 102, reader.place(field), "a code has at most 24 characters")
    return code


def _echo(message: Message) -> list[Field]:
    mfi = next(iter(message.segments("MFI")), None)
    return ["MFI", *(AsWritten(mfi.written(field)) for field in range(1, len(mfi) + 1))] if mfi else ["MFI"]


def _mfa(uow: Uow, reader: Reader) -> list[Field]:
    """What became of one entry: MFA-4 S, as it was asked for under MFE-2."""
    (mfe, *_) = reader.group.segments("MFE")
    written = {field: AsWritten(mfe.written(field)) for field in (1, 2, 4, 5)}
    return segment(
        "MFA", {1: written[1], 2: written[2], 3: stamp(uow.now(), uow.zone), 4: "S", 5: written[4], 6: written[5]}
    )
