"""Reads the codes that pages draw: the drawing becomes a picture, the picture is read as a camera would."""

from __future__ import annotations

import io
import re

import zxingcpp
from PIL import Image, ImageDraw
from pypdf import PdfReader

from tools.play.browser import Page, StepFailed

_MOVE = re.compile(r"([mMhvz])([-\d. ]*)")
MODULE_PX = 8


def picture_of(view_box: str, path: str) -> Image.Image:
    """The drawing of a code: each `h` is a run of dark modules along its row."""
    left, top, width, height = (float(number) for number in view_box.split())
    picture = Image.new("L", (int(width) * MODULE_PX, int(height) * MODULE_PX), 255)
    pen, x, y = ImageDraw.Draw(picture), 0.0, 0.0
    for command, rest in _MOVE.findall(path):
        numbers = [float(number) for number in re.findall(r"-?\d*\.?\d+", rest)]
        if command == "M":
            x, y = numbers
        elif command == "m":
            x, y = x + numbers[0], y + numbers[1]
        elif command == "h":
            corner = ((x - left) * MODULE_PX, (y - 0.5 - top) * MODULE_PX)
            x += numbers[0]
            pen.rectangle((*corner, (x - left) * MODULE_PX - 1, (y + 0.5 - top) * MODULE_PX - 1), fill=0)
    return picture


def code_on(page: Page) -> str:
    """What the first code drawn on the page says; StepFailed when none can be read."""
    for view_box, path in page.markup.drawings:
        for found in zxingcpp.read_barcodes(picture_of(view_box, path)):
            return str(found.text)
    raise StepFailed(f"no readable code on {page.where}")


def text_of_pdf(content: bytes) -> tuple[str, int]:
    """The words of a PDF without blanks between them, and its number of pages; StepFailed when it is none."""
    if not content.startswith(b"%PDF"):
        raise StepFailed("the answer is no PDF")
    pages = PdfReader(io.BytesIO(content)).pages
    return "".join("".join(page.extract_text().split()) for page in pages), len(pages)
