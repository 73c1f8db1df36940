"""A template and its rows become a printed sheet; nothing on it is an empty box, and nothing on it was fetched."""

import base64
import logging
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.kernel.money import capitals, yuan_text
from app.paper.fonts import written_out
from app.paper.press import BETWEEN_DOCUMENTS
from app.paper.worker import print_pdf

_TEMPLATES = Path(__file__).parents[2] / "templates" / "print"
_log = logging.getLogger(__name__)


@cache
def _environment() -> Environment:
    """Templates of paper: everything is escaped, a missing value is an error, money has its two spellings."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(yuan=yuan_text, capitals=capitals)
    return environment


def image_of(svg: str) -> str:
    """An SVG as an address the document carries within itself; a picture is cheaper to lay out than inline SVG."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def picture_of(png: bytes) -> str:
    """A PNG as an address the document carries within itself."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def printed(template: str, **rows: object) -> bytes:
    """The PDF of a template filled with rows; see `printed_together`."""
    return printed_together(template, [rows])


def printed_together(template: str, sheets: Sequence[Mapping[str, object]]) -> bytes:
    """The PDF of a template filled once for each of the sheets, one after the other, each counting its own pages.

    Raises PdfUnavailable or PdfFailed of `app.paper.worker`.
    """
    return print_pdf(filled(template, sheets))


def filled(template: str, sheets: Sequence[Mapping[str, object]]) -> str:
    """What goes to the press for a template filled once for each of the sheets.

    Characters that no font of ours holds are written as `[U+20BB7]` and their numbers logged, without the text around
    them.
    """
    written = [written_out(_environment().get_template(template).render(rows)) for rows in sheets]
    missing = {character for _, characters in written for character in characters}
    if missing:
        _log.warning(
            "%s: characters written as their number: %s",
            template,
            " ".join(f"U+{ord(c):04X}" for c in sorted(missing)),
        )
    return BETWEEN_DOCUMENTS.join(html for html, _ in written)
