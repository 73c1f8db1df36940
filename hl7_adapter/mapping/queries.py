"""Questions that other systems of the hospital ask: QBP^Q22 finds patients, RSP^K22 says whom."""

from __future__ import annotations

from app.identity import finding
from app.kernel import audit
from app.kernel.uow import Uow
from config import Hl7Settings
from hl7_adapter.ack import Reply
from hl7_adapter.er7 import AsWritten, Field, Message, segment
from hl7_adapter.mapping.effect import Answered
from hl7_adapter.mapping.patients import joined_name, sex_called
from hl7_adapter.mapping.reading import Reader
from hl7_adapter.mapping.refusals import refuse
from hl7_adapter.mapping.writing import pid

MOST_TOLD = 50
# QPD-3 of the IHE patient demographics query: which field of PID is known.
_KNOWN = frozenset({"@PID.3.1", "@PID.5.1", "@PID.5.1.1", "@PID.5.2", "@PID.7", "@PID.7.1", "@PID.8"})


def find_patients(uow: Uow, message: Message, peer: str) -> Answered:
    """QBP^Q22: a PID for each patient whom all parameters fit exactly, RCP-2 of them at most, and never over 50.

    Each patient who is told of leaves an audit row. Refuses `query_parameter_unknown` (103), `field_missing` (101).
    """
    reader = Reader(message)
    asked = _asked(reader)
    wanted = finding.Wanted(
        number=asked.get("@PID.3.1", ""),
        name=joined_name(asked.get("@PID.5.1", asked.get("@PID.5.1.1", "")), asked.get("@PID.5.2", "")),
        birth_date=reader.day_written("QPD-3", asked.get("@PID.7", asked.get("@PID.7.1", ""))),
        sex=sex_called(reader.codes, asked.get("@PID.8", ""), "QPD-3"),
    )
    found = finding.find(uow, wanted)
    told = found[: min(reader.whole("RCP-2.1"), MOST_TOLD) if reader.text("RCP-2.1") else MOST_TOLD]
    names = _names(message)
    rows: list[list[Field]] = [_qak(reader, len(found), len(told)), _echo(message)]
    for patient in told:
        audit.record(uow, "patient.told", "patient", patient.public_id, to=peer)
        rows.append(pid(uow, names, patient))
    return Answered("", Reply(("RSP", "K22", "RSP_K21"), rows))


def _asked(reader: Reader) -> dict[str, str]:
    asked: dict[str, str] = {}
    for number, parameter in reader.repetitions("QPD-3"):
        place = f"QPD-3[{number}]"
        name = reader.checked(place, parameter.get(1), at_most=40)
        if name not in _KNOWN and parameter.get(2):
            raise refuse("query_parameter_unknown", 103, place, f"known are {', '.join(sorted(_KNOWN))}")
        asked[name] = reader.checked(place, parameter.get(2), at_most=100)
    if not any(asked.values()):
        raise refuse("field_missing", 101, "QPD-3", "something must be known of the patient")
    return asked


def _names(message: Message) -> Hl7Settings:
    """Who we and they are, in the words of the one who asks."""
    usual = Hl7Settings()
    return Hl7Settings(
        our_application=message.get("MSH-5.1") or usual.our_application,
        his_application=message.get("MSH-3.1") or usual.his_application,
    )


def _qak(reader: Reader, hits: int, told: int) -> list[Field]:
    tag, name = AsWritten(_written(reader, 2)), AsWritten(_written(reader, 1))
    return segment("QAK", {1: tag, 2: "OK" if hits else "NF", 3: name, 4: hits, 5: told, 6: hits - told})


def _echo(message: Message) -> list[Field]:
    (qpd, *_) = message.segments("QPD")
    return ["QPD", *(AsWritten(qpd.written(field)) for field in range(1, len(qpd) + 1))]


def _written(reader: Reader, field: int) -> str:
    return next((qpd.written(field) for qpd in reader.group.segments("QPD")), "")
