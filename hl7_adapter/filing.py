"""The short way for a message that changes nothing: kept, answered and found again, by one statement for many.

A hospital's feed is mostly such messages: admissions to wards, charges, states of orders. Whether a message is one is
known before the database is asked anything but what was agreed with its sender, and that is remembered.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from app.kernel import message_keys
from app.kernel.peers import Peer
from app.kernel.uow import Actor, Units
from hl7_adapter import filing_sql, gate
from hl7_adapter.ack import Verdict, replies
from hl7_adapter.filing_sql import Filed
from hl7_adapter.judging import Case, Outcome, without_effect
from hl7_adapter.letters import Letter, answer_number
from hl7_adapter.search_keys import numbers_in

SENDERS_AT_MOST = 1000
BYTES_AT_MOST = 256 * 1024


class Filing:
    """Judges which messages can be filed, and files those of a batch over a connection of its own.

    Single messages are filed from the listening loop, by what is `judged` here (`short_way.py`). On SQLite all is left
    to the long way. An agreement is remembered with its version, and the statement keeps nothing that was judged by an
    old one.
    """

    def __init__(self, units: Units) -> None:
        """Nothing is asked yet."""
        self._units = units
        self.works = units.engine.dialect.name == "postgresql"
        self._agreed: dict[tuple[str, str], Peer] = {}
        self._connection: Connection | None = None
        self._one_writes = threading.Lock()

    def file(self, letters: Sequence[Letter]) -> dict[int, bytes | None]:
        """The answers to those that were kept here, by their index; the others have to go the long way.

        Those are messages with an effect, repeats, long ones, and whatever is turned away or counted. Raises what the
        database raises: then none was kept.
        """
        if not self.works:
            return {}
        for each in letters:
            if not self.knows(each):
                self.learn(each)
        judged = {index: told for index, each in enumerate(letters) if (told := self.judged(each))}
        first = {(told.source, told.key): index for index, told in reversed(judged.items())}
        indexes = list(first.values())
        with self._one_writes:
            kept = {indexes[place] for place in self._written([judged[index] for index in indexes])}
        for index in judged.keys() - kept:
            self.forget(letters[index])
        return {index: bytes.fromhex(judged[index].answer) or None for index in kept}

    def close(self) -> None:
        """The connection goes back."""
        with self._one_writes:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def knows(self, came: Letter) -> bool:
        """True when the agreement with the message's sender is at hand."""
        return came.head.sender in self._agreed

    def learn(self, came: Letter) -> None:
        """Asks the database what is agreed with the message's sender; raises what it raises."""
        with self._units.open(Actor("peer", came.sender), reads_only=True) as uow:
            known = gate.peer_of(uow, came.head)
        if len(self._agreed) >= SENDERS_AT_MOST:
            self._agreed.clear()
        self._agreed[came.head.sender] = known

    def forget(self, came: Letter) -> None:
        """What is agreed with the message's sender is asked anew."""
        self._agreed.pop(came.head.sender, None)

    def judged(self, came: Letter) -> Filed | None:
        """The message with its answer, when nothing but the agreement decides on it, and that is known."""
        peer = self._agreed.get(came.head.sender)
        if peer is None or came.head.is_answer or len(came.raw) > BYTES_AT_MOST:
            return None
        if not gate.is_open(peer, came.raw, came.door):
            return None
        read = gate.read_as_agreed(came.raw, came.read, peer)
        if read is not came.read:
            came = replace(came, read=read)
        outcome = without_effect(Case(came.read, peer, came.sender), came.door)
        return None if outcome is None else self._row(came, peer, outcome)

    def _row(self, came: Letter, peer: Peer, outcome: Outcome) -> Filed:
        verdict = Verdict(outcome.answer, outcome.faults)
        now = self._units.clock.now().astimezone(self._units.zone)
        answers = replies(came.read, peer.ack_mode.value, verdict, control_id=answer_number(), now=now)
        return Filed(
            source=f"hl7:{came.sender}",
            key=came.key,
            kind=came.kind,
            body=came.raw.hex(),
            state=outcome.state.value,
            answer=b"".join(answers).hex(),
            answer_code=verdict.code,
            error_code=outcome.code,
            error_place=outcome.place,
            took_ms=came.took_ms(),
            sender=came.sender,
            request_id=came.request_id,
            application=peer.application,
            facility=peer.facility,
            version=peer.version,
            numbers=message_keys.as_they_stand(self._units.keys, numbers_in(came.head.message)),
        )

    def _written(self, letters: list[Filed]) -> list[int]:
        if not letters:
            return []
        if self._connection is None:
            engine = self._units.engine.execution_options(isolation_level="AUTOCOMMIT")
            self._connection = engine.connect()
        try:
            return filing_sql.file(self._connection, self._units.clock.now(), letters)
        except BaseException:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None
            raise
