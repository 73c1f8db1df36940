"""The line to the adapter: the hospital system says a message until it is answered, through every mishap on the way."""

from __future__ import annotations

import socket
import time

from hl7_adapter.er7 import Message, parse
from hl7_adapter.mllp import FrameDecoder, frame
from sandbox.his.faults import ON_THE_WIRE, Faults

ANSWER_SECONDS = 10.0
GIVE_UP_SECONDS = 120.0
AGAIN_SECONDS = 0.1
DELAY_SECONDS = 0.2
_PIECES = 12
_READ_BYTES = 64 * 1024


class NotTaken(Exception):
    """The message was not answered at all within two minutes."""


class Wire:
    """One connection, used by one thread: opened at the first message, and anew whenever it was lost.

    `odd` collects what an adapter must never do, in words: two different answers to the same bytes.
    """

    def __init__(self, address: tuple[str, int], faults: Faults) -> None:
        """Remembers the adapter's address; nothing is connected yet."""
        self.odd: list[str] = []
        self.sent = 0
        self._address = address
        self._faults = faults
        self._socket: socket.socket | None = None
        self._decoder = FrameDecoder()

    def say(self, raw: bytes, name: str) -> Message:
        """The answer to `raw`, which is sent again, byte for byte, until there is one; NotTaken after two minutes.

        `name` is what the message is called in every run of the same script: the mishaps follow from it.
        """
        control_id = parse(raw).get("MSH-10")
        give_up_at = time.monotonic() + GIVE_UP_SECONDS
        while True:
            mishap = self._faults.strike("sending", name, ON_THE_WIRE)
            self.sent += 1
            try:
                return self._exchange(raw, control_id, mishap)
            except (OSError, EOFError):
                self.close()
            if time.monotonic() > give_up_at:
                raise NotTaken(control_id)
            time.sleep(AGAIN_SECONDS)

    def close(self) -> None:
        """The connection is gone; the next message opens another."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def _exchange(self, raw: bytes, control_id: str, mishap: str) -> Message:
        line, block = self._connected(), frame(raw)
        if mishap == "drop_before":
            line.sendall(block[: len(block) // 2])
            raise EOFError
        if mishap == "drop_after":
            line.sendall(block)
            raise EOFError
        if mishap == "delay":
            time.sleep(DELAY_SECONDS)
        if mishap == "drip":
            self._drip(line, block)
        else:
            line.sendall(block * (2 if mishap == "duplicate" else 1))
        answer = self._answer(line, control_id)
        if mishap == "duplicate":
            self._compare(answer, self._answer(line, control_id), control_id)
        return answer

    def _drip(self, line: socket.socket, block: bytes) -> None:
        size = max(1, len(block) // _PIECES)
        for start in range(0, len(block), size):
            line.sendall(block[start : start + size])
            time.sleep(0.002)

    def _compare(self, first: Message, second: Message, control_id: str) -> None:
        """The same bytes twice: whoever was accepted once must hear the same again."""
        told = first.get("MSA-1"), second.get("MSA-1")
        if told[0] == "AA" and told[1] != "AA":
            self.odd.append(f"{control_id} answered {told[0]} and, the same bytes again, {told[1]}")

    def _answer(self, line: socket.socket, control_id: str) -> Message:
        while True:
            while (raw := self._decoder.next_frame()) is None:
                data = line.recv(_READ_BYTES)
                if not data:
                    raise EOFError
                self._decoder.feed(data)
            answer = parse(raw)
            if answer.get("MSA-2") == control_id:
                return answer

    def _connected(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=ANSWER_SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._decoder = FrameDecoder()
        return self._socket
