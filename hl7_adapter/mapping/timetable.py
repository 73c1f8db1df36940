"""The doctors' time as the hospital system has it: SQM^S25 asks for some days, SQR^S25 tells slot by slot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from app.kernel import audit
from app.kernel.clock import at_hospital
from app.kernel.code_tables import Codes
from app.kernel.errors import VisitError
from app.kernel.peers import Peer
from app.kernel.uow import Uow
from app.scheduling.asking import EVENT as SLOTS_ASKED
from config import Hl7Settings
from hl7_adapter.er7 import Message, Part, build, segment
from hl7_adapter.mapping import agenda
from hl7_adapter.mapping.agenda import DoctorsTime
from hl7_adapter.mapping.coded import Coded
from hl7_adapter.mapping.reading import readers
from hl7_adapter.mapping.refusals import MessageRefused, from_visit
from hl7_adapter.mapping.writing import Rows, msh, stamp

EVENT = SLOTS_ASKED
NOT_TOLD = "no_slots_told"
_MOST_SLOTS = 2000
_ALL_SLOTS = "SAL"  # HL7 table 0048: all schedule related information, open and blocked


@dataclass(frozen=True)
class Slot:
    """A time of a doctor that is `open` or `blocked`."""

    state: str
    time: DoctorsTime

    @property
    def ends_at(self) -> datetime:
        """When the next one may begin."""
        return self.time.starts_at + timedelta(minutes=self.time.minutes)


@dataclass(frozen=True)
class Applied:
    """What became of one time: `code` says why nothing did, '' when it stands here as it was told."""

    slot: Slot
    code: str = ""


def asked(uow: Uow, settings: Hl7Settings, payload: Mapping[str, Any]) -> tuple[tuple[str, str, str], Rows]:
    """SQM^S25 of a question that fell due: from today on, for as many days as were set."""
    days = uow.today(), uow.today() + timedelta(days=payload["days"] - 1)
    return ("SQM", "S25", "SQM_S25"), _wanted(uow, settings, days, f"S{payload['nth']}")


def question(uow: Uow, settings: Hl7Settings, days: tuple[date, date], control_id: str) -> bytes:
    """SQM^S25 for all slots of all doctors from the first to the last of `days`."""
    return build([msh(uow, settings, ("SQM", "S25", "SQM_S25"), control_id), *_wanted(uow, settings, days, control_id)])


def _wanted(uow: Uow, settings: Hl7Settings, days: tuple[date, date], query_id: str) -> Rows:
    first, last = (at_hospital(days[0], time(0), uow.zone), at_hospital(days[1], time(23, 59), uow.zone))
    wanted: dict[int, Part | list[Part]] = {
        1: stamp(uow.now(), uow.zone),
        2: "R",
        3: "I",
        4: query_id,
        7: (str(_MOST_SLOTS), "RD"),
        8: "ALL",
        9: _ALL_SLOTS,
        10: "ALL",
    }
    return [
        segment("QRD", wanted),
        segment("QRF", {1: settings.his_application, 2: stamp(first, uow.zone), 3: stamp(last, uow.zone)}),
    ]


def tells_slots(answer: Message) -> bool:
    """True for SQR, or whatever else has times in it."""
    return answer.get("MSH-9.1").strip().upper() == "SQR" or "SCH" in answer


def taken_over(uow: Uow, peer: Peer, answer: Message) -> str:
    """What the answer tells stands here; the codes of what could not be taken over, '' when all was."""
    if not tells_slots(answer):
        return NOT_TOLD
    try:
        applied = take_over(uow, peer, answer)
    except MessageRefused as refusal:
        return refusal.code
    return " ".join(sorted({each.code for each in applied if each.code}))


def take_over(uow: Uow, peer: Peer, answer: Message) -> list[Applied]:
    """What became of each time in the answer; that it came is on record. Raises MessageRefused as `slots_in`."""
    applied = apply(uow, slots_in(uow, peer, answer))
    refused = sum(1 for each in applied if each.code)
    audit.record(uow, "hl7.slots_pulled", "hl7_peer", peer.public_id, slots=len(applied), refused=refused)
    return applied


def slots_in(uow: Uow, peer: Peer, answer: Message) -> list[Slot]:
    """The open and blocked times of SQR^S25, of each doctor in their order, neighbours of one kind as one.

    Times with another status are somebody's appointment and left out. Raises MessageRefused for one that lacks doctor
    or time.
    """
    message = Coded(answer, Codes(uow, peer.codes))
    found = []
    for reader in readers(message, "SCH"):
        told = reader.first_text("SCH-25.1", "SCH-25.2")
        state = reader.codes.ours("slot_status", told) if told else "open"
        if state:
            found.append(Slot(state, agenda.time_of(uow, reader)))
    found.sort(key=lambda slot: (slot.time.doctor, slot.time.starts_at))
    return list(_joined(found))


def _joined(slots: Sequence[Slot]) -> Iterator[Slot]:
    before: Slot | None = None
    for slot in slots:
        if before is not None and _is_next(before, slot):
            minutes = before.time.minutes + slot.time.minutes
            before = replace(before, time=before.time._replace(minutes=minutes))
            continue
        if before is not None:
            yield before
        before = slot
    if before is not None:
        yield before


def _is_next(before: Slot, slot: Slot) -> bool:
    one, two = before.time, slot.time
    is_same = (before.state, one.doctor, one.room) == (slot.state, two.doctor, two.room)
    return is_same and one.minutes > 0 and before.ends_at == two.starts_at


def apply(uow: Uow, slots: Sequence[Slot]) -> list[Applied]:
    """Each time is opened or blocked here as by SIU^S24 and S23, or says why not; one that fails touches no other."""
    return [_apply(uow, slot) for slot in slots]


def _apply(uow: Uow, slot: Slot) -> Applied:
    try:
        with uow.session.begin_nested():
            (agenda.open_doctors_time if slot.state == "open" else agenda.block_time)(uow, slot.time)
            uow.settle()
    except MessageRefused as refusal:
        return Applied(slot, refusal.code)
    except VisitError as refusal:
        return Applied(slot, from_visit(refusal).code)
    return Applied(slot)
