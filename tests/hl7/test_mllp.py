"""Messages over TCP: however the bytes are cut, each message arrives once and gets its own answer, in order."""

import asyncio
import secrets
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hl7.client
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hl7_adapter.ack import HeaderProblem, answer_code, build_ack, read_header
from hl7_adapter.er7 import parse
from hl7_adapter.mllp import (
    FrameDecoder,
    Limits,
    MllpClient,
    MllpServer,
    PeerClosed,
    Timeout,
    frame,
    send_once,
    serve,
)
from tests.hl7.files import message, numbered

NOW = datetime(2026, 3, 2, 0, 15, tzinfo=UTC)
HOST = "127.0.0.1"


async def acknowledge(raw: bytes, _peer: str) -> bytes:
    """Answer as the adapter would when nothing is wrong with the message."""
    header = read_header(raw)
    errors = header.errors if isinstance(header, HeaderProblem) else ()
    return build_ack(header, answer_code(errors), errors, control_id="OURS", now=NOW)


@contextmanager
def listening(limits: Limits | None = None, tls: ssl.SSLContext | None = None) -> Iterator[MllpServer]:
    """A listener in a thread of its own, for clients that block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(serve(HOST, free_port(), acknowledge, limits, tls), loop).result(10)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.close(1), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def free_port() -> int:
    """A port below those that clients get, so that no client can connect to itself."""
    for port in range(21000 + secrets.randbelow(5000), 32000):
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) != 0:
                return port
    raise AssertionError("no free port")


def read_answers(connection: socket.socket, count: int) -> list[bytes]:
    """The next messages from a socket, fewer when the peer hangs up."""
    decoder, answers = FrameDecoder(), []
    connection.settimeout(10)
    while len(answers) < count and (data := connection.recv(65536)):
        decoder.feed(data)
        while (raw := decoder.next_frame()) is not None:
            answers.append(raw)
    return answers


def test_fifty_messages_in_one_write_get_their_answers_in_order():
    with listening() as server, socket.create_connection((HOST, server.port)) as connection:
        connection.sendall(b"".join(frame(numbered(number)) for number in range(50)))

        answers = read_answers(connection, 50)

    assert [parse(raw).get("MSA-2") for raw in answers] == [f"N{number}" for number in range(50)]
    assert {parse(raw).get("MSA-1") for raw in answers} == {"AA"}


def test_junk_and_a_drip_and_a_half_closed_connection_are_answered():
    with listening() as server, socket.create_connection((HOST, server.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"junk" + frame(numbered(7)):
            connection.send(bytes([byte]))
        connection.shutdown(socket.SHUT_WR)

        answers = read_answers(connection, 1)

    assert parse(answers[0]).get("MSA-2") == "N7"


@pytest.mark.parametrize(
    ("limits", "sent"),
    [
        (Limits(frame_bytes=100), b"\x0b" + b"x" * 200),
        (Limits(frame_seconds=0.2), b"\x0bMSH|"),
        (Limits(idle_seconds=0.2), b"junk"),
        (Limits(held_bytes=100_000), b"\x0b" + b"x" * 200_000),
    ],
    ids=["too long", "too slow", "idle", "too much in all"],
)
def test_a_peer_over_a_limit_is_let_go(limits, sent):
    with listening(limits) as server, socket.create_connection((HOST, server.port)) as connection:
        connection.sendall(sent)

        with suppress(ConnectionResetError):
            assert read_answers(connection, 1) == []
        assert parse(send_once(HOST, server.port, numbered(1), 5)).get("MSA-1") == "AA"


def test_a_frame_has_one_deadline_however_it_trickles():
    with listening(Limits(frame_seconds=0.5)) as server, socket.create_connection((HOST, server.port)) as connection:
        sent = trickled(connection, b"\x0b" + b"x" * 100)

    assert 2 <= sent < 50


def trickled(connection: socket.socket, data: bytes) -> int:
    """Send a byte every tenth of a second and count those that went out before the listener hung up."""
    connection.settimeout(0.1)
    for sent, byte in enumerate(data):
        try:
            connection.send(bytes([byte]))
            if connection.recv(1) == b"":
                return sent
        except TimeoutError:
            continue
        except ConnectionError:
            return sent
    return len(data)


def test_a_peer_that_sends_on_without_waiting_is_read_no_faster_than_it_is_served():
    async def scenario() -> None:
        let_go = asyncio.Event()

        async def handler(raw: bytes, peer: str) -> bytes | None:
            await let_go.wait()
            return await acknowledge(raw, peer)

        server = await serve(HOST, free_port(), handler)
        reader, writer = await asyncio.open_connection(HOST, server.port, limit=2**20)
        count = 5_000
        writer.write(b"".join(frame(numbered(number) + b"NTE|1||" + b"x" * 1000 + b"\r") for number in range(count)))
        await asyncio.sleep(0.1)
        assert server.held_bytes < 1_000_000 < count * 1000
        let_go.set()
        for number in range(count):
            assert b"MSA|AA|N%d\r" % number in await reader.readuntil(b"\x1c\x0d")
        writer.close()
        await server.close(1)

    asyncio.run(scenario())


def test_connections_over_the_cap_are_turned_away_and_the_others_served():
    with listening(Limits(connections=3)) as server:
        kept = [MllpSocket(server.port) for _ in range(3)]
        assert all(peer.ask(numbered(1)) for peer in kept)

        assert MllpSocket(server.port).ask(numbered(2)) == []

        assert server.turned_away == 1
        assert all(peer.ask(numbered(3)) for peer in kept)
        for peer in kept:
            peer.connection.close()


class MllpSocket:
    """A plain connection that asks and reads one answer."""

    def __init__(self, port: int) -> None:
        self.connection = socket.create_connection((HOST, port))

    def ask(self, raw: bytes) -> list[bytes]:
        try:
            self.connection.sendall(frame(raw))
            return read_answers(self.connection, 1)
        except ConnectionError:
            return []


def test_a_handler_that_fails_gives_no_answer_and_harms_nobody(caplog):
    async def scenario() -> None:
        async def handler(raw: bytes, peer: str) -> bytes | None:
            assert peer == HOST
            if b"N13" in raw:
                raise RuntimeError("name of a patient")
            return await acknowledge(raw, peer)

        server = await serve(HOST, free_port(), handler)
        with pytest.raises(PeerClosed):
            await MllpClient(HOST, server.port, 5).send(numbered(13))
        client = MllpClient(HOST, server.port, 5)
        assert b"N14" in await client.send(numbered(14))
        await client.close()
        await server.close()

    asyncio.run(scenario())

    assert "RuntimeError" in caplog.text
    assert "patient" not in caplog.text


def test_a_message_without_answer_gets_none_and_the_next_gets_its_own():
    async def scenario() -> None:
        async def handler(raw: bytes, peer: str) -> bytes | None:
            return None if b"MSA" in raw else await acknowledge(raw, peer)

        server = await serve(HOST, free_port(), handler)
        reader, writer = await asyncio.open_connection(HOST, server.port)
        writer.write(frame(message("ack")) + frame(numbered(2)))
        data = await reader.readuntil(b"\x1c\x0d")
        assert b"MSA|AA|N2" in data
        writer.close()
        await server.close()

    asyncio.run(scenario())


def test_closing_answers_the_message_in_hand_and_lets_idle_peers_go():
    async def scenario() -> None:
        started = asyncio.Event()

        async def handler(raw: bytes, peer: str) -> bytes | None:
            started.set()
            await asyncio.sleep(0.2)
            return await acknowledge(raw, peer)

        server = await serve(HOST, free_port(), handler)
        idle = await asyncio.open_connection(HOST, server.port)
        asking = asyncio.create_task(MllpClient(HOST, server.port, 5).send(numbered(1)))
        await started.wait()
        await server.close(5)
        assert b"MSA|AA|N1" in await asking
        assert await idle[0].read() == b""
        idle[1].close()
        await server.close()

    asyncio.run(scenario())


async def against(script, raw: bytes, timeout_seconds: float = 2) -> tuple[MllpClient, bytes]:
    """What a client gets from a receiver that follows a script of `(seconds, bytes)` after each message."""

    async def receiver(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\x1c\x0d")
        for wait, data in script:
            await asyncio.sleep(wait)
            writer.write(data)
        await writer.drain()
        if script and not script[-1][1]:
            writer.close()

    server = await asyncio.start_server(receiver, HOST, free_port())
    client = MllpClient(HOST, server.sockets[0].getsockname()[1], timeout_seconds)
    try:
        return client, await client.send(raw)
    finally:
        await client.close()
        server.close()


def answer_to(control_id: str) -> bytes:
    """A framed AA for a control id."""
    return frame(f"MSH|^~\\&|C|D|A|B|||ACK|X|P|2.5.1\rMSA|AA|{control_id}\r".encode())


def test_answers_to_other_messages_are_not_taken():
    client, answer = asyncio.run(
        against([(0, answer_to("N0") + answer_to("") + b"junk"), (0.1, answer_to("N1"))], numbered(1))
    )

    assert b"MSA|AA|N1" in answer
    assert client.stale_frames == 2


@pytest.mark.parametrize(
    ("script", "failure"),
    [
        ([], Timeout),
        ([(0, answer_to("N0"))], Timeout),
        ([(0, answer_to("N1")[:-9])], Timeout),
        ([(0, answer_to("N1")[:-9]), (0, b"")], PeerClosed),
    ],
    ids=["silence", "another's answer", "half an answer", "hung up"],
)
def test_an_unknown_outcome_is_raised_as_such(script, failure):
    with pytest.raises(failure):
        asyncio.run(against(script, numbered(1), 0.3))


def test_a_client_opens_its_connection_again_after_a_timeout():
    async def scenario() -> None:
        seen = []

        async def handler(raw: bytes, peer: str) -> bytes | None:
            seen.append(raw)
            if len(seen) == 1:
                await asyncio.sleep(0.5)
            return await acknowledge(raw, peer)

        server = await serve(HOST, free_port(), handler)
        client = MllpClient(HOST, server.port, 0.2)
        with pytest.raises(Timeout):
            await client.send(numbered(1))
        answers = await asyncio.gather(*(client.send(numbered(number)) for number in range(1, 6)))
        assert [parse(raw).get("MSA-2") for raw in answers] == ["N1", "N2", "N3", "N4", "N5"]
        await client.close()
        await server.close()

    asyncio.run(scenario())


def test_nobody_listening_is_told_apart_from_no_answer():
    with pytest.raises(OSError, match="Connect"):
        send_once(HOST, free_port(), numbered(1), 2)
    with pytest.raises(ValueError, match="MSH-10"):
        send_once(HOST, free_port(), message("msh_cut"), 2)


def test_the_client_of_python_hl7_is_answered():
    with listening() as server, hl7.client.MLLPClient(HOST, server.port, encoding="utf-8") as client:
        answer = client.send_message(message("adt_a04_utf8").decode())

    assert b"MSA|AA|HIS0001" in answer


def test_mllp_send_prints_our_answer(tmp_path: Path):
    program = Path(sys.executable).with_name("mllp_send")
    file = tmp_path / "m.hl7"
    file.write_bytes(message("adt_a04_lf"))
    with listening() as server:
        command = [program, "--loose", "--port", str(server.port), "--file", str(file), HOST]
        run = subprocess.run(command, capture_output=True, timeout=60, check=True)

    assert b"MSA|AA|HIS0001" in run.stdout


def test_the_same_works_over_tls(tmp_path: Path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, NOW - timedelta(1), NOW + timedelta(36500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(pem)
    theirs = ssl.create_default_context(cafile=pem)

    async def scenario() -> bytes:
        server = await serve(HOST, free_port(), acknowledge, ssl=ours)
        client = MllpClient("localhost", server.port, 5, ssl=theirs)
        answer = await client.send(numbered(1))
        await client.close()
        await server.close()
        return answer

    assert b"MSA|AA|N1" in asyncio.run(scenario())
