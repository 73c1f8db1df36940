"""The same messages by HTTP: one way in more, the same answers, and nothing a stranger sends does harm."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import requests

from app.kernel.uow import Units
from config import Hl7Settings
from hl7_adapter.er7 import parse
from hl7_adapter.listener import listen_http
from hl7_adapter.mllp import HangUp, Limits
from hl7_adapter.transports import HttpServer, serve_http
from hl7_adapter.transports.soap import BadEnvelope, read_envelope
from tests.hl7.certificates import Authority
from tests.hl7.files import numbered, visit
from tests.hl7.test_intake import last_row
from tests.hl7.test_mllp import HOST, acknowledge, free_port

ER7 = {"Content-Type": "application/hl7-v2"}
XML = {"Content-Type": "text/xml; charset=utf-8"}
SOAP = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
    '<InvokeMethod xmlns="http://tempuri.org/"><action>ADT</action><message><![CDATA[{}]]></message></InvokeMethod>'
    "</soap:Body></soap:Envelope>"
)


@contextmanager
def serving(coroutine) -> Iterator[HttpServer]:  # type: ignore[no-untyped-def]
    """An HTTP listener in a thread of its own, for clients that block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(coroutine, loop).result(10)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.close(1), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@contextmanager
def echoing(limits: Limits | None = None, handler=acknowledge) -> Iterator[str]:  # type: ignore[no-untyped-def]
    with serving(serve_http(HOST, free_port(), handler, limits)) as server:
        yield f"http://{HOST}:{server.port}"


@contextmanager
def of(units: Units, **terms: object) -> Iterator[int]:
    settings = Hl7Settings(http_port=free_port(), **terms)
    with serving(listen_http(units, settings)) as server:
        yield server.port


def test_a_message_as_a_body_is_taken_and_answered(hospital: Units) -> None:
    with of(hospital) as port, requests.Session() as session:
        answers = [
            session.post(f"http://{HOST}:{port}/hl7", visit(name), headers=ER7, timeout=30)
            for name in ("a04_new", "omp_unknown_patient", "type_unknown")
        ]

    assert [(answer.status_code, parse(answer.content).get("MSA-1")) for answer in answers] == [
        (200, "AA"),
        (200, "AE"),
        (200, "AR"),
    ]
    assert answers[0].headers["Content-Type"] == "application/hl7-v2"
    assert last_row(hospital).body == visit("type_unknown")


def test_a_message_in_an_envelope_is_answered_in_one(hospital: Units) -> None:
    body = SOAP.format(visit("a04_new").decode()).encode()

    with of(hospital) as port:
        answer = requests.post(f"http://{HOST}:{port}/soap", body, headers=XML, timeout=30)

    assert answer.status_code == 200
    result = ET.fromstring(answer.content).find(
        "{http://schemas.xmlsoap.org/soap/envelope/}Body/{http://tempuri.org/}InvokeMethodResponse/"
        "{http://tempuri.org/}InvokeMethodResult"
    )
    assert result is not None
    assert parse((result.text or "").encode()).get("MSA") == "MSA|AA|A04_NEW"
    assert last_row(hospital).body == visit("a04_new")
    assert re.search(rb"<!\[CDATA\[MSH", answer.content)


def test_https_asks_the_sender_for_a_certificate(hospital: Units, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    ours, theirs = authority.pair("listener"), authority.pair("sender")
    terms = {"tls_cert_file": ours.cert, "tls_key_file": ours.key, "client_ca_file": authority.file}

    with of(hospital, **terms) as port:
        url = f"https://{HOST}:{port}/hl7"
        cert = (theirs.cert, theirs.key)
        answer = requests.post(url, visit("a04_new"), headers=ER7, verify=authority.file, cert=cert, timeout=30)
        with pytest.raises(requests.ConnectionError):
            requests.post(url, visit("a04_new"), headers=ER7, verify=authority.file, timeout=30)

    assert parse(answer.content).get("MSA-1") == "AA"


CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
REFUSED = [
    # what is sent, the status it gets
    (b"GET /hl7 HTTP/1.1\r\n\r\n", 405),
    (b"POST /other HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 404),
    (b"POST /hl7 HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n", 415),
    (b"POST /hl7 HTTP/1.1\r\nContent-Type: application/hl7-v2\r\n\r\n", 411),
    (b"POST /hl7 HTTP/1.1\r\nContent-Type: application/hl7-v2\r\nContent-Length: 9999999\r\n\r\n", 413),
    (b"POST /hl7 HTTP/1.1\r\nContent-Type: application/hl7-v2\r\nContent-Length: -1\r\n\r\n", 400),
    (b"POST /hl7 HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    (b"POST /hl7 HTTP/1.1\r\nContent-Type: application/hl7-v2\r\nContent-Length: 1\r\n" + CHUNKED, 400),
    (b"POST /hl7 HTTP/1.1\r\nContent-Type: application/hl7-v2\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
    (b"POST /hl7 HTTP/1.1\r\nContent-Type: application/hl7-v2\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    (b"POST /hl7 HTTP/1.1\r\nContent-Type: application/hl7-v2\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n", 413),
    (b"POST /hl7 HTTP/1.1\r\nX: " + b"x" * 40_000 + b"\r\n\r\n", 431),
    (b"POST /hl7 HTTP/1.1\r\n folded: x\r\n\r\n", 400),
    (b"POST /hl7 HTTP/3\r\n\r\n", 505),
    (b"\x0bMSH|^~\\&|\x1c\r\r\n\r\n", 400),
    (b"POST http://elsewhere/ HTTP/1.1\r\n\r\n", 400),
]


@pytest.mark.parametrize(("sent", "status"), REFUSED, ids=lambda value: value if isinstance(value, int) else "")
def test_what_is_no_request_is_refused(sent: bytes, status: int) -> None:
    with echoing(Limits(frame_bytes=100_000)) as url:
        assert spoken(url, sent).startswith(f"HTTP/1.1 {status} ".encode())

        assert requests.post(f"{url}/hl7", numbered(1), headers=ER7, timeout=30).status_code == 200


def spoken(url: str, sent: bytes) -> bytes:
    """What comes back for these bytes."""
    port = int(url.rsplit(":", 1)[1])
    with socket.create_connection((HOST, port), timeout=30) as line:
        line.sendall(sent)
        return line.recv(65536)


def test_chunks_and_leave_to_go_on_are_understood() -> None:
    head = b"POST /hl7 HTTP/1.1\r\nContent-Type: application/hl7-v2\r\nTransfer-Encoding: chunked\r\n\r\n"
    raw = numbered(3)
    chunks = b"%x\r\n" % 10 + raw[:10] + b"\r\n" + b"%x;x=y\r\n" % (len(raw) - 10) + raw[10:] + b"\r\n0\r\nT: x\r\n\r\n"

    with echoing() as url:
        assert b"MSA|AA|N3" in spoken(url, head + chunks)
        expecting = head.replace(b"Transfer-Encoding: chunked", b"Expect: 100-continue\r\nContent-Length: 5")
        assert spoken(url, expecting) == b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize("limits", [Limits(idle_seconds=0.2), Limits(frame_seconds=0.2)], ids=["head", "body"])
def test_a_slow_sender_is_let_go(limits: Limits) -> None:
    slow = b"POST /hl7 HTTP/1.1\r\nContent-Type: application/hl7-v2\r\nContent-Length: 9\r\n"

    with echoing(limits) as url:
        assert spoken(url, slow if limits.idle_seconds < 1 else slow + b"\r\nMSH") == b""


def test_connections_over_the_cap_are_turned_away() -> None:
    with echoing(Limits(connections=1)) as url, requests.Session() as session:
        session.post(f"{url}/hl7", numbered(1), headers=ER7, timeout=30)

        with pytest.raises(requests.ConnectionError):
            requests.post(f"{url}/hl7", numbered(2), headers=ER7, timeout=30)

        assert session.post(f"{url}/hl7", numbered(3), headers=ER7, timeout=30).status_code == 200


HANDLERS = [
    # what the handler gives, the status, the body
    (None, 204, b""),
    ([], 204, b""),
    ([b"MSA|CA", b"MSA|AA"], 200, b"MSA|AA"),
    (HangUp(b"MSA|AR"), 403, b"MSA|AR"),
    (HangUp(), 503, b""),
    (RuntimeError("name of a patient"), 503, b""),
]


@pytest.mark.parametrize(("given", "status", "body"), HANDLERS)
def test_what_the_message_came_to_is_a_status(given: object, status: int, body: bytes, caplog) -> None:
    async def handler(_raw: bytes, _peer: str) -> object:
        if isinstance(given, Exception):
            raise given
        return given

    with echoing(handler=handler) as url:
        answer = requests.post(f"{url}/hl7", numbered(1), headers=ER7, timeout=30)

    assert (answer.status_code, answer.content) == (status, body)
    assert "patient" not in caplog.text


TEXT = "MSH|^~\\&|A|B|C|D|2026||ADT^A04|珅|P|2.5.1||||||{}\rPID|1||7||诚 & <b>]"
ENVELOPES = {
    "CDATA": (SOAP.format(TEXT.format("UNICODE UTF-8")).encode(), TEXT.format("UNICODE UTF-8").encode()),
    "said to be GBK, in UTF-8": (SOAP.format(TEXT.format("GBK")).encode(), TEXT.format("GBK").encode("gb18030")),
    "the document in GBK": (
        SOAP.replace("utf-8", "GBK").format(TEXT.format("GBK")).encode("gbk"),
        TEXT.format("GBK").encode("gb18030"),
    ),
    "no character set": (SOAP.format(TEXT.format("")).encode(), b"\xef\xbb\xbf" + TEXT.format("").encode()),
    "a byte order mark on a line of its own": (
        SOAP.format("\ufeff\n" + TEXT.format("UNICODE UTF-8")).encode(),
        TEXT.format("UNICODE UTF-8").encode(),
    ),
    "escaped text": (
        SOAP.replace("<![CDATA[{}]]>", TEXT.format("GBK").replace("&", "&amp;").replace("<", "&lt;")).encode(),
        TEXT.format("GBK").encode("gb18030"),
    ),
    "SOAP 1.2, another prefix": (
        SOAP.replace("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope")
        .replace("soap:", "e:")
        .replace("xmlns:soap", "xmlns:e")
        .format(TEXT.format("GBK"))
        .encode(),
        TEXT.format("GBK").encode("gb18030"),
    ),
}


@pytest.mark.parametrize("name", ENVELOPES)
def test_the_message_comes_out_of_its_envelope_as_it_was(name: str) -> None:
    body, wanted = ENVELOPES[name]

    envelope = read_envelope(body)

    assert envelope.message == wanted + b"\r"
    assert envelope.operation == ("http://tempuri.org/", "InvokeMethod")
    back = ET.fromstring(envelope.answer(envelope.message))
    assert "".join(back.itertext()).replace("\n", "\r") == parse(wanted).decoded.text + "\r"


def test_a_message_of_some_megabytes_comes_out_whole() -> None:
    text = TEXT.format("UTF-8") + "\rOBX|1|ED|A||" + "QUFB" * 1_000_000

    envelope = read_envelope(SOAP.format(text).encode())

    assert envelope.message == text.encode() + b"\r"


NO_ENVELOPES = {
    "no XML": b"MSH|",
    "cut": SOAP.format(TEXT).encode()[:-9],
    "no envelope": b"<a><b><c>MSH|</c></b></a>",
    "no message": SOAP.format("hello").encode(),
    "outside of the body": SOAP.replace("soap:Body", "soap:Header").format(TEXT).encode(),
    "a document type": b'<!DOCTYPE x [<!ENTITY a "MSH|">]>' + SOAP.partition("?>")[2].format("&a;").encode(),
    "an entity of nobody": SOAP.replace("<![CDATA[{}]]>", "MSH|&a;").encode(),
    "too deep": SOAP.replace("<![CDATA[{}]]>", "<a>" * 40 + "</a>" * 40).encode(),
    "elements without end": SOAP.replace("<action>", "<x/>" * 1001 + "<action>").format(TEXT).encode(),
    "a tag as long as a message": SOAP.replace("<action>", f"<x y='{'z' * 300_000}'/><action>").format(TEXT).encode(),
    "not in its character set": SOAP.format(TEXT).encode("gbk"),
    "an unknown character set": SOAP.replace("utf-8", "klingon").format(TEXT).encode(),
    "nothing": b"",
}


@pytest.mark.parametrize("name", NO_ENVELOPES)
def test_what_is_no_envelope_is_refused(name: str) -> None:
    with pytest.raises(BadEnvelope):
        read_envelope(NO_ENVELOPES[name])


def test_a_bad_envelope_gets_a_fault() -> None:
    with echoing() as url:
        answer = requests.post(f"{url}/soap", b"<a/>", headers=XML, timeout=30)

    assert (answer.status_code, b"<soap:Fault>" in answer.content) == (400, True)
