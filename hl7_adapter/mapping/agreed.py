"""What was agreed with a sender about its messages, held against one of them before it has its effect."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from app.kernel.code_tables import Codes, normal, own_codes
from app.kernel.peers import OtherFacility, Peer
from app.kernel.uow import Uow
from hl7_adapter.ack import ErrorAt, Header
from hl7_adapter.profiles import CODES, Departure, departures
from hl7_adapter.profiles.checks import ERROR, WARNING, silencing

AT_MOST = 10
OTHER_FACILITY = "other_facility"
WITHOUT_EFFECT = "code_without_effect"
CHARSET_DOUBTFUL = "charset_doubtful"
_NUMBERS = CODES | {OTHER_FACILITY: 204}


class Look(NamedTuple):
    """Why a message is refused, fault by fault, and what is noted of one that is taken (`PID-7 type_not_valid`).

    `code` is the first fault's; ten of each at most.
    """

    code: str = ""
    faults: tuple[ErrorAt, ...] = ()
    noted: tuple[str, ...] = ()


def look(uow: Uow, head: Header, peer: Peer) -> Look:
    """The message beside its profile and what was agreed with its sender; nothing is done."""
    found = [*_charset(head), *_facilities(head, peer), *_fields(uow, head, peer)]
    faults = [each for each in found if each.severity == ERROR and each.is_agreed][:AT_MOST]
    noted = dict.fromkeys(f"{each.place} {each.code}" for each in found if each.severity == WARNING)
    told = tuple(ErrorAt(_NUMBERS[each.code], each.place, f"{each.code}: {each.words}") for each in faults)
    return Look(faults[0].code if faults else "", told, tuple(noted)[:AT_MOST])


def silenced_by(uow: Uow, head: Header, peer: Peer) -> tuple[str, ...]:
    """Why a message that could have an effect was filed without one: its codes that are in no table."""
    places = silencing(head.message, kind_of(head, peer), Codes(uow, peer.codes))
    return tuple(f"{place} {WITHOUT_EFFECT}" for place in islice(places, AT_MOST))


def kind_of(head: Header, peer: Peer | None = None) -> tuple[str, str]:
    """Type and event of the message; EVN-1 serves when MSH-9 has no event, and what its sender means by a local one."""
    said = head.message_type, head.event or head.message.get("EVN-1").strip().upper()
    meant = own_codes(tuple(peer.codes)).get("event", {}).get(normal("^".join(said))) if peer and peer.codes else None
    kind, _, event = (meant or "^".join(said)).partition("^")
    return kind, event


def _fields(uow: Uow, head: Header, peer: Peer) -> Iterator[Departure]:
    return departures(head.message, kind_of(head, peer), head.version, (peer.field_rules, Codes(uow, peer.codes)))


def _charset(head: Header) -> Iterator[Departure]:
    """Where the bytes are not what MSH-18 says: they were read in another set, by which names may be wrong."""
    if head.message.decoded.doubtful:
        yield Departure(CHARSET_DOUBTFUL, "MSH-18", WARNING, "read in another character set", is_agreed=False)


def _facilities(head: Header, peer: Peer) -> Iterator[Departure]:
    """Where the message names a hospital that is not this one: whom it is for, or where the patient is."""
    if not peer.facilities:
        return
    severity = ERROR if peer.other_facility is OtherFacility.REFUSE else WARNING
    for place, names in (("MSH-6", ("MSH-6", "MSH-6.1")), ("PV1-3.4", ("PV1-3.4", "PV1-3.4.1"))):
        written = {head.message.get(name).strip() for name in names} - {""}
        if written and not written & set(peer.facilities):
            yield Departure(OTHER_FACILITY, place, severity, "not a name of this hospital", is_agreed=True)
