"""What the hospital system is sent: written down once per control id, and acknowledged."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime

from hl7_adapter.ack import ErrorAt, Header, HeaderProblem, build_ack, read_header
from hl7_adapter.er7 import parse
from hl7_adapter.mllp import HangUp, MllpServer, serve
from sandbox.clock import now
from sandbox.his import appointments, register, timetable
from sandbox.his.faults import Faults
from sandbox.store import Store, insert
from sandbox.switches import take_switches

_ANSWERS = {"ae": "AE", "ar": "AR"}


def start_listener(store: Store, host: str, port: int) -> Callable[[], None]:
    """Afterwards the hospital system listens there, in a thread of its own, until what is returned is called.

    OSError when the port is taken.
    """
    up: list[BaseException | None] = []
    ready = threading.Event()
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def listen() -> None:
        stopping = asyncio.Event()
        loops.append((asyncio.get_running_loop(), stopping))
        desk = _Desk(store, host, port)
        try:
            await desk.open()
        except OSError as taken:
            up.append(taken)
            return
        finally:
            ready.set()
        await desk.stay(stopping)

    thread = threading.Thread(target=lambda: asyncio.run(listen()), name="his", daemon=True)
    thread.start()
    ready.wait()
    for failure in up:
        raise failure or RuntimeError

    def stop() -> None:
        loop, stopping = loops[0]
        loop.call_soon_threadsafe(stopping.set)
        thread.join(10)

    return stop


class _Desk:
    """The listener with the mishaps that are ordered for what it receives."""

    def __init__(self, store: Store, host: str, port: int) -> None:
        self._store = store
        self._address = (host, port)
        self._faults = Faults(store)
        self._restart = asyncio.Event()
        self._server: MllpServer | None = None
        self._last = b""

    async def open(self) -> None:
        """Listens."""
        self._server = await serve(*self._address, self._handle)

    async def stay(self, stopping: asyncio.Event) -> None:
        """Listens on until `stopping`; whenever a restart is due it is away for a moment first."""
        while not stopping.is_set():
            waiting = [asyncio.ensure_future(event.wait()) for event in (stopping, self._restart)]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for each in waiting:
                each.cancel()
            assert self._server is not None
            await self._server.close(grace_seconds=0.1)
            if not stopping.is_set():
                self._restart.clear()
                await asyncio.sleep(self._faults.plan().away_seconds)
                await self.open()

    async def _handle(self, raw: bytes, _peer: str) -> list[bytes] | bytes | None:
        mishap = await asyncio.to_thread(self._struck, raw)
        if mishap in ("drop_before", "restart"):
            if mishap == "restart":
                self._restart.set()
            raise HangUp
        answer, wait_seconds = await asyncio.to_thread(receive, self._store, raw, mishap)
        if mishap == "drop_after":
            raise HangUp
        await asyncio.sleep(self._faults.plan().late_seconds if mishap == "late" else wait_seconds)
        before, self._last = self._last, answer or self._last
        if answer is None:
            return None
        return {"stale": [before or answer, answer], "twice": [answer, answer]}.get(mishap, answer)

    def _struck(self, raw: bytes) -> str:
        head = read_header(raw)
        return "" if isinstance(head, HeaderProblem) else self._faults.strike("receiving", head.control_id)


def receive(store: Store, raw: bytes, mishap: str = "") -> tuple[bytes | None, float]:
    """Take one message; the answer (None for none) and how long to wait with it.

    A repeat of a control id that was answered AA gets the very same answer; after AE or silence it is taken anew.
    `mishap` is one of `faults.RECEIVING` that decides the answer.
    """
    head = read_header(raw)
    if isinstance(head, HeaderProblem):
        return _ack(head, "AR", head.errors), 0.0
    if head.is_answer:
        return None, 0.0
    with store.write() as db:
        known = _count_repeat(db, head)
        if known is not None and known["answer_code"] == "AA":
            return bytes(known["answer"]), 0.0
        struck = take_switches(db, "his", ("ae207", "silent", "late"))
        code = _ANSWERS.get(mishap) or ("AE" if "ae207" in struck else "AA")
        if head.message_type == "SRM":
            struck |= take_switches(db, "his", ("booking_silent",))
        if mishap == "silent" or {"silent", "booking_silent"} & struck.keys():
            code = ""
        answer = _answer(db, head, code)
        code = parse(answer).get("MSA-1") if answer else ""
        if known is None:
            _write_down(db, head, raw)
        db.execute(
            "UPDATE his_received SET answer = ?, answer_code = ? WHERE control_id = ? AND message_type = ?",
            (answer, code, head.control_id, _type(head)),
        )
    return answer, struck.get("late", 0.0)


def _type(head: Header) -> str:
    return f"{head.message_type}^{head.event}"


def _count_repeat(db: sqlite3.Connection, head: Header) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(
        "UPDATE his_received SET repeats = repeats + 1 WHERE control_id = ? AND message_type = ? RETURNING *",
        (head.control_id, _type(head)),
    ).fetchone()
    return row


def _write_down(db: sqlite3.Connection, head: Header, raw: bytes) -> None:
    insert(
        db,
        "his_received",
        control_id=head.control_id,
        message_type=_type(head),
        raw=raw,
        answer_code="",
        received_at=now(),
    )


def _answer(db: sqlite3.Connection, head: Header, code: str) -> bytes | None:
    """What is asked for is done whether or not the answer goes out (code '')."""
    if code in ("AE", "AR"):
        return _ack(head, code, (ErrorAt(207, "", "the hospital system failed inside"),))
    told = _told(db, head)
    return told if code else None


def _told(db: sqlite3.Connection, head: Header) -> bytes:
    if head.message_type == "QBP" and "QPD" in head.message:
        return register.answer(db, head, new_control_id())
    if head.message_type == "SQM":
        return timetable.answer(db, head, new_control_id())
    if head.message_type != "SRM":
        return _ack(head, "AA")
    decided = appointments.decide(db, head)
    if isinstance(decided, ErrorAt):
        return _ack(head, "AE", (decided,))
    return appointments.answer(head, decided, new_control_id())


def _ack(head: Header | HeaderProblem, code: str, errors: tuple[ErrorAt, ...] = ()) -> bytes:
    return build_ack(head, code, errors, control_id=new_control_id(), now=datetime.now(UTC))


def new_control_id() -> str:
    """A control id that nobody used: H and 15 hex digits (MSH-10 has 20 places in v2.5.1)."""
    return "H" + secrets.token_hex(8)[:15]
