"""Peers that send one message after the other and wait for each answer, many connections at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bench.figures import percentile

HOST = "127.0.0.1"
Messages = Callable[[int], Iterator[tuple[str, bytes]]]
"""Given the number of a connection: its messages, each with its control id, without an end."""


@dataclass
class Load:
    """What the peers saw: how long each answer took, how many were not AA with the right MSA-2, and for how long."""

    seconds: float = 0.0
    took_ms: list[float] = field(default_factory=list)
    wrong: int = 0

    @property
    def rate(self) -> float:
        """Round trips per second."""
        return len(self.took_ms) / self.seconds

    @property
    def p99_ms(self) -> float:
        """The time in which 99 of 100 answers came."""
        return percentile(self.took_ms, 99)


class _Peer(asyncio.Protocol):
    """One connection, which sends its next message when the answer to the last one is there."""

    def __init__(self, messages: Iterator[tuple[str, bytes]], load: Load, ends_at: float, at_most: int) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._messages, self._load, self._ends_at, self._left = messages, load, ends_at, at_most
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def _send(self) -> None:
        control_id, raw = next(self._messages)
        self._left -= 1
        self._wanted = f"MSA|AA|{control_id}".encode()
        self._sent_at = time.perf_counter()
        self._transport.write(b"\x0b" + raw + b"\x1c\r")

    def data_received(self, data: bytes) -> None:
        self._got += data
        end = self._got.find(b"\x1c\r")
        if end < 0:
            return
        now = time.perf_counter()
        self._load.took_ms.append((now - self._sent_at) * 1000)
        self._load.wrong += self._wanted not in self._got[:end]
        self._got = self._got[end + 2 :]
        if now < self._ends_at and self._left:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, failure: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


def send_for(port: int, connections: int, seconds: float, messages: Messages, at_most: int = 10**9) -> Load:
    """What so many connections saw in so many seconds, or until each has sent `at_most` messages."""
    return asyncio.run(_send_for(port, connections, seconds, messages, at_most))


async def _send_for(port: int, connections: int, seconds: float, messages: Messages, at_most: int) -> Load:
    loop, load, began = asyncio.get_running_loop(), Load(), time.perf_counter()

    async def one(number: int) -> None:
        _, peer = await loop.create_connection(
            lambda: _Peer(messages(number), load, began + seconds, at_most), HOST, port
        )
        await peer.ended

    await asyncio.gather(*(one(number) for number in range(connections)))
    load.seconds = time.perf_counter() - began
    return load
