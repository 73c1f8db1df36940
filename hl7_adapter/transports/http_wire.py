"""HTTP/1.1 as far as a message needs it: one request read within strict limits, one response written."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

HEAD_BYTES = 16 * 1024
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([A-Za-z0-9._-]{1,40})", re.IGNORECASE)
_HEX = re.compile(rb"[0-9A-Fa-f]{1,8}")
_REASONS = {
    200: "OK",
    202: "Accepted",
    204: "No Content",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    411: "Length Required",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
    505: "HTTP Version Not Supported",
}


class BadRequest(Exception):
    """The request cannot be taken; after the response `status` the connection is closed."""

    def __init__(self, status: int, words: str) -> None:
        """Keeps the status and the words for the sender, which name no person."""
        super().__init__(words)
        self.status = status


@dataclass(frozen=True)
class Head:
    """A request's first lines; the names of `headers` are in small letters."""

    method: str
    path: str
    version: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def keeps_open(self) -> bool:
        """True when the sender wants to send more on this connection."""
        wish = self.headers.get("connection", "").lower()
        return wish == "keep-alive" if self.version == "HTTP/1.0" else wish != "close"

    @property
    def media_type(self) -> str:
        """The type of the body without its parameters, in small letters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def charset(self) -> str:
        """The character set named beside the type, '' without one."""
        found = _CHARSET.search(self.headers.get("content-type", ""))
        return found[1] if found else ""


@dataclass(frozen=True)
class Response:
    """What is answered: status, body and its type, further headers."""

    status: int
    body: bytes = b""
    media_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()

    def written(self, *, keeps_open: bool) -> bytes:
        """The response's bytes."""
        lines = [f"HTTP/1.1 {self.status} {_REASONS[self.status]}"]
        if self.status != 204:
            lines += [f"Content-Type: {self.media_type}", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines.append(f"Connection: {'keep-alive' if keeps_open else 'close'}")
        return "\r\n".join([*lines, "", ""]).encode("ascii") + self.body


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """The next request's first lines; None when the sender is gone. The reader's limit is HEAD_BYTES."""
    try:
        block = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as gone:
        if gone.partial.strip():
            raise BadRequest(400, "the request broke off") from None
        return None
    except asyncio.LimitOverrunError:
        raise BadRequest(431, "the request's headers are too long") from None
    first, *lines = block.decode("latin-1").strip("\r\n").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not _TOKEN.fullmatch(words[0]) or not words[1].startswith("/"):
        raise BadRequest(400, "not a request line")
    if words[2] not in {"HTTP/1.0", "HTTP/1.1"}:
        raise BadRequest(505, "HTTP/1.1 is spoken here")
    return Head(words[0], words[1].partition("?")[0], words[2], _headers(lines))


def _headers(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.fullmatch(name) or "\x00" in value:
            raise BadRequest(400, "not a header")
        if name.lower() in found and name.lower() in {"content-length", "transfer-encoding", "content-type"}:
            raise BadRequest(400, f"{name} stands twice")
        found[name.lower()] = value.strip()
    return found


async def read_body(
    reader: asyncio.StreamReader, head: Head, hold: Callable[[int], None], go_on: Callable[[], Awaitable[None]]
) -> bytes:
    """The request's body, by Content-Length or in chunks.

    `hold(count)` is called before so many bytes are taken and raises BadRequest when they are too many; `go_on` is
    awaited before anything is read when the sender waits for leave (Expect: 100-continue).
    """
    length, coding = head.headers.get("content-length"), head.headers.get("transfer-encoding")
    if (length is None) == (coding is None):
        raise BadRequest(411 if length is None else 400, "either Content-Length or Transfer-Encoding is needed")
    if length is not None:
        if not (length.isascii() and length.isdecimal() and len(length) <= 12):
            raise BadRequest(400, "Content-Length is no number")
        hold(int(length))
    elif (coding or "").lower() != "chunked":
        raise BadRequest(400, "only the transfer coding `chunked` is taken")
    if head.headers.get("expect", "").lower() == "100-continue":
        await go_on()
    try:
        return await reader.readexactly(int(length)) if length is not None else await _chunks(reader, hold)
    except asyncio.IncompleteReadError:
        raise BadRequest(400, "the body broke off") from None
    except (ValueError, asyncio.LimitOverrunError):
        raise BadRequest(400, "not a chunk") from None


async def _chunks(reader: asyncio.StreamReader, hold: Callable[[int], None]) -> bytes:
    body = bytearray()
    while True:
        size = (await reader.readuntil(b"\r\n")).partition(b";")[0].strip()
        if not _HEX.fullmatch(size):
            raise BadRequest(400, "not a chunk")
        count = int(size, 16)
        if not count:
            break
        hold(count)
        body += await reader.readexactly(count)
        if await reader.readexactly(2) != b"\r\n":
            raise BadRequest(400, "not a chunk")
    trailer = 0
    while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
        trailer += len(line)
        if trailer > HEAD_BYTES:
            raise BadRequest(431, "the trailers are too long")
    return bytes(body)
