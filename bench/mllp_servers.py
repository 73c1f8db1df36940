"""Receivers to compare with: `python -m bench.mllp_servers canned|python-hl7 PORT`, each in a process of its own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine

import hl7
from hl7.mllp import start_hl7_server

from hl7_adapter.mllp import FrameDecoder, frame

_HEAD = b"MSH|^~\\&|MENZHEN|HOSPITAL|HIS|HOSPITAL|20261123092500+0800||ACK|1|P|2.5.1\rMSA|AA|"


class _Canned(asyncio.Protocol):
    """Answers every frame at once with the same words and its MSH-10; nothing is read further, nothing is kept."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._decoder = transport, FrameDecoder()

    def data_received(self, data: bytes) -> None:
        self._decoder.feed(data)
        while (raw := self._decoder.next_frame()) is not None:
            self._transport.write(frame(_HEAD + raw.split(b"|", 10)[9] + b"\r"))


async def _canned(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Canned, "127.0.0.1", port)
    await server.serve_forever()


async def _answer(reader: hl7.mllp.HL7StreamReader, writer: hl7.mllp.HL7StreamWriter) -> None:
    """As in the documentation of python-hl7: parse, answer AA, keep nothing."""
    try:
        while not writer.is_closing():
            message = await reader.readmessage()
            writer.writemessage(message.create_ack())
            await writer.drain()
    except asyncio.IncompleteReadError:
        writer.close()


async def _python_hl7(port: int) -> None:
    async with await start_hl7_server(_answer, host="127.0.0.1", port=port, encoding="utf-8") as server:
        await server.serve_forever()


SERVERS: dict[str, Callable[[int], Coroutine[None, None, None]]] = {"canned": _canned, "python-hl7": _python_hl7}

if __name__ == "__main__":
    asyncio.run(SERVERS[sys.argv[1]](int(sys.argv[2])))
