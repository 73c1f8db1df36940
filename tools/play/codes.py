"""Reads the codes that pages draw: the drawing becomes a picture, the picture is read as a camera would."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import zxingcpp
from PIL import Image, ImageDraw, ImageOps
from pypdf import PageObject, PdfReader

from tools.play.browser import Page, StepFailed

_MOVE = re.compile(r"([mMhvz])([-\d. ]*)")
_PRINTED_RUN = re.compile(rb"(\d+) (\d+)\.5 m\n(\d+) \2\.5 l\n")
MODULE_PX = 8
QUIET_MODULES = 4
Run = tuple[float, float, float]


def runs_of(path: str) -> Iterator[Run]:
    """The runs of dark modules (left, top, right) of a code's drawing: each `h` is one along its row."""
    x, y = 0.0, 0.0
    for command, rest in _MOVE.findall(path):
        numbers = [float(number) for number in re.findall(r"-?\d*\.?\d+", rest)]
        if command == "M":
            x, y = numbers
        elif command == "m":
            x, y = x + numbers[0], y + numbers[1]
        elif command == "h":
            yield x, y - 0.5, x + numbers[0]
            x += numbers[0]


def read(runs: Iterable[Run]) -> str:
    """What the code of these runs says when its picture is looked at; '' when nothing can be read."""
    drawn = list(runs)
    if not drawn:
        return ""
    side = int(max(max(right, top + 1) for _, top, right in drawn)) + 2 * QUIET_MODULES
    picture = Image.new("L", (side * MODULE_PX, side * MODULE_PX), 255)
    pen = ImageDraw.Draw(picture)
    for left, top, right in drawn:
        corners = (left + QUIET_MODULES, top + QUIET_MODULES, right + QUIET_MODULES, top + QUIET_MODULES + 1)
        x0, y0, x1, y1 = (each * MODULE_PX for each in corners)
        pen.rectangle((x0, y0, x1 - 1, y1 - 1), fill=0)
    return next((str(found.text) for found in zxingcpp.read_barcodes(picture)), "")


def code_on(page: Page) -> str:
    """What the first code drawn on the page says; StepFailed when none can be read."""
    found = next((text for _, path in page.markup.drawings if (text := read(runs_of(path)))), "")
    if not found:
        raise StepFailed(f"no readable code on {page.where}")
    return found


@dataclass(frozen=True)
class Paper:
    """A PDF as it is read: its words without blanks between them, what the code on its first page says, its pages."""

    text: str
    code: str
    pages: int


def read_pdf(content: bytes) -> Paper:
    """What stands on a PDF; StepFailed when it is none."""
    if not content.startswith(b"%PDF"):
        raise StepFailed("the answer is no PDF")
    pages = PdfReader(io.BytesIO(content)).pages
    ink = pages[0].get_contents()
    runs = _PRINTED_RUN.findall(b"" if ink is None else ink.get_data())
    code = read((float(left), float(top), float(right)) for left, top, right in runs) or _pictured(pages[0])
    return Paper("".join("".join(page.extract_text().split()) for page in pages), code, len(pages))


def _pictured(page: PageObject) -> str:
    """What a code that is a picture of one pixel a module says; '' when no picture can be read."""
    for found in page.images:
        small = found.image
        if small is None:
            continue
        large = small.convert("L").resize((small.width * MODULE_PX, small.height * MODULE_PX), Image.Resampling.NEAREST)
        framed = ImageOps.expand(large, QUIET_MODULES * MODULE_PX, 255)
        for code in zxingcpp.read_barcodes(framed):
            return str(code.text)
    return ""
