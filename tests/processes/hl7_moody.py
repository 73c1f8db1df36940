"""A hospital system that answers badly: late, for another message, with an older answer first, or not at all."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise

from hl7_adapter.er7 import parse
from hl7_adapter.mllp import FrameDecoder, frame

HOST = "127.0.0.1"
MOODS = ("late", "wrong", "silent", "stale", "twice", "hangs up")
LATE_SECONDS = 1.4  # longer than the sender waits, shorter than it takes to ask again


@dataclass
class Moody:
    """Every `each`-th message meets the next mood, once; `heard` is (control id, bytes) as it came, `told` each AA."""

    each: int
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    struck: list[str] = field(default_factory=list)
    began: float = 0.0
    ended: float = 0.0
    _met: set[str] = field(default_factory=set)

    @property
    def first(self) -> dict[str, bytes]:
        """The bytes of each control id, in the order in which they came first."""
        found: dict[str, bytes] = {}
        for control_id, raw in self.heard:
            found.setdefault(control_id, raw)
        return found

    def out_of_order(self) -> int:
        """How many messages came before an earlier one about the same patient."""
        came = defaultdict(list)
        for control_id, raw in self.first.items():
            came[parse(raw).get("PID-3.1")].append(control_id)
        return sum(one > other for order in came.values() for one, other in pairwise(order))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        decoder, last = FrameDecoder(), b""
        with suppress(ConnectionError, asyncio.CancelledError):
            while data := await reader.read(65536):
                decoder.feed(data)
                while (raw := decoder.next_frame()) is not None:
                    last = await self._answer(writer, raw, last)
                await writer.drain()
        writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, raw: bytes, last: bytes) -> bytes:
        control_id = parse(raw).get("MSH-10")
        self.began, self.ended = self.began or time.monotonic(), time.monotonic()
        self.heard.append((control_id, raw))
        mood = self._mood(control_id)
        own = answer_to(control_id)
        if mood == "late":
            asyncio.get_running_loop().call_later(LATE_SECONDS, writer.write, own)
        elif mood == "wrong":
            writer.write(answer_to(f"X{control_id}"))
        elif mood == "hangs up":
            writer.close()
        elif mood != "silent":
            self.told.add(control_id)
            writer.write({"stale": last + own, "twice": own + own}.get(mood, own))
        return own

    def _mood(self, control_id: str) -> str:
        if not self.each or len(self.heard) % self.each or control_id in self._met:
            return ""
        self._met.add(control_id)
        self.struck.append(MOODS[len(self.struck) % len(MOODS)])
        return self.struck[-1]


def answer_to(control_id: str) -> bytes:
    """A framed AA."""
    return frame(f"MSH|^~\\&|HIS|HOSPITAL|MENZHEN|HOSPITAL|2026||ACK|1|P|2.5.1\rMSA|AA|{control_id}\r".encode())


@contextmanager
def listening(moody: Moody, port: int) -> Iterator[None]:
    """The hospital system is there, in a thread of its own."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(moody.serve, HOST, port))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
