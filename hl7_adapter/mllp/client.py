"""The sending side: one message at a time, and only the answer to that very message counts."""

import asyncio
import contextlib
import ssl as tls

from hl7_adapter.er7 import parse
from hl7_adapter.mllp.frames import MAX_FRAME_BYTES, FrameDecoder, FrameTooLong, frame

_READ_BYTES = 64 * 1024


class NoAnswer(Exception):
    """The message may or may not have arrived: send it again with the same control id."""


class Timeout(NoAnswer):
    """The answer did not come in time; the connection is closed, so a late answer can hit no later message."""


class PeerClosed(NoAnswer):
    """The peer hung up (or sent more than a frame may hold) before it answered."""


class MllpClient:
    """A connection to one receiver, opened at the first message and opened again whenever it was lost.

    Safe to share between tasks: messages wait for each other.
    """

    def __init__(
        self,
        host: str,
        port: int,
        timeout_seconds: float = 30,
        *,
        ssl: tls.SSLContext | None = None,
        max_frame_bytes: int = MAX_FRAME_BYTES,
    ) -> None:
        """Remember the receiver; nothing is connected yet. `timeout_seconds` bounds one whole `send`."""
        self.stale_frames = 0
        self._address = (host, port)
        self._timeout_seconds = timeout_seconds
        self._ssl = ssl
        self._max_frame_bytes = max_frame_bytes
        self._turn = asyncio.Lock()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._decoder = FrameDecoder(max_frame_bytes)

    async def send(self, raw: bytes) -> bytes:
        """The receiver's answer whose MSA-2 is this message's MSH-10; other frames are dropped and counted.

        Raises Timeout or PeerClosed when the outcome is unknown, OSError when nobody could be reached, ValueError
        when the message has no MSH-10 or holds the byte 0x1C. After any of them the connection is closed.
        """
        control_id = parse(raw).get("MSH-10").strip()
        if not control_id:
            raise ValueError("a message without MSH-10 cannot be answered")
        block = frame(raw)
        async with self._turn:
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    return await self._exchange(block, control_id)
            except TimeoutError as late:
                self._hang_up()
                raise Timeout(f"no answer within {self._timeout_seconds:g} s") from late
            except BaseException:
                self._hang_up()
                raise

    async def close(self) -> None:
        """Close the connection; a later `send` opens a new one."""
        async with self._turn:
            writer, self._reader, self._writer = self._writer, None, None
            if writer is not None:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    async def _exchange(self, block: bytes, control_id: str) -> bytes:
        reader, writer = await self._connected()
        try:
            writer.write(block)
            await writer.drain()
            while True:
                answer = await self._next_frame(reader)
                if parse(answer).get("MSA-2").strip() == control_id:
                    return answer
                self.stale_frames += 1
        except (ConnectionError, FrameTooLong) as lost:
            raise PeerClosed(type(lost).__name__) from lost

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None or self._reader.at_eof() or self._writer.is_closing():
            self._hang_up()
            self._reader, self._writer = await asyncio.open_connection(*self._address, ssl=self._ssl)
            self._decoder = FrameDecoder(self._max_frame_bytes)
        return self._reader, self._writer

    async def _next_frame(self, reader: asyncio.StreamReader) -> bytes:
        while (answer := self._decoder.next_frame()) is None:
            data = await reader.read(_READ_BYTES)
            if not data:
                raise PeerClosed("the receiver hung up")
            self._decoder.feed(data)
        return answer

    def _hang_up(self) -> None:
        writer, self._reader, self._writer = self._writer, None, None
        if writer is not None:
            writer.transport.abort()


def send_once(
    host: str, port: int, raw: bytes, timeout_seconds: float = 30, *, ssl: tls.SSLContext | None = None
) -> bytes:
    """Connect, send one message, and give its answer; for callers without an event loop.

    Raises what `MllpClient.send` raises.
    """

    async def once() -> bytes:
        client = MllpClient(host, port, timeout_seconds, ssl=ssl)
        try:
            return await client.send(raw)
        finally:
            await client.close()

    return asyncio.run(once())
