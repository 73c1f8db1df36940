"""Papers are printed by a separate process that can be slow, greedy or broken without harm to the pages.

One process is started when the first paper is asked for, gets one document at a time, is replaced after 500, and is
replaced at once when it dies or takes longer than ten seconds.
"""

import atexit
import os
import selectors
import subprocess
import sys
import threading
import time
from pathlib import Path

from app.paper import press
from app.paper.fonts import FOLDER

DOCUMENTS_PER_PROCESS = 500
DOCUMENT_SECONDS = 10.0
START_SECONDS = 30.0
# What the process is told of this machine: where programs and libraries are. Nothing else of our environment.
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_HOMEBREW_LIBRARIES = "/opt/homebrew/lib:/usr/local/lib"


class PdfUnavailable(Exception):
    """This installation cannot print: Pango is missing. The words say which library; all else works without it."""


class PdfFailed(Exception):
    """One paper could not be printed: too slow, too large, or the process died. Asking again starts afresh."""


class Press:
    """One printing process and the lock before it; several threads may ask at once and take turns."""

    def __init__(self, *, document_seconds: float = DOCUMENT_SECONDS, documents: int = DOCUMENTS_PER_PROCESS) -> None:
        """Nothing is started yet."""
        self._document_seconds = document_seconds
        self._documents = documents
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner_pid = 0
        self._printed = 0
        self._missing = ""

    def print_pdf(self, html: str) -> bytes:
        """The PDF of a document that carries all it needs within itself; other addresses in it stay empty.

        Raises PdfUnavailable (no Pango) or PdfFailed (this document, or the process while it had it).
        """
        with self._lock:
            process = self._ready_process()
            try:
                answer = _exchange(process, html.encode(), time.monotonic() + self._document_seconds)
            except (OSError, EOFError, TimeoutError) as failure:
                self._stop()
                raise PdfFailed(type(failure).__name__) from failure
            self._printed += 1
            if self._printed >= self._documents:
                self._stop()
        if answer[:1] == press.FAILED:
            raise PdfFailed(answer[1:].decode(errors="replace"))
        return answer[1:]

    def start(self) -> None:
        """The process is running and able to print; PdfUnavailable with the reason when it cannot be."""
        with self._lock:
            self._ready_process()

    def close(self) -> None:
        """The process is gone; the next paper starts another."""
        with self._lock:
            self._stop()

    def _ready_process(self) -> subprocess.Popen[bytes]:
        """The running process, or a new one. After a fork the parent's process is left to the parent.

        A library found missing is remembered, so that pages do not wait for the same answer again and again.
        """
        if self._missing:
            raise PdfUnavailable(self._missing)
        if self._owner_pid != os.getpid():
            self._process = None
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._stop()
        self._process = started_process()
        self._owner_pid, self._printed = os.getpid(), 0
        try:
            hello = _receive(self._process, time.monotonic() + START_SECONDS)
        except (OSError, EOFError, TimeoutError) as failure:
            self._stop()
            raise PdfUnavailable("the printing process did not start") from failure
        if hello[:1] != press.READY:
            self._stop()
            self._missing = hello[1:].decode(errors="replace")
            raise PdfUnavailable(self._missing)
        return self._process

    def _stop(self) -> None:
        """The process is ended and its pipes are closed; nothing happens when there is none."""
        process, self._process = self._process, None
        if process is not None and self._owner_pid == os.getpid():
            process.kill()
            process.communicate()


def started_process() -> subprocess.Popen[bytes]:
    """A new printing process that sees our fonts, no font of the machine, and none of our settings."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    if sys.platform == "darwin":
        environment.setdefault("DYLD_FALLBACK_LIBRARY_PATH", _HOMEBREW_LIBRARIES)
    environment["FONTCONFIG_FILE"] = str(FOLDER / "fonts.conf")
    return subprocess.Popen(
        [sys.executable, "-I", str(Path(press.__file__))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )


def _exchange(process: subprocess.Popen[bytes], document: bytes, deadline: float) -> bytes:
    """One document in, one answer out."""
    assert process.stdin is not None
    press.write_frame(process.stdin, document)
    return _receive(process, deadline)


def _receive(process: subprocess.Popen[bytes], deadline: float) -> bytes:
    """One frame of the process; TimeoutError after the deadline (monotonic seconds), EOFError when it has ended."""
    assert process.stdout is not None
    size = int.from_bytes(_read(process.stdout.fileno(), 4, deadline))
    return _read(process.stdout.fileno(), size, deadline)


def _read(descriptor: int, size: int, deadline: float) -> bytes:
    """Exactly so many bytes, however they arrive."""
    got = bytearray()
    with selectors.DefaultSelector() as arrival:
        arrival.register(descriptor, selectors.EVENT_READ)
        while len(got) < size:
            if not arrival.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError
            part = os.read(descriptor, size - len(got))
            if not part:
                raise EOFError
            got += part
    return bytes(got)


_press = Press()
atexit.register(_press.close)


def print_pdf(html: str) -> bytes:
    """The PDF of a document, printed by this process's own press; see `Press.print_pdf`."""
    return _press.print_pdf(html)


def pdf_available() -> tuple[bool, str]:
    """Whether this installation can print, and if not, why (the missing library, in the loader's words)."""
    try:
        _press.start()
    except PdfUnavailable as missing:
        return False, str(missing)
    return True, ""
