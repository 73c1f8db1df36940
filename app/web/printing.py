"""Papers asked for by a page: printed outside of any unit of work, and refused in words when this machine cannot."""

from __future__ import annotations

from collections.abc import Callable

from app.kernel.errors import TryLater
from app.paper.worker import PdfFailed, PdfUnavailable
from app.web import edge


class CannotPrint(TryLater):
    """This installation lacks what PDFs need; facts: `why` names the library."""

    code = "pdf_unavailable"


class PrintFailed(TryLater):
    """One paper could not be printed; asking again starts afresh."""

    code = "pdf_failed"


def printed(paper: Callable[[], bytes]) -> bytes:
    """The bytes of `paper()`; what the request's unit did stands before. Refuses `pdf_unavailable`, `pdf_failed`."""
    edge.finish_unit()
    try:
        return paper()
    except PdfUnavailable as error:
        raise CannotPrint(why=str(error)) from error
    except PdfFailed as error:
        raise PrintFailed from error
