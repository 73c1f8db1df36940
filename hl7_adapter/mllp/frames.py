"""Where a message begins and ends in a stream of bytes; no sockets, no clock.

Framing is done on bytes, before any decoding: none of 0x0B, 0x1C, 0x0D is ever part of a character in the character
sets in use.
"""

MAX_FRAME_BYTES = 16 * 1024 * 1024
"""16 MiB: reports carry whole PDF documents."""

_START, _END, _RETURN = b"\x0b", b"\x1c", b"\x0d"
_RESTART = _START + b"MSH"


class FrameTooLong(Exception):
    """The peer sent more bytes in one frame than it may; the stream cannot be trusted any more, so hang up."""


def frame(raw: bytes) -> bytes:
    """The message in its frame; raises ValueError when it holds the end byte 0x1C and would be cut in two."""
    if _END in raw:
        raise ValueError("a message cannot hold the byte 0x1C")
    return _START + raw + _END + _RETURN


class FrameDecoder:
    """Takes bytes as they arrive and gives back whole messages, however the bytes were cut.

    Bytes between frames are skipped and counted in `junk_bytes` (line ends there are tolerated and not counted). The
    frame ends at 0x1C even when no 0x0D follows. A frame that its sender broke off and began anew gives the new one;
    a lone 0x0B inside a text is kept.
    """

    def __init__(self, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        """Start outside of a frame; `max_frame_bytes` counts the message without its three frame bytes."""
        self.junk_bytes = 0
        self._max = max_frame_bytes
        self._buffer = bytearray()
        self._scanned = 0
        self._inside = False

    @property
    def inside(self) -> bool:
        """True when a frame has begun and its end has not been seen."""
        return self._inside

    @property
    def held_bytes(self) -> int:
        """How many bytes are waiting for the rest of their frame."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take in what arrived; then call `next_frame` until it gives None."""
        self._buffer += data

    def next_frame(self) -> bytes | None:
        """The next whole message without its frame, or None until more bytes arrive; raises FrameTooLong."""
        if not self._inside and not self._find_start():
            return None
        end = self._buffer.find(_END, self._scanned)
        length = len(self._buffer) if end < 0 else end
        if length > self._max:
            raise FrameTooLong(f"more than {self._max} bytes in one frame")
        if end < 0:
            self._scanned = length
            return None
        body = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._inside = False
        return self._after_restart(body)

    def _find_start(self) -> bool:
        """Drop everything up to and with the next 0x0B; False when there is none yet."""
        start = self._buffer.find(_START)
        skipped = self._buffer[: len(self._buffer) if start < 0 else start]
        self.junk_bytes += len(skipped.translate(None, b"\r\n"))
        del self._buffer[: len(skipped) if start < 0 else start + 1]
        self._scanned = 0
        self._inside = start >= 0
        return self._inside

    def _after_restart(self, body: bytes) -> bytes:
        restart = body.rfind(_RESTART)
        if restart < 0:
            return body
        self.junk_bytes += restart
        return body[restart + 1 :]
