"""The listening side: takes frames from many connections and sends each answer on the connection it belongs to."""

import asyncio
import logging
import ssl as tls
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from hl7_adapter.mllp.frames import MAX_FRAME_BYTES, FrameDecoder, FrameTooLong, frame

log = logging.getLogger(__name__)

Reply = bytes | Sequence[bytes] | None
"""The answer to a message, its answers in the order they go out, or None for no answer."""

Handler = Callable[[bytes, str], Awaitable[Reply]]
"""`async handler(raw, peer)`: the reply to a message; `peer` is the sender's IP address."""

_READ_BYTES = 64 * 1024
HANDSHAKE_SECONDS = 10


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


class _Connection:
    """One peer's connection: its frames are handled and answered one after the other, in the order they came."""

    def __init__(self, server: "MllpServer", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.decoder = FrameDecoder(server.limits.frame_bytes)
        self.busy = False
        self._server = server
        self._reader = reader
        self._writer = writer
        self._peer = str((writer.get_extra_info("peername") or ("",))[0])

    async def run(self) -> None:
        """Serve the connection until the peer leaves, is too slow, sends too much, or the server stops."""
        try:
            while not self._server.stopping and (raw := await self._next_frame()) is not None:
                self.busy = True
                await self._reply(await self._server.handler(raw, self._peer))
                self.busy = False
        except HangUp as last:
            await self._reply(last.answers)
        finally:
            self._server.junk_bytes += self.decoder.junk_bytes
            self._writer.close()

    async def _next_frame(self) -> bytes | None:
        """The next message, or None when the peer hung up; raises TimeoutError, FrameTooLong, ConnectionError."""
        limits, time = self._server.limits, asyncio.get_running_loop().time
        idle_until, frame_until = time() + limits.idle_seconds, None
        while (raw := self.decoder.next_frame()) is None:
            if self.decoder.inside and frame_until is None:
                frame_until = time() + limits.frame_seconds
            async with asyncio.timeout_at(frame_until or idle_until):
                data = await self._reader.read(_READ_BYTES)
            if not data:
                return None
            self.decoder.feed(data)
            if self.decoder.held_bytes > _READ_BYTES and self._server.held_bytes > limits.held_bytes:
                raise FrameTooLong("the unfinished frames of all peers together are more than the listener may hold")
        return raw

    async def _reply(self, reply: Reply) -> None:
        answers = [reply] if isinstance(reply, bytes) else reply or ()
        if answers:
            await self._send(b"".join(frame(answer) for answer in answers))

    async def _send(self, data: bytes) -> None:
        self._writer.write(data)
        try:
            async with asyncio.timeout(self._server.limits.answer_seconds):
                await self._writer.drain()
        except TimeoutError:
            self._writer.transport.abort()
            raise


class MllpServer:
    """A running listener; made by `serve`.

    `junk_bytes` counts what stood between frames on closed connections, `turned_away` the connections over the cap.
    """

    def __init__(self, handler: Handler, limits: Limits) -> None:
        """Prepare a listener that does not listen yet."""
        self.handler = handler
        self.limits = limits
        self.stopping = False
        self.junk_bytes = 0
        self.turned_away = 0
        self._connections: dict[asyncio.Task[None], _Connection] = {}
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int, ssl: tls.SSLContext | None) -> None:
        """Start to accept connections."""
        self._server = await asyncio.start_server(
            self._accept,
            host,
            port,
            ssl=ssl,
            limit=_READ_BYTES,
            ssl_handshake_timeout=HANDSHAKE_SECONDS if ssl else None,
        )

    @property
    def port(self) -> int:
        """The port listened on, also when 0 was asked for."""
        sockets = self._server.sockets if self._server else ()
        return int(sockets[0].getsockname()[1]) if sockets else 0

    @property
    def connections(self) -> int:
        """How many peers are connected now."""
        return len(self._connections)

    @property
    def held_bytes(self) -> int:
        """How many bytes of unfinished frames are held for all peers together."""
        return sum(connection.decoder.held_bytes for connection in self._connections.values())

    async def close(self, grace_seconds: float = 10) -> None:
        """Stop: nobody new is let in, idle peers are let go, a message in hand is answered within the grace.

        Calling it twice is harmless.
        """
        self.stopping = True
        if self._server:
            self._server.close()
        for task, connection in self._connections.items():
            if not connection.busy:
                task.cancel()
        tasks = list(self._connections)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.stopping or len(self._connections) >= self.limits.connections:
            self.turned_away += 1
            log.warning("connection turned away: %d are open", len(self._connections))
            writer.close()
            return
        connection = _Connection(self, reader, writer)
        task = asyncio.get_running_loop().create_task(connection.run())
        self._connections[task] = connection
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Forget a connection; the log gets the kind of failure only, since its words may quote the message."""
        self._connections.pop(task, None)
        failure = None if task.cancelled() else task.exception()
        if isinstance(failure, OSError):
            log.info("connection ended: %s", type(failure).__name__)
        elif failure is not None:
            log.error("connection closed: %s", type(failure).__name__)


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
