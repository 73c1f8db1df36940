"""One sandbox for the whole folder, a hospital that listens, and a merchant with the real client."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import wechatpayv3
import wechatpayv3.core
from wechatpayv3 import WeChatPay, WeChatPayType

from tests.sandbox.fixtures import RunningSandbox, free_port, running_sandbox


@dataclass
class Heard:
    """One request that reached the listening hospital."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Hospital:
    """A web server that writes down what it is told and answers what the test wants."""

    url: str
    mllp_port: int
    heard: list[Heard] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def wait_for(self, count: int, seconds: float = 30) -> list[Heard]:
        eventually(lambda: len(self.heard) >= count, seconds)
        return self.heard


def eventually(holds: Callable[[], object], seconds: float = 30) -> None:
    """Wait until `holds`, or fail."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def listening_hospital() -> Iterator[Hospital]:
    hospital = Hospital("", free_port())

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hospital.heard.append(Heard(self.path, dict(self.headers), body))
            self.send_response(hospital.answers.pop(0) if hospital.answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
    hospital.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield hospital
    server.shutdown()


@pytest.fixture
def hospital(sandbox: RunningSandbox, listening_hospital: Hospital) -> Hospital:
    """The listening hospital, once everything earlier tests had coming has arrived."""
    listening_hospital.answers.clear()
    refunds = "/sandbox/wxpay/books"
    eventually(lambda: all(each["state"] == "SUCCESS" for each in call(sandbox, "GET", refunds).json["refunds"]))
    eventually(lambda: all(each["state"] != "waiting" for each in call(sandbox, "GET", "/sandbox/deliveries").json), 30)
    listening_hospital.heard.clear()
    return listening_hospital


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory, listening_hospital: Hospital) -> Iterator[RunningSandbox]:
    place = tmp_path_factory.mktemp("sandbox")
    app_mllp = f"127.0.0.1:{listening_hospital.mllp_port}"
    with running_sandbox(place, app_url=listening_hospital.url, app_mllp=app_mllp) as sandbox:
        yield sandbox


@dataclass
class Answer:
    """What the sandbox answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def call(sandbox: RunningSandbox, method: str, path: str, form: object = None, **headers: str) -> Answer:
    """One HTTP request; `form` is sent as JSON unless it is bytes."""
    body = form if isinstance(form, bytes) or form is None else json.dumps(form).encode()
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.http_port, timeout=30)
    sent = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.headers), answer.read())
    finally:
        connection.close()


@pytest.fixture
def merchant(sandbox: RunningSandbox, hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> WeChatPay:
    """The real `wechatpayv3` client in public-key mode; only its gateway's address differs."""
    env = sandbox.env

    class LocalCore(wechatpayv3.core.Core):  # type: ignore[misc]
        def __setattr__(self, name: str, value: object) -> None:
            super().__setattr__(name, env["WXPAY_BASE_URL"] if name == "_gate_way" else value)

    monkeypatch.setattr(wechatpayv3.core, "Core", LocalCore)
    return WeChatPay(
        wechatpay_type=WeChatPayType.JSAPI,
        mchid=env["WXPAY_MCHID"],
        private_key=Path(env["WXPAY_MERCHANT_KEY_FILE"]).read_text(),
        cert_serial_no=env["WXPAY_MERCHANT_SERIAL"],
        appid=env["WXPAY_APPID"],
        apiv3_key=env["WXPAY_APIV3_KEY"],
        notify_url=f"{hospital.url}/callbacks/wxpay",
        public_key=Path(env["WXPAY_PUBLIC_KEY_FILE"]).read_text(),
        public_key_id=env["WXPAY_PUBLIC_KEY_ID"],
        timeout=(3, 10),
    )
