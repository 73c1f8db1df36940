"""The saga of one insured bill as one process lives it, and dies in it: every call and every commit is a moment.

A process is forked, plays the saga from wherever it stands (jobs, the patient's tap, the payment and its notification)
and is killed with SIGKILL at the moment it is told; the next process finds on disk what the first one left.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

import requests
from sqlalchemy import select

from app.couriers.fsi import FsiInsurer
from app.couriers.wechat_pay import WeChatPayCourier
from app.insurance import settling
from app.kernel.clock import SystemClock
from app.kernel.uow import Actor, Units, Uow
from app.payment import asking, querying, receiving, refunds
from app.payment.errors import AlreadyPaid, PaymentUnclear
from app.payment.models import Bill, PaymentOrder, PayMethod, Refund
from app.payment.states import BillState, RefundState
from config import read_settings
from tests import factories_payment
from tests.conftest import SetClock
from tests.factories_settlement import House, fsi_settings

NOTICES = ("arrives", "lost", "twice", "early")
ROUNDS = 40
ROUND_SECONDS = 15
WECHAT_SECONDS = 0.03  # WeChat's time goes on between two rounds; a refund takes it a quarter of a second


class HospitalClock(SetClock):
    """The hospital's clock is set; the world's is the world's, since WeChat Pay lives by it."""

    def wall_now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class Moments:
    """How often something could have cut the process off; at number `kill_at` it does."""

    kill_at: int = 0
    names: list[str] = field(default_factory=list)

    def come(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class WatchedUnits(Units):
    """Units whose commits are moments."""

    moments: Moments = field(default_factory=Moments)

    def begin(self, *args: Any, reads_only: bool = False, **kwargs: Any) -> Uow:
        uow = super().begin(*args, reads_only=reads_only, **kwargs)
        uow.session.info["writes"] = not reads_only
        return uow

    def finish(self, uow: Uow) -> None:
        writes = uow.session.info["writes"]
        if writes:
            self.moments.come("before commit")
        super().finish(uow)
        if writes:
            self.moments.come("after commit")


class Watched:
    """A courier each of whose calls has a moment before it and one after it."""

    def __init__(self, courier: object, moments: Moments, then: Callable[[str, tuple[Any, ...]], None] | None = None):
        self._courier, self._moments, self._then = courier, moments, then

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._courier, name)
        if not callable(found) or name in {"new_message_id", "call_up"}:
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            self._moments.come(f"before {name}")
            answer = found(*args, **kwargs)
            self._moments.come(f"after {name}")
            if self._then is not None:
                self._then(name, args)
            return answer

        return call


@dataclass
class Saga:
    """One house's one bill, and how its payment's notification behaves."""

    home: House
    notice: str
    prescription_id: int

    def live(self, kill_at: int = 0) -> list[str]:
        """A process plays the saga on, to its end or to the moment at which it is killed: the moments it came to."""
        reader, writer = os.pipe()
        self.home.units.engine.dispose()
        child = os.fork()
        if child == 0:
            os.close(reader)
            self._as_child(writer, kill_at)
        os.close(writer)
        with os.fdopen(reader) as told:
            said = told.read()
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL
            return []
        assert os.WEXITSTATUS(status) == 0, said
        return said.splitlines()

    def _as_child(self, writer: int, kill_at: int) -> None:
        try:
            moments = Moments(kill_at)
            self._play(moments)
            os.write(writer, "\n".join(moments.names).encode())
            os._exit(0)
        except BaseException:  # noqa: BLE001 - a forked process must never run on into the tests
            os.write(writer, traceback.format_exc().encode()[-4000:])
            os._exit(1)

    def _play(self, moments: Moments) -> None:
        units, insurer, provider = self._watched(moments)
        for _ in range(ROUNDS):
            self._round(units, insurer, provider)
            if self.is_over():
                return
            self.home.clock.step(seconds=ROUND_SECONDS)
        raise AssertionError(f"no end: bill {self.bill()}")

    def _watched(self, moments: Moments) -> tuple[WatchedUnits, Watched, Watched]:
        bare = self.home.units
        known = {each.name: getattr(bare, each.name) for each in fields(Units)}
        units = WatchedUnits(**known, moments=moments)
        insurer = Watched(FsiInsurer(fsi_settings(self.home.sandbox), SystemClock()), moments)
        gateway = WeChatPayCourier(
            read_settings({"MENZHEN_MODE": "demo", **self.home.sandbox.env}).wxpay,
            "http://127.0.0.1:9/callbacks/wechat-pay",
            SystemClock(),
        )
        return units, insurer, Watched(gateway, moments, self._when_asked if self.notice == "early" else None)

    def _round(self, units: WatchedUnits, insurer: Watched, provider: Watched) -> None:
        """Everybody who has something to do has done it once."""
        settling.work_due(units, insurer)  # type: ignore[arg-type]
        self._tap(units, provider)
        self._pay()
        self._tell(units)
        receiving.process_notifications(units)
        querying.query_missing(units, provider)  # type: ignore[arg-type]
        self._give_back(units, provider)

    def _give_back(self, units: WatchedUnits, provider: Watched) -> None:
        refunds.send_refunds(units, provider)  # type: ignore[arg-type]
        refunds.query_refunds(units, provider)  # type: ignore[arg-type]

    def bill(self) -> Bill | None:
        """The newest bill of the prescription."""
        with self.home.units.open(reads_only=True) as uow:
            found = select(Bill).where(Bill.subject_id == self.prescription_id).order_by(Bill.id.desc()).limit(1)
            return uow.session.scalars(found).first()

    def _order(self) -> PaymentOrder | None:
        with self.home.units.open(reads_only=True) as uow:
            own = select(PaymentOrder).join(Bill, Bill.id == PaymentOrder.bill_id)
            found = own.where(Bill.subject_id == self.prescription_id).order_by(PaymentOrder.id.desc()).limit(1)
            return uow.session.scalars(found).first()

    def is_over(self) -> bool:
        """The bill is paid, or void with all of the money back."""
        bill, order = self.bill(), self._order()
        if bill is None or bill.state is BillState.PAID:
            return bill is not None
        return bill.state is BillState.VOID and order is not None and order.state == "refunded"

    def _tap(self, units: Units, provider: Watched) -> None:
        """The patient pays once; whoever has paid does not tap again."""
        bill = self.bill()
        if bill is None or bill.state is not BillState.OPEN or self._is_paid_at_wechat():
            return
        with contextlib.suppress(PaymentUnclear, AlreadyPaid):
            asking.start(units, provider, self.home.who.actor, bill.public_id, PayMethod.NATIVE)  # type: ignore[arg-type]

    def _wechat(self, path: str, **body: str) -> requests.Response:
        return requests.post(f"{self.home.sandbox.http_url}/sandbox/wxpay/{path}", json=body, timeout=30)

    def _at_wechat(self) -> dict[str, Any]:
        order = self._order()
        told = requests.get(f"{self.home.sandbox.http_url}/sandbox/wxpay/books", timeout=30).json()["orders"]
        found = [row for row in told if order is not None and row["out_trade_no"] == order.out_trade_no]
        return found[0] if found else {}

    def _is_paid_at_wechat(self) -> bool:
        return self._at_wechat().get("state") in {"SUCCESS", "REFUND"}

    def _pay(self) -> None:
        seen = self._at_wechat()
        if seen.get("state") == "NOTPAY":
            self._wechat("pay", out_trade_no=seen["out_trade_no"]).raise_for_status()

    def _when_asked(self, name: str, _args: tuple[Any, ...]) -> None:
        """Somebody is so quick that money and notification are there before our own answer is kept."""
        if name == "prepay_native":
            self._pay()
            self._notify(self.home.units, self._at_wechat())

    def _tell(self, units: Units) -> None:
        order, seen = self._order(), self._at_wechat()
        if self.notice == "lost" or order is None or seen.get("state") != "SUCCESS" or order.paid_fen:
            return
        for _ in range(2 if self.notice == "twice" else 1):
            self._notify(units, seen)

    def _notify(self, units: Units, seen: dict[str, Any]) -> None:
        content = factories_payment.paid_facts(
            seen["out_trade_no"], seen["total_fen"], transaction_id=seen["transaction_id"]
        )
        body = factories_payment.envelope(factories_payment.seal(content), event_id=seen["transaction_id"])
        headers = factories_payment.signed(body, datetime.now(UTC))
        assert receiving.accept(units, factories_payment.notification_keys(), headers, body) == 204


@dataclass
class RefundSaga(Saga):
    """A paid bill of which `pieces` {line_no: pieces} go back, or all of it when there are none."""

    pieces: dict[int, int] = field(default_factory=dict)

    def refund(self) -> Refund | None:
        """The bill's one refund; None before anybody asked for it."""
        bill = self.bill()
        assert bill is not None
        with self.home.units.open(reads_only=True) as uow:
            return uow.session.scalars(select(Refund).where(Refund.bill_id == bill.id)).first()

    def is_over(self) -> bool:
        """The refund has arrived."""
        refund = self.refund()
        return refund is not None and refund.state is RefundState.SUCCEEDED

    def _round(self, units: WatchedUnits, insurer: Watched, provider: Watched) -> None:
        if self.refund() is None:
            self._ask(units)
        settling.work_due(units, insurer)  # type: ignore[arg-type]
        self._give_back(units, provider)
        time.sleep(WECHAT_SECONDS)

    def returned_at_wechat(self) -> int:
        """What WeChat gave back of the bill's payment, in fen, however often it was asked to."""
        order = self._order()
        assert order is not None
        told = requests.get(f"{self.home.sandbox.http_url}/sandbox/wxpay/books", timeout=30).json()["refunds"]
        return sum(row["refund_fen"] for row in told if row["out_trade_no"] == order.out_trade_no)

    def _ask(self, units: WatchedUnits) -> None:
        bill = self.bill()
        assert bill is not None
        with units.open(Actor("staff", "s1")) as uow:
            bill = uow.session.get_one(Bill, bill.id)
            if self.pieces:
                refunds.give_back_lines(uow, bill, self.pieces, reason="by_staff")
            else:
                refunds.give_back(uow, bill, reason="by_staff")
