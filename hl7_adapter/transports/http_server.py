"""Messages by HTTP: POST /hl7 with the message as the body, POST /soap with the message in an envelope."""

import asyncio
import logging
import ssl as tls
from collections.abc import Callable, Sequence

from hl7_adapter.mllp import Handler, HangUp, Limits, Listening, address_of
from hl7_adapter.transports import soap
from hl7_adapter.transports.http_wire import HEAD_BYTES, BadRequest, Head, Response, read_body, read_head

ER7_TYPES = ("application/hl7-v2", "application/hl7-v2+er7", "x-application/hl7-v2+er7")
SOAP_TYPES = ("text/xml", "application/soap+xml")
_TYPES = {"/hl7": ER7_TYPES, "/soap": SOAP_TYPES}
_LATER = (("Retry-After", "30"),)
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
log = logging.getLogger(__name__)


class HttpServer(Listening["_Line"]):
    """A running listener; made by `serve_http`. `turned_away` counts the connections over the cap."""

    def __init__(self, handler: Handler, limits: Limits) -> None:
        """Prepare a listener that does not listen yet."""
        super().__init__(limits.connections)
        self.handler = handler
        self.limits = limits
        self.held_bytes = 0

    def _protocol(self) -> Callable[[], asyncio.BaseProtocol]:
        return lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader(limit=HEAD_BYTES), self._accept)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = _Line(self, reader, writer)
        if self.lets_in(line):
            line.serve()
        else:
            writer.close()


class _Line:
    """One sender's connection: its requests are answered one after the other."""

    def __init__(self, server: HttpServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.busy = False
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._server = server
        self._reader = reader
        self._writer = writer
        self._held = 0
        self._peer = address_of(writer.transport)

    def serve(self) -> None:
        """Begin to serve."""
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._task.add_done_callback(lambda _task: self.over.set_result(None))

    def leave(self) -> None:
        """End the connection; a message in hand is answered no more."""
        self._task.cancel()

    async def _run(self) -> None:
        """Serve the connection until the sender leaves, is too slow, sends nonsense, or the server stops."""
        try:
            while not self._server.stopping and await self._one():
                self.busy = False
        except (OSError, TimeoutError) as ended:
            log.info("connection ended: %s", type(ended).__name__)
        finally:
            self._let_go()
            self._writer.close()

    async def _one(self) -> bool:
        """One request answered; False when the connection is to be closed."""
        limits = self._server.limits
        try:
            async with asyncio.timeout(limits.idle_seconds):
                head = await read_head(self._reader)
            if head is None:
                return False
            self.busy = True
            _check(head)
            async with asyncio.timeout(limits.frame_seconds):
                body = await read_body(self._reader, head, self._hold, self._go_on)
            response, keeps_open = await self._answer(head, body)
            keeps_open = keeps_open and head.keeps_open and not self._server.stopping
        except BadRequest as wrong:
            headers = (("Allow", "POST"),) if wrong.status == 405 else ()
            response, keeps_open = Response(wrong.status, f"{wrong}\n".encode(), headers=headers), False
        self._let_go()
        await self._send(response.written(keeps_open=keeps_open))
        return keeps_open

    async def _answer(self, head: Head, body: bytes) -> tuple[Response, bool]:
        if head.path == "/hl7":
            return await self._ask(body, None)
        try:
            envelope = soap.read_envelope(body, head.charset)
        except soap.BadEnvelope as wrong:
            return Response(400, soap.fault(str(wrong)), "text/xml; charset=utf-8"), True
        return await self._ask(envelope.message, envelope)

    async def _ask(self, raw: bytes, envelope: soap.Envelope | None) -> tuple[Response, bool]:
        """The handler's answer as a response: of two (enhanced mode) the last, which says what became of it."""
        try:
            reply = await self._server.handler(raw, self._peer)
        except HangUp as end:
            return (_told(403, end.answers, envelope) if end.answers else Response(503, headers=_LATER)), False
        except Exception as failure:  # noqa: BLE001 - nothing was kept; the sender has its message and tries again
            log.error("not answered: %s", type(failure).__name__)  # noqa: TRY400 - a trace could hold a person's data
            return Response(503, headers=_LATER), False
        return _told(200, [reply] if isinstance(reply, bytes) else reply or (), envelope), True

    def _hold(self, count: int) -> None:
        self._held += count
        self._server.held_bytes += count
        if self._held > self._server.limits.frame_bytes:
            raise BadRequest(413, f"more than {self._server.limits.frame_bytes} bytes")
        if self._server.held_bytes > self._server.limits.held_bytes:
            raise BadRequest(503, "too much is being received at once; try again")

    def _let_go(self) -> None:
        self._server.held_bytes -= self._held
        self._held = 0

    async def _go_on(self) -> None:
        await self._send(_CONTINUE)

    async def _send(self, data: bytes) -> None:
        self._writer.write(data)
        async with asyncio.timeout(self._server.limits.answer_seconds):
            await self._writer.drain()


def _check(head: Head) -> None:
    if head.path not in _TYPES:
        raise BadRequest(404, "messages are taken at /hl7 and /soap")
    if head.method != "POST":
        raise BadRequest(405, "a message is sent by POST")
    if head.media_type not in _TYPES[head.path]:
        raise BadRequest(415, f"the Content-Type is one of {', '.join(_TYPES[head.path])}")


def _told(status: int, answers: Sequence[bytes], envelope: soap.Envelope | None) -> Response:
    if not answers:
        return Response(204 if envelope is None else 202)
    if envelope is None:
        return Response(status, answers[-1], ER7_TYPES[0])
    return Response(status, envelope.answer(answers[-1]), "text/xml; charset=utf-8")


async def serve_http(
    host: str, port: int, handler: Handler, limits: Limits | None = None, ssl: tls.SSLContext | None = None
) -> HttpServer:
    """Listen for messages by HTTP, by HTTPS with `ssl`; the listener runs until its `close`.

    `handler` is one of `mllp.serve`. Raises OSError when the address is taken.
    """
    server = HttpServer(handler, limits or Limits())
    await server.listen(host, port, ssl)
    return server
