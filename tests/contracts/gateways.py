"""Payment providers to try the port on: each courier before the gateway that plays its provider, and its payer."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from app.couriers.alipay import AlipayCourier
from app.couriers.wechat_pay import WeChatPayCourier
from app.kernel.clock import SystemClock
from app.payment.ports import Asking, PaymentProvider, RefundAsking
from config import AlipaySettings, WeChatPaySettings
from tests.sandbox.fixtures import RunningSandbox, free_port


class Post:
    """The hospital's letter box: what notifications arrived."""

    def __init__(self) -> None:
        self.letters: list[tuple[dict[str, str], bytes]] = []
        letters = self.letters

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                letters.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.send_header("Content-Length", "7")
                self.end_headers()
                self.wfile.write(b"success")

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/callbacks/provider"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def letter(self, is_wanted: Callable[[dict[str, str], bytes], bool]) -> tuple[dict[str, str], bytes]:
        """The letter that is wanted, among those of other tests; waits for it."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for headers, body in tuple(self.letters):
                if is_wanted(headers, body):
                    return headers, body
            time.sleep(0.02)
        raise AssertionError("no such letter came")


@dataclass(frozen=True)
class Gateway:
    """One provider as the contract meets it: `make` builds a courier with changed settings."""

    name: str
    settings: Any
    post: Post
    sandbox: RunningSandbox
    make: Callable[[Any, str], PaymentProvider]

    @property
    def courier(self) -> PaymentProvider:
        return self.make(self.settings, self.post.url)

    def gone(self) -> PaymentProvider:
        """The provider whose gateway nobody finds."""
        nowhere = f"http://127.0.0.1:{free_port()}"
        return self.make(replace(self.settings, base_url=nowhere, timeout_seconds=1), self.post.url)

    def deceived(self, folder: Path) -> PaymentProvider:
        """A courier that knows the provider by another key than its own."""
        foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
        pem = folder / "foreign.pem"
        pem.write_bytes(
            foreign.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        return self.make(replace(self.settings, public_key_file=str(pem)), self.post.url)

    def drive(self, path: str, **order: Any) -> Any:
        request = Request(
            f"{self.sandbox.http_url}/sandbox/{path}", json.dumps(order).encode(), {"Content-Type": "application/json"}
        )
        with urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def pay(self, order: Asking) -> None:
        """The payer pays."""
        self.drive("wxpay/pay" if self.name == "wechat" else "alipay/pay", out_trade_no=order.out_trade_no)

    def paid(self) -> Asking:
        """An order that was asked for by a code and paid."""
        order = asking()
        self.courier.prepay_native(order)
        self.pay(order)
        return order


def wechat(sandbox: RunningSandbox, post: Post) -> Gateway:
    env = sandbox.env
    settings = WeChatPaySettings(
        base_url=env["WXPAY_BASE_URL"],
        mchid=env["WXPAY_MCHID"],
        appid=env["WXPAY_APPID"],
        apiv3_key=env["WXPAY_APIV3_KEY"],
        merchant_key_file=env["WXPAY_MERCHANT_KEY_FILE"],
        merchant_serial=env["WXPAY_MERCHANT_SERIAL"],
        public_key_file=env["WXPAY_PUBLIC_KEY_FILE"],
        public_key_id=env["WXPAY_PUBLIC_KEY_ID"],
        timeout_seconds=2,
    )
    return Gateway("wechat", settings, post, sandbox, lambda own, url: WeChatPayCourier(own, url, SystemClock()))


def alipay(sandbox: RunningSandbox, post: Post) -> Gateway:
    env = sandbox.env
    settings = AlipaySettings(
        base_url=env["ALIPAY_BASE_URL"],
        app_id=env["ALIPAY_APP_ID"],
        seller_id=env["ALIPAY_SELLER_ID"],
        app_key_file=env["ALIPAY_APP_KEY_FILE"],
        public_key_file=env["ALIPAY_PUBLIC_KEY_FILE"],
        timeout_seconds=2,
    )
    return Gateway("alipay", settings, post, sandbox, lambda own, url: AlipayCourier(own, url, SystemClock()))


GATEWAYS = {"wechat": wechat, "alipay": alipay}


def asking(**changes: Any) -> Asking:
    facts = {
        "out_trade_no": f"mz{secrets.token_hex(13)}",
        "amount_fen": 2500,
        "description": "门诊挂号费",
        "lapses_at": datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=10),
    }
    return Asking(**facts | changes)


def refund_of(order: Asking, transaction_id: str, **changes: Any) -> RefundAsking:
    facts = {
        "out_refund_no": f"rf{secrets.token_hex(13)}",
        "transaction_id": transaction_id,
        "amount_fen": order.amount_fen,
        "order_fen": order.amount_fen,
        "reason": "预约已取消，费用退回",
    }
    return RefundAsking(**facts | changes)
