"""What the hospital system is sent: written down once per control id, and acknowledged."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import threading
from datetime import UTC, datetime

from hl7_adapter.ack import ErrorAt, Header, HeaderProblem, build_ack, read_header
from hl7_adapter.er7 import AsWritten, Field, build, segment
from hl7_adapter.mllp import serve
from sandbox.clock import now
from sandbox.his.messages import header as our_header
from sandbox.store import insert
from sandbox.switches import take_switches
from sandbox.world import World


def start_listener(world: World) -> None:
    """Afterwards the hospital system listens on its port, in a thread of its own. OSError when the port is taken."""
    up: list[BaseException | None] = []
    ready = threading.Event()

    async def listen() -> None:
        async def handle(raw: bytes, _peer: str) -> bytes | None:
            answer, wait_seconds = await asyncio.to_thread(receive, world, raw)
            await asyncio.sleep(wait_seconds)
            return answer

        try:
            await serve(world.settings.host, world.settings.his_port, handle)
        except OSError as taken:
            up.append(taken)
            return
        finally:
            ready.set()
        await asyncio.Event().wait()

    threading.Thread(target=lambda: asyncio.run(listen()), name="his", daemon=True).start()
    ready.wait()
    for failure in up:
        raise failure or RuntimeError


def receive(world: World, raw: bytes) -> tuple[bytes | None, float]:
    """Take one message; the answer (None for none) and how long to wait with it.

    A repeat of a control id that was answered AA gets the very same answer; after AE or silence it is taken anew.
    """
    head = read_header(raw)
    if isinstance(head, HeaderProblem):
        return _ack(head, "AR", head.errors), 0.0
    if head.is_answer:
        return None, 0.0
    with world.store.write() as db:
        known = _count_repeat(db, head)
        if known is not None and known["answer_code"] == "AA":
            return bytes(known["answer"]), 0.0
        struck = take_switches(db, "his", ("ae207", "silent", "late"))
        code = "" if "silent" in struck else "AE" if "ae207" in struck else "AA"
        answer = _answer(head, code)
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


def _answer(head: Header, code: str) -> bytes | None:
    if not code:
        return None
    if code == "AE":
        return _ack(head, code, (ErrorAt(207, "", "the hospital system failed inside"),))
    return _schedule_answer(head) if head.message_type == "SRM" else _ack(head, code)


def _ack(head: Header | HeaderProblem, code: str, errors: tuple[ErrorAt, ...] = ()) -> bytes:
    return build_ack(head, code, errors, control_id=new_control_id(), now=datetime.now(UTC))


def _schedule_answer(head: Header) -> bytes:
    """SRR of the same event: MSA AA and the hospital system's own number of the appointment in SCH-2."""
    sch: dict[int, Field] = {
        1: head.message.get("ARQ-1.1"),
        2: (f"HIS{secrets.token_hex(6).upper()}", "HIS"),
        6: (head.event, "accepted", "HIS"),
        16: ("HIS",),
        20: ("HIS",),
        25: ("Cancelled" if head.event == "S04" else "Booked", None, "HL70278"),
    }
    rows = [
        our_header(("SRR", head.event, "SRR_S01"), new_control_id()),
        segment("MSA", {1: "AA", 2: AsWritten(head.control_id_written)}),
        segment("SCH", sch),
    ]
    return build(rows, head.charset, errors="replace")


def new_control_id() -> str:
    """A control id that nobody used: H and 15 hex digits (MSH-10 has 20 places in v2.5.1)."""
    return "H" + secrets.token_hex(8)[:15]
