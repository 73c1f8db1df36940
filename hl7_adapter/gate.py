"""Before a message is taken: whether its sender may send here, from there, now, and so much."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from app.kernel import audit, peers
from app.kernel.errors import TooMany
from app.kernel.peer_rules import may_send
from app.kernel.peers import Peer
from app.kernel.uow import Uow
from hl7_adapter.ack import ErrorAt, Header, HeaderProblem, Verdict, answer_code, read_header
from hl7_adapter.er7 import codec_of

_log = logging.getLogger("hl7_adapter.gate")


@dataclass(frozen=True)
class Door:
    """Where a message came in: from which IP address ('' when unknown), and how strangers are treated there.

    `names` are those of the certificate that was shown there.

    A strict door takes messages only of senders on file; `contact` is whom others should ask. By the `is_operator` door
    comes what a person of the hospital hands in again: pause, address and rate are agreed with the sender, not them.
    """

    address: str = ""
    is_strict: bool = False
    contact: str = "the hospital's IT department"
    is_operator: bool = False
    names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class TurnedAway:
    """A message of which nothing is kept: its `code`, its answer (None: silence), and whether the line is closed."""

    code: str
    verdict: Verdict | None
    hangs_up: bool


def peer_of(uow: Uow, head: Header) -> Peer:
    """The agreement with the message's sender, or the defaults."""
    return peers.peer_for(uow, *(part[:227] for part in head.sender))


def read_as_agreed(raw: bytes, read: Header | HeaderProblem, peer: Peer) -> Header | HeaderProblem:
    """The head once more when the message names no character set and its sender's usual one is not UTF-8."""
    head = read.header if isinstance(read, HeaderProblem) else read
    if codec_of(peer.charset) == "utf-8" or head.message.decoded.label:
        return read
    return read_header(raw, peer.charset)


def is_open(peer: Peer, raw: bytes, door: Door) -> bool:
    """True when the message may come in and nothing has to be counted for it."""
    is_small = len(raw) <= peer.max_frame_bytes and not peer.messages_per_minute
    is_theirs = _shows_its_own(peer, door) and may_send(door.address, peer.addresses)
    return door.is_operator or (not peer.is_paused and is_small and is_theirs)


def _shows_its_own(peer: Peer, door: Door) -> bool:
    return not peer.certificate or peer.certificate in door.names


def turned_away(uow: Uow, peer: Peer, raw: bytes, door: Door) -> TurnedAway | None:
    """Why the message is not even kept; None for one that is taken. That it was turned away is on record."""
    found = None if door.is_operator else _reason(uow, peer, raw, door)
    if found is not None:
        _log.warning("a message was turned away", extra={"peer": uow.actor.ref, "code": found.code})
        if found.verdict is not None and found.hangs_up:
            audit.record(uow, "hl7.turned_away", "hl7_peer", peer.public_id, outcome=found.code, address=door.address)
    return found


def _reason(uow: Uow, peer: Peer, raw: bytes, door: Door) -> TurnedAway | None:
    if peer.is_paused:
        return TurnedAway("peer_paused", None, hangs_up=True)
    if not _shows_its_own(peer, door):
        words = f"this sender must show the certificate that was agreed; ask {door.contact}"
        return _rejected("certificate_not_its_own", "MSH-3", words)
    if not may_send(door.address, peer.addresses):
        words = f"this sender may not send from this address; ask {door.contact}"
        return _rejected("address_not_allowed", "MSH-3", words)
    if len(raw) > peer.max_frame_bytes:
        return _rejected("frame_too_long", "MSH", f"more than the {peer.max_frame_bytes} bytes agreed with this sender")
    try:
        peers.count_message(uow, peer)
    except TooMany as many:
        seconds = many.facts["retry_seconds"]
        words = f"more than the {peer.messages_per_minute} messages a minute agreed; try again in {seconds} s"
        fault = ErrorAt(207, "", f"too_many: {words}")
        return TurnedAway("too_many", Verdict("AE", (fault,), is_stored=False), hangs_up=False)
    return None


def _rejected(code: str, place: str, words: str) -> TurnedAway:
    faults = (ErrorAt(207, place, f"{code}: {words}"),)
    return TurnedAway(code, Verdict(answer_code(faults), faults, is_stored=False), hangs_up=True)


def stranger(peer: Peer, door: Door) -> ErrorAt | None:
    """What a sender on no file is told at a strict door; None when it is served."""
    if peer.is_known or not door.is_strict:
        return None
    words = f"no system is on file under this MSH-3 and MSH-4; ask {door.contact} to file it, then send again"
    return ErrorAt(204, "MSH-3", f"sender_unknown: {words}")
