"""The listening side: takes frames from many connections and sends each answer on the connection it belongs to."""

import asyncio
import logging
import ssl as tls
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from hl7_adapter.mllp.frames import MAX_FRAME_BYTES, FrameDecoder, FrameTooLong, frame
from hl7_adapter.mllp.listening import Listening, address_of

log = logging.getLogger(__name__)

Reply = bytes | Sequence[bytes] | None
"""The answer to a message, its answers in the order they go out, or None for no answer."""

Handler = Callable[[bytes, str], Awaitable[Reply]]
"""`async handler(raw, peer)`: the reply to a message; `peer` is the sender's IP address (an `Address`)."""

_READ_BYTES = 64 * 1024


class HangUp(Exception):
    """Raised by a handler that wants the connection closed after these answers, without a word when there are none."""

    def __init__(self, *answers: bytes) -> None:
        """Keeps the last answers."""
        super().__init__("the connection is not wanted")
        self.answers = answers


@dataclass(frozen=True, slots=True)
class Limits:
    """What one listener allows; bytes and seconds.

    `frame_seconds` runs from a frame's first byte to its last, however often bytes trickle in; `idle_seconds` from the
    last answer to the next frame's first byte, whatever junk comes meanwhile; `answer_seconds` is how long a peer may
    take to accept its answer. `held_bytes` bounds all unfinished frames together.
    """

    frame_bytes: int = MAX_FRAME_BYTES
    held_bytes: int = 16 * MAX_FRAME_BYTES
    connections: int = 256
    idle_seconds: float = 300
    frame_seconds: float = 60
    answer_seconds: float = 30


class _Connection(asyncio.Protocol):
    """One peer's connection: its frames are handled and answered one after the other, in the order they came.

    One timer watches the deadline, and is moved only when it rings: nearly every deadline is put off before.
    """

    def __init__(self, server: "MllpServer") -> None:
        self._loop = asyncio.get_running_loop()
        self._server = server
        self.decoder = FrameDecoder(server.limits.frame_bytes)
        self.busy = False
        self.over: asyncio.Future[None] = self._loop.create_future()
        self._task: asyncio.Task[None] | None = None
        self._is_lost = self._has_sent_all = False
        self._writable = asyncio.Event()
        self._writable.set()
        self._in_frame = False
        self._deadline = self._loop.time() + server.limits.idle_seconds
        self._timer = self._loop.call_at(self._deadline, self._ring)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Serve the peer, or hang up at once when there is no room."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._peer = address_of(transport)
        if not self._server.lets_in(self):
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Begin with the message when it is whole; a peer that sends on while one is in hand has to wait."""
        self.decoder.feed(data)
        if not self.busy:
            self._begin()
        if self.decoder.held_bytes > _READ_BYTES:
            if self.busy:
                self._transport.pause_reading()
            elif self._server.held_bytes > self._server.limits.held_bytes:
                self._end("the unfinished frames of all peers together are more than the listener may hold")

    def eof_received(self) -> bool:
        """A peer that only stops sending still gets the answers to what it sent (TLS knows no half-closed line)."""
        self._has_sent_all = True
        if not self.busy:
            self._transport.close()
        return self._transport.get_extra_info("sslcontext") is None

    def connection_lost(self, failure: Exception | None) -> None:
        """A message in hand still has its effect; its answer has nobody to go to."""
        self._is_lost = True
        self._timer.cancel()
        self._writable.set()
        self._server.junk_bytes += self.decoder.junk_bytes
        if failure is not None:
            log.info("connection ended: %s", type(failure).__name__)
        self._say_if_over()

    def pause_writing(self) -> None:
        """The peer does not read its answers: the next one waits."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The peer reads again."""
        self._writable.set()

    def leave(self) -> None:
        """End the connection; a message in hand is answered no more."""
        if self._task is not None:
            self._task.cancel()
        if self.busy or self._transport.is_closing():
            self._transport.abort()
        else:
            self._transport.close()

    def _begin(self) -> None:
        raw = self._next_frame()
        if raw is not None:
            self.busy = True
            self._task = self._loop.create_task(self._serve(raw))
            self._task.add_done_callback(self._served)

    def _next_frame(self) -> bytes | None:
        """The next whole message; None while there is none, and when no more are taken."""
        if self._transport.is_closing() or self._server.stopping:
            return None
        try:
            raw = self.decoder.next_frame()
        except FrameTooLong as failure:
            self._end(str(failure))
            return None
        if self.decoder.inside and not self._in_frame:
            self._deadline = self._loop.time() + self._server.limits.frame_seconds
            self._ring_no_later()
        self._in_frame = self.decoder.inside
        return raw

    async def _serve(self, raw: bytes | None) -> None:
        """Answer this message and those that wait behind it."""
        try:
            while raw is not None:
                await self._reply(await self._server.handler(raw, self._peer))
                self._deadline = self._loop.time() + self._server.limits.idle_seconds
                raw = self._next_frame()
        except HangUp as last:
            await self._reply(last.answers)
            self._transport.close()

    async def _reply(self, reply: Reply) -> None:
        answers = [reply] if isinstance(reply, bytes) else reply or ()
        if answers:
            self._transport.write(b"".join([frame(answer) for answer in answers]))
        if not self._writable.is_set():
            try:
                async with asyncio.timeout(self._server.limits.answer_seconds):
                    await self._writable.wait()
            except TimeoutError:
                self._transport.abort()
                raise

    def _served(self, task: asyncio.Task[None]) -> None:
        """Wait for more, or end; the log gets the kind of failure only, since its words may quote the message."""
        self.busy, self._task = False, None
        failure = None if task.cancelled() else task.exception()
        if isinstance(failure, OSError):
            log.info("connection ended: %s", type(failure).__name__)
        elif failure is not None:
            log.error("connection closed: %s", type(failure).__name__)
        if failure is not None or task.cancelled() or self._has_sent_all or self._server.stopping:
            self._transport.close()
        self._transport.resume_reading()
        self._say_if_over()

    def _say_if_over(self) -> None:
        if self._is_lost and not self.busy and not self.over.done():
            self.over.set_result(None)

    def _ring_no_later(self) -> None:
        if self._timer.when() > self._deadline:
            self._timer.cancel()
            self._timer = self._loop.call_at(self._deadline, self._ring)

    def _ring(self) -> None:
        now = self._loop.time()
        if self.busy or now < self._deadline:
            again = now + self._server.limits.idle_seconds if self.busy else self._deadline
            self._timer = self._loop.call_at(again, self._ring)
        else:
            self._end("too slow, or idle")

    def _end(self, why: str) -> None:
        log.info("connection ended: %s", why)
        self._transport.close()


class MllpServer(Listening[_Connection]):
    """A running listener; made by `serve`.

    `junk_bytes` counts what stood between frames on closed connections, `turned_away` the connections over the cap.
    """

    def __init__(self, handler: Handler, limits: Limits) -> None:
        """Prepare a listener that does not listen yet."""
        super().__init__(limits.connections)
        self.handler = handler
        self.limits = limits
        self.junk_bytes = 0

    def _protocol(self) -> Callable[[], asyncio.BaseProtocol]:
        return lambda: _Connection(self)

    @property
    def held_bytes(self) -> int:
        """How many bytes of unfinished frames are held for all peers together."""
        return sum(each.decoder.held_bytes for each in self._open)


async def serve(
    host: str, port: int, handler: Handler, limits: Limits | None = None, ssl: tls.SSLContext | None = None
) -> MllpServer:
    """Listen for messages; the listener is up when this returns, and runs until its `close`.

    `await handler(raw, peer)` gives the answer's bytes, or those of several answers (enhanced mode), which go out
    before that peer's next message is handled; messages of different peers are handled side by side. A handler that
    raises closes the connection without an answer, so that the sender keeps its message; HangUp closes it with its
    answers. `ssl` is a TLS context (with `verify_mode` CERT_REQUIRED for mutual TLS). Raises OSError when the address
    is taken.
    """
    server = MllpServer(handler, limits or Limits())
    await server.listen(host, port, ssl)
    return server
