"""By which numbers a message is found later, in whatever segment they stand."""

from __future__ import annotations

from collections.abc import Iterator

from app.kernel import message_keys, outbox
from app.kernel.message_keys import KEYS_AT_MOST, Direction, KeyKind
from app.kernel.outbox import OutboxItem
from app.kernel.uow import Uow
from hl7_adapter.er7 import NULL, Message, parse

# Where numbers of each kind stand (HL7 v2.5.1); of every such segment, every repetition, the first component.
_PLACES: dict[str, tuple[KeyKind, tuple[int, ...]]] = {
    "PID": (KeyKind.PATIENT, (2, 3)),
    "MRG": (KeyKind.PATIENT, (1,)),
    "PV1": (KeyKind.VISIT, (19,)),
    "SCH": (KeyKind.VISIT, (1, 2)),
    "ARQ": (KeyKind.VISIT, (1, 2)),
    "ORC": (KeyKind.ORDER, (2, 3, 4)),
    "OBR": (KeyKind.ORDER, (2, 3)),
    "RXE": (KeyKind.ORDER, (15,)),
    "FT1": (KeyKind.ORDER, (23, 30)),
}
_NO_PLACE = (KeyKind.CONTROL, ())


def numbers_in(message: Message) -> list[tuple[KeyKind, str]]:
    """The numbers in a message, each once; at most 40, since nobody looks for the hundredth."""
    found: dict[tuple[KeyKind, str], None] = {}
    for kind, written in _all_in(message):
        number = written.strip()
        if number and number != NULL and number.isprintable():
            found[kind, number] = None
            if len(found) == KEYS_AT_MOST:
                break
    return list(found)


def _all_in(message: Message) -> Iterator[tuple[KeyKind, str]]:
    yield KeyKind.CONTROL, message.get("MSH-10")
    for segment in message:
        kind, fields = _PLACES.get(segment.name, _NO_PLACE)
        for field in fields:
            for repetition in segment.reps(field) if segment.written(field) else ():
                yield kind, repetition.get(1)


def note_written(uow: Uow, item: OutboxItem, body: bytes) -> None:
    """The item has these bytes, and is found by their type, receiver and numbers from now on."""
    message = parse(body)
    kind = f"{message.get('MSH-9.1')}^{message.get('MSH-9.2')}"
    peer = "|".join(message.get(f"MSH-{field}") for field in (5, 6))
    outbox.written(uow, item.id, body, kind=kind, peer=peer)
    message_keys.keep(uow, Direction.OUT, item.id, numbers_in(message))
