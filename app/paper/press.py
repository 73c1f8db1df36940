"""The printing press: a process of its own that gets one HTML document after the other and gives back PDFs.

Started by `worker.py` as a plain script, so that it carries nothing of the application: no settings, no keys, no
database. On standard input and output travel frames: four bytes of length (big-endian), then the payload. First it says
READY, or NO_PANGO with the reason and ends; after that each payload, one document or several with a NUL between them,
is answered by one PDF or FAILED. It ends when its input ends.
"""

import contextlib
import gc
import importlib
import math
import resource
import struct
import sys
from collections.abc import Callable
from typing import IO, Any

READY, NO_PANGO, PDF, FAILED = b"R", b"N", b"P", b"F"
BETWEEN_DOCUMENTS = "\x00"  # no document can hold it
ARCHIVED_AS = "pdf/a-2b"  # ISO 19005-2: fonts and the meaning of colours within, so that it reads the same in 30 years
DOCUMENT_CPU_SECONDS = 10
MEMORY_BYTES = 1024 * 1024 * 1024
_LENGTH = struct.Struct(">L")


def write_frame(stream: IO[bytes], payload: bytes) -> None:
    """One payload goes out with its length before it."""
    stream.write(_LENGTH.pack(len(payload)) + payload)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes | None:
    """The next payload, or None when the stream has ended."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    size: int = _LENGTH.unpack(head)[0]
    payload = stream.read(size)
    return payload if len(payload) == size else None


def load_printer() -> Callable[[str], bytes]:
    """WeasyPrint, made deaf to the world: a document may bring `data:` with it and fetch nothing, nowhere.

    OSError when the machine lacks Pango or another system library.
    """
    weasyprint: Any = importlib.import_module("weasyprint")  # half a second: only this process pays for it
    fonts = importlib.import_module("weasyprint.text.fonts").FontConfiguration()  # a new one each time is never freed
    carried_along = weasyprint.urls.URLFetcher(allowed_protocols={"data"}, allow_redirects=False)

    gc.collect()
    gc.freeze()  # what was imported stays: it need not be looked through for garbage after each document

    def to_pdf(html: str) -> bytes:
        laid_out = [
            weasyprint.HTML(string=document, url_fetcher=carried_along).render(font_config=fonts)
            for document in html.split(BETWEEN_DOCUMENTS)
        ]
        pages = [page for document in laid_out for page in document.pages]
        pdf: bytes = laid_out[0].copy(pages).write_pdf(pdf_variant=ARCHIVED_AS)
        return pdf

    return to_pdf


def limit_cpu_of_next_document() -> None:
    """The kernel ends this process when the next document takes more than its share of the processor."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    allowed = math.ceil(used.ru_utime + used.ru_stime) + DOCUMENT_CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def answer_to(document: bytes, to_pdf: Callable[[str], bytes]) -> bytes:
    """The frame that answers one document. What failed is named by its kind only: its words may hold personal data."""
    try:
        return PDF + to_pdf(document.decode())
    except Exception as failure:  # noqa: BLE001 - whatever one document does, the next one is printed
        return FAILED + type(failure).__name__.encode()


def main() -> None:
    """Prints until the input ends."""
    work, out = sys.stdin.buffer, sys.stdout.buffer
    with contextlib.suppress(ValueError, OSError):  # macOS refuses a limit on address space
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        to_pdf = load_printer()
    except (OSError, ImportError) as failure:
        write_frame(out, NO_PANGO + str(failure).strip().partition("\n")[0].encode())
        return
    write_frame(out, READY)
    while (document := read_frame(work)) is not None:
        limit_cpu_of_next_document()
        write_frame(out, answer_to(document, to_pdf))


if __name__ == "__main__":
    main()
