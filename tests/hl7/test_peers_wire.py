"""What is agreed with a peer, seen from outside: real clients, certificates, closed lines, and a receiver of ours."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import hl7.client
import pytest
from hl7.mllp import open_hl7_connection
from sqlalchemy import select

from app.kernel import peers
from app.kernel.outbox import OutboxItem, OutboxState
from app.kernel.peers import AckMode, Peer
from app.kernel.uow import Actor, Units
from config import Hl7Settings, read_settings
from hl7_adapter.ack import ErrorAt, build_ack, read_header
from hl7_adapter.er7 import parse
from hl7_adapter.listener import listen
from hl7_adapter.mllp import MllpClient, MllpServer, NoAnswer, PeerClosed, serve
from hl7_adapter.recoding import in_charset
from hl7_adapter.secured import listening, sending
from hl7_adapter.sender import Sender
from tests import factories
from tests.conftest import MORNING
from tests.hl7.certificates import Authority
from tests.hl7.files import visit
from tests.hl7.test_http import serving
from tests.hl7.test_mllp import HOST, free_port
from tests.hl7.test_peers import agreed, asking

IT = Actor("staff", "it")


@contextmanager
def heard(units: Units, **terms: object) -> Iterator[MllpServer]:
    with serving(listen(units, Hl7Settings(port=free_port(), **terms))) as server:
        yield server


def test_the_client_of_python_hl7_gets_both_answers_in_enhanced_mode(hospital: Units) -> None:
    agreed(hospital, ack_mode=AckMode.ENHANCED)

    async def both(port: int) -> list[str]:
        reader, writer = await open_hl7_connection(HOST, port, encoding="utf-8")
        writer.writemessage(hl7.parse(asking(visit("a04_new"), "AL", "AL").decode()))
        await writer.drain()
        answers = [await reader.readmessage() for _ in range(2)]
        writer.close()
        return [str(answer.segment("MSA")) for answer in answers]

    with heard(hospital, is_strict=True) as server:
        assert asyncio.run(both(server.port)) == ["MSA|CA|A04_NEW", "MSA|AA|A04_NEW"]


def test_mllp_send_that_asks_for_everything_gets_one_answer_in_original_mode(hospital: Units, tmp_path: Path) -> None:
    agreed(hospital)
    file = tmp_path / "m.hl7"
    file.write_bytes(asking(visit("a04_new"), "AL", "AL"))
    program = Path(sys.executable).with_name("mllp_send")

    with heard(hospital, is_strict=True) as server:
        command = [program, "--loose", "--port", str(server.port), "--file", str(file), HOST]
        run = subprocess.run(command, capture_output=True, timeout=60, check=True)

    assert run.stdout.count(b"MSA|") == 1
    assert b"MSA|AA|A04_NEW" in run.stdout


def test_a_stranger_gets_a_polite_no_from_a_strict_listener(hospital: Units) -> None:
    with heard(hospital, is_strict=True, contact="extension 8000") as server:
        client = hl7.client.MLLPClient(HOST, server.port, encoding="utf-8")
        with client:
            answer = client.send_message(visit("a04_new").decode())

    assert b"MSA|AR|A04_NEW" in answer
    assert b"extension 8000" in answer


@pytest.mark.parametrize(
    ("terms", "told"), [({"addresses": ("10.9.0.0/16",)}, b"MSA|AR|A04_NEW"), ({"is_paused": True}, b"")]
)
def test_a_sender_that_is_turned_away_loses_its_line(hospital: Units, terms: dict, told: bytes) -> None:
    agreed(hospital, **terms)

    async def ask(port: int) -> bytes:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(b"\x0b" + visit("a04_new") + b"\x1c\r")
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        return answer

    with heard(hospital) as server:
        answer = asyncio.run(ask(server.port))

    assert told in answer
    assert bool(answer) is bool(told)


def test_of_three_hundred_connections_256_are_served(hospital: Units) -> None:
    async def ask(port: int) -> int:
        lines = [await asyncio.open_connection(HOST, port) for _ in range(300)]
        for number, (_, writer) in enumerate(lines):
            writer.write(f"\x0bMSH|^~\\&|HIS|HOSPITAL|M|H|2026||PMU^B01|C{number}|P|2.5.1\r\x1c\r".encode())
        answers = await asyncio.gather(*(until_end(reader) for reader, _ in lines))
        for _, writer in lines:
            writer.close()
        return sum(b"MSA|AA|C" in answer for answer in answers)

    async def until_end(reader: asyncio.StreamReader) -> bytes:
        try:
            return await asyncio.wait_for(reader.readuntil(b"\x1c\r"), 60)
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""

    with heard(hospital) as server:
        assert asyncio.run(ask(server.port)) == 256
        assert server.turned_away == 44


def test_a_listener_with_certificates_demands_one(hospital: Units, tmp_path: Path) -> None:
    authority, foreign = Authority(tmp_path), Authority(tmp_path, "foreign")
    ours, theirs, strange = authority.pair("listener"), authority.pair("sender"), foreign.pair("stranger")
    terms = {"tls_cert_file": ours.cert, "tls_key_file": ours.key, "client_ca_file": authority.file}

    async def ask(port: int, pair: object) -> bytes:
        shown = {"tls_cert_file": pair.cert, "tls_key_file": pair.key} if pair else {}
        context = sending(Hl7Settings(his_ca_file=authority.file, **shown))
        client = MllpClient(HOST, port, 5, ssl=context)
        try:
            return await client.send(visit("a04_new"))
        finally:
            await client.close()

    with heard(hospital, **terms) as server:
        answer = asyncio.run(ask(server.port, theirs))
        for wrong in (None, strange):
            with pytest.raises((OSError, NoAnswer)):
                asyncio.run(ask(server.port, wrong))
        with pytest.raises(PeerClosed):
            asyncio.run(MllpClient(HOST, server.port, 5).send(visit("a04_new")))

    assert parse(answer).get("MSA-1") == "AA"


@pytest.mark.parametrize(
    ("agreed_name", "shown", "code"),
    [("his", "his", "AA"), ("his", "lis", "AR"), ("localhost", "lis", "AA"), ("", "lis", "AA")],
)
def test_a_sender_that_is_bound_to_a_certificate_must_show_it(
    hospital: Units, tmp_path: Path, agreed_name: str, shown: str, code: str
) -> None:
    authority = Authority(tmp_path)
    ours, theirs = authority.pair("listener"), authority.pair(shown)
    terms = {"tls_cert_file": ours.cert, "tls_key_file": ours.key, "client_ca_file": authority.file}
    agreed(hospital, certificate=agreed_name)

    async def ask(port: int) -> bytes:
        shows = Hl7Settings(his_ca_file=authority.file, tls_cert_file=theirs.cert, tls_key_file=theirs.key)
        client = MllpClient(HOST, port, 5, ssl=sending(shows))
        try:
            return await client.send(visit("a04_new"))
        finally:
            await client.close()

    with heard(hospital, **terms) as server:
        answer = parse(asyncio.run(ask(server.port)))

    assert answer.get("MSA-1") == code
    assert ("certificate_not_its_own" in answer.get("ERR-8")) is (code == "AR")


def test_half_a_certificate_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "x.pem"
    file.touch()
    demo = {"MENZHEN_MODE": "demo"}

    for given in ({"HL7_TLS_CERT_FILE": str(file)}, {"HL7_TLS_CLIENT_CA_FILE": str(file)}):
        with pytest.raises(SystemExit, match="HL7_TLS"):
            read_settings({**demo, **given})
    assert listening(Hl7Settings()) is None
    assert not read_settings(demo).hl7.is_strict


def test_production_is_strict_unless_it_is_told_otherwise() -> None:
    with pytest.raises(SystemExit) as refusal:
        read_settings({"HL7_STRICT": "maybe"})

    assert "HL7_STRICT" in str(refusal.value)
    assert "0 to 1" in str(refusal.value)


HIS = Peer(name="HIS", application="HIS", facility="HOSPITAL", out_host=HOST)


class Receiver:
    """A hospital system that notes what it hears and answers as told."""

    def __init__(self, code: str = "AA", error: int = 0) -> None:
        self.heard: list[bytes] = []
        self._code, self._faults = code, [ErrorAt(error, "", "x")] if error else []

    async def handle(self, raw: bytes, _peer: str) -> bytes:
        self.heard.append(raw)
        return build_ack(read_header(raw), self._code, self._faults, control_id="HIS1", now=MORNING)


def told(units: Units, receiver: Receiver, terms: dict, settings: Hl7Settings | None = None) -> None:
    """A new patient is told of while the peer has these terms; `ssl` is the receiver's TLS."""
    ssl = terms.pop("ssl", None)

    async def run() -> None:
        server = await serve(HOST, free_port(), receiver.handle, ssl=ssl)
        with units.open(IT) as uow:
            peers.file_peer(uow, replace(HIS, out_port=server.port, **terms))
            factories.person(uow)
        sender = Sender(units, settings or Hl7Settings(answer_timeout_seconds=2))
        await sender.round()
        sender.stopping.set()
        await sender.run()
        await server.close(1)

    asyncio.run(run())


def letter(units: Units) -> OutboxItem:
    with units.open(reads_only=True) as uow:
        newest = select(OutboxItem).where(OutboxItem.topic == "hospital").order_by(OutboxItem.id.desc())
        return uow.session.scalars(newest.limit(1)).one()


def test_a_peer_filed_with_an_address_is_told_in_its_character_set(hospital: Units) -> None:
    receiver = Receiver()

    told(hospital, receiver, {"out_charset": "GB 18030-2000"})

    assert letter(hospital).state is OutboxState.SENT
    assert parse(receiver.heard[0]).decoded.codec == "gb18030"
    assert letter(hospital).body == receiver.heard[0]


def test_a_peer_is_told_by_tls(hospital: Units, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    theirs = authority.pair("his")
    context = listening(Hl7Settings(tls_cert_file=theirs.cert, tls_key_file=theirs.key))
    settings = Hl7Settings(answer_timeout_seconds=2, his_ca_file=authority.file)
    receiver = Receiver()

    told(hospital, receiver, {"out_tls": True, "ssl": context}, settings)

    assert (len(receiver.heard), letter(hospital).state) == (1, OutboxState.SENT)


def test_a_paused_peer_is_told_nothing(hospital: Units) -> None:
    receiver = Receiver()

    told(hospital, receiver, {"is_paused": True})

    assert (receiver.heard, letter(hospital).state) == ([], OutboxState.WAITING)


@pytest.mark.parametrize(
    ("codes", "state"), [(("204",), OutboxState.WAITING), (("206", "207"), OutboxState.DEAD), ((), OutboxState.DEAD)]
)
def test_which_refusals_pass_is_agreed_with_the_peer(
    hospital: Units, codes: tuple[str, ...], state: OutboxState
) -> None:
    told(hospital, Receiver("AE", 204), {"retry_codes": codes})

    assert letter(hospital).state is state


def test_a_character_that_the_receiver_lacks_is_no_question_mark() -> None:
    raw = "MSH|^~\\&|A|B|C|D|2026||ADT^A04|1|P|2.5.1||||||UNICODE UTF-8\rPID|1||7||珅\r".encode()

    assert in_charset(raw, "UNICODE UTF-8") == raw
    assert parse(in_charset(raw, "GBK")).get("PID-5") == "珅"
    with pytest.raises(UnicodeEncodeError):
        in_charset(raw, "8859/1")
