"""Asks a hospital system for its doctors' time and takes it over: SQM^S25, answered by SQR^S25."""

from __future__ import annotations

import secrets
import ssl
from dataclasses import dataclass, replace
from datetime import date

from app.kernel import outbox
from app.kernel.outbox import OutboxItem
from app.kernel.peer_rules import system_name
from app.kernel.peers import Peer
from app.kernel.uow import Actor, Units
from config import Hl7Settings
from hl7_adapter import secured
from hl7_adapter.er7 import Message, parse
from hl7_adapter.mapping import timetable
from hl7_adapter.mapping.appointments import TOPIC
from hl7_adapter.mapping.timetable import EVENT, Applied
from hl7_adapter.mllp import send_once
from hl7_adapter.search_keys import note_written

ANSWER_SECONDS_AT_MOST = 60


class NotAnswered(Exception):
    """The system did not tell its slots: it is nowhere to be asked, or said no; the words say which."""


@dataclass(frozen=True)
class Line:
    """Where a system is asked."""

    host: str
    port: int
    tls: ssl.SSLContext | None


def pull(units: Units, settings: Hl7Settings, peer: Peer, days: tuple[date, date]) -> list[Applied]:
    """The system's slots of `days` stand here as it has them; what could not be taken over says why.

    The question is sent outside of any transaction; question, answer and effect are kept together, so that whoever dies
    in between has done nothing and asks again. Raises NotAnswered, NoAnswer, OSError, and MessageRefused for an answer
    that cannot be read.
    """
    line = _line(settings, peer)
    control_id = f"MQ{secrets.randbelow(10**16):016d}"
    actor = Actor("peer", system_name(peer.application, peer.facility))
    with units.open(actor, reads_only=True) as uow:
        to = replace(settings, his_application=peer.application, his_facility=peer.facility)
        raw = timetable.question(uow, to, days, control_id)
    seconds = min(settings.answer_timeout_seconds, ANSWER_SECONDS_AT_MOST)
    told = send_once(line.host, line.port, raw, seconds, ssl=line.tls)
    answer = parse(told)
    _check(answer, control_id)
    with units.open(actor) as uow:
        outbox.post(uow, TOPIC, f"{EVENT}:{control_id}", {"event": EVENT}, lane=control_id)
        item = uow.session.query(OutboxItem).filter(OutboxItem.key == f"{EVENT}:{control_id}").one()
        note_written(uow, item, raw)
        outbox.mark_sent(uow, item.id, answer=told)
        return timetable.take_over(uow, peer, answer)


def _line(settings: Hl7Settings, peer: Peer) -> Line:
    is_ours = (peer.application, peer.facility) == (settings.his_application, settings.his_facility)
    host, port, is_tls = peer.out_host, peer.out_port, peer.out_tls
    if not host and is_ours:
        host, port, is_tls = settings.his_host, settings.his_port, settings.his_tls
    if not host or not port:
        raise NotAnswered("it has no address: fill in where to send on its page")
    return Line(host, port, secured.sending(settings) if is_tls else None)


def _check(answer: Message, control_id: str) -> None:
    code, kind = answer.get("MSA-1").strip().upper(), answer.get("MSH-9.1").strip().upper()
    if answer.get("MSA-2").strip() != control_id:
        raise NotAnswered("the answer is to another question")
    if code != "AA":
        reason = answer.get("ERR-3.1") or answer.get("ERR-1.4.1") or answer.get("MSA-3")
        raise NotAnswered(f"it answered {code} {reason[:40]}".strip())
    if not timetable.tells_slots(answer):
        raise NotAnswered(f"it answered {kind or 'nothing'} instead of SQR: it does not tell slots")
