"""Letters to the hospital system: in each patient's order, again until they are answered, none held up by another."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest
from sqlalchemy import select

from app.kernel import lines, outbox
from app.kernel.outbox import OutboxItem, OutboxState
from config import Hl7Settings
from hl7_adapter.ack import ErrorAt, build_ack, read_header
from hl7_adapter.er7 import parse
from hl7_adapter.mllp import frame, serve
from hl7_adapter.sender import Sender
from tests.conftest import MORNING, SetClock
from tests.hl7.test_mllp import free_port
from tests.hl7.test_outbound import Visit, visit

__all__ = ["visit"]


class Hospital:
    """A hospital system that notes what it hears and answers as it is told to."""

    def __init__(self, *answers: str) -> None:
        self.heard: list[bytes] = []
        self.answers = list(answers)

    async def handle(self, raw: bytes, _peer: str) -> bytes | None:
        self.heard.append(raw)
        code, _, number = (self.answers.pop(0) if self.answers else "AA").partition(" ")
        if code == "silent":
            raise RuntimeError("the connection is closed without an answer")
        errors = (ErrorAt(int(number), "", "as told"),) if number else ()
        return build_ack(read_header(raw), code, errors, control_id="H1", now=MORNING)


def rounds(visit: Visit, hospital: Hospital, *, clock: SetClock, count: int = 3) -> None:
    """The sender makes some rounds, an hour and a half apart, while the hospital listens."""

    async def run() -> None:
        port = free_port()
        server = await serve("127.0.0.1", port, hospital.handle)
        sender = Sender(visit.units, Hl7Settings(his_host="127.0.0.1", his_port=port, answer_timeout_seconds=10))
        for _ in range(count):
            await sender.round()
            clock.step(minutes=90)
        sender.stopping.set()
        await sender.run()
        await server.close(0)

    asyncio.run(run())


def post(visit: Visit, *events: str) -> None:
    with visit.units.open() as uow:
        for event in events:
            payload = {"event": event, "registration_id": visit.registration.id, "by_hospital": False}
            outbox.post(uow, "hospital", f"{event}:{visit.registration.id}", payload, lane="patient-1")


def rows(visit: Visit) -> list[OutboxItem]:
    with visit.units.open(reads_only=True) as uow:
        return list(uow.session.scalars(select(OutboxItem).order_by(OutboxItem.id)))


def test_a_patients_messages_arrive_in_order_and_the_answers_are_kept(visit: Visit, clock: SetClock) -> None:
    post(visit, "RegistrationBooked", "RegistrationCancelled")
    hospital = Hospital()

    rounds(visit, hospital, clock=clock)

    assert [parse(raw).get("MSH-9.2") for raw in hospital.heard] == ["S01", "S04"]
    for row, raw in zip(rows(visit), hospital.heard, strict=True):
        assert (row.state, row.body) == (OutboxState.SENT, raw)
        assert parse(raw).get("MSH-10") == f"MZ{row.id:010d}"
        assert parse(row.answer or b"").get("MSA-1") == "AA"


@pytest.mark.parametrize("trouble", ["AE 206", "AE 207", "AR 207", "silent"])
def test_what_may_pass_is_sent_again_byte_for_byte(visit: Visit, clock: SetClock, trouble: str) -> None:
    post(visit, "RegistrationBooked")
    hospital = Hospital(trouble)

    rounds(visit, hospital, clock=clock)

    assert len(hospital.heard) == 2
    assert hospital.heard[0] == hospital.heard[1]
    assert rows(visit)[0].state is OutboxState.SENT


@pytest.mark.parametrize("refusal", ["AE 204", "AR 200", "AE"])
def test_what_will_not_pass_waits_for_a_person_and_lets_the_next_one_by(
    visit: Visit, clock: SetClock, refusal: str
) -> None:
    post(visit, "RegistrationBooked", "RegistrationCancelled")
    hospital = Hospital(refusal)

    rounds(visit, hospital, clock=clock)

    first, second = rows(visit)
    assert (first.state, first.last_error) == (OutboxState.DEAD, refusal)
    assert second.state is OutboxState.SENT
    assert len(hospital.heard) == 2


def test_an_event_nobody_can_write_holds_nothing_up(visit: Visit, clock: SetClock) -> None:
    post(visit, "NoSuchEvent", "RegistrationBooked")

    rounds(visit, Hospital(), clock=clock)

    assert [row.state for row in rows(visit)] == [OutboxState.DEAD, OutboxState.SENT]


def test_after_an_outage_what_waited_is_due_at_once(visit: Visit, clock: SetClock) -> None:
    post(visit, "RegistrationBooked")
    port, hospital = free_port(), Hospital()

    async def outage() -> None:
        sender = Sender(visit.units, Hl7Settings(his_host="127.0.0.1", his_port=port, answer_timeout_seconds=10))
        for number in range(12):
            with visit.units.open() as uow:
                outbox.post(
                    uow, "hospital", f"x{number}", {"event": "PatientFiled", "patient_id": visit.person.patient.id}
                )
            await sender.round()
            clock.step(hours=2)
        server = await serve("127.0.0.1", port, hospital.handle)
        await sender.round()
        await sender.round()
        await sender.round()
        sender.stopping.set()
        await sender.run()
        await server.close(0)

    asyncio.run(outage())

    assert len(hospital.heard) == 13
    assert {row.state for row in rows(visit)} == {OutboxState.SENT}


class MoodyHospital(Hospital):
    """Waits until four letters are under way, answers the first of them and hangs up on the others at that instant.

    From then on it answers everything.
    """

    def __init__(self) -> None:
        super().__init__()
        self._first: list[tuple[bytes, asyncio.StreamWriter]] = []
        self.hung_up_on = 0

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                raw = (await reader.readuntil(b"\x1c\r"))[1:-2]
                if len(self._first) == 4:
                    await self._answer(raw, writer)
                    continue
                self._first.append((raw, writer))
                if len(self._first) == 4:
                    await self._answer(*self._first[0])
                    for _, line in self._first[1:]:
                        line.get_extra_info("socket").shutdown(socket.SHUT_WR)  # `close` does it a moment later
                        self.hung_up_on += 1

    async def _answer(self, raw: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(frame(await self.handle(raw, "") or b""))


def test_what_needs_no_message_does_not_use_up_the_trial_of_a_broken_line(visit: Visit, clock: SetClock) -> None:
    with visit.units.open() as uow:
        lines.note_failure(
            uow, lines.name_of(Hl7Settings().his_application, Hl7Settings().his_facility), "Timeout", count=9
        )
        for number in range(3):
            told = {"event": "PatientSought", "patient_id": number}
            outbox.post(uow, "hospital", f"PatientSought:{number}", told, is_urgent=True)
    post(visit, "RegistrationBooked")
    clock.step(minutes=1)
    hospital = Hospital()

    rounds(visit, hospital, clock=clock, count=1)

    assert [parse(raw).get("MSH-9.2") for raw in hospital.heard] == ["S01"]


def test_a_receiver_that_hangs_up_on_some_and_answers_others_is_told_everything(visit: Visit, clock: SetClock) -> None:
    with visit.units.open() as uow:
        for number in range(12):
            facts = {"event": "PatientFiled", "patient_id": visit.person.patient.id}
            outbox.post(uow, "hospital", f"x{number}", facts)
    hospital = MoodyHospital()

    async def run() -> None:
        server = await asyncio.start_server(hospital.listen, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        sender = Sender(visit.units, Hl7Settings(his_host="127.0.0.1", his_port=port, answer_timeout_seconds=10))
        for _ in range(3):
            await asyncio.wait_for(sender.round(), 20)
            clock.step(minutes=90)
        sender.stopping.set()
        await sender.run()
        server.close()

    asyncio.run(run())

    assert {row.state for row in rows(visit)} == {OutboxState.SENT}
    assert (len(hospital.heard), hospital.hung_up_on) == (12, 3)
