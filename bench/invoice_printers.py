"""Printers to compare with: `python -m bench.invoice_printers stock|reportlab`, frames in and PDFs out.

`stock` is WeasyPrint as its documentation begins, with the machine's fonts; `reportlab` draws the same invoice on its
canvas, with our font file.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from typing import Any

from app.paper.fonts import FOLDER, SMALL_FACE
from app.paper.press import PDF, READY, read_frame, write_frame


def stock() -> Callable[[bytes], bytes]:
    """HTML in, PDF out."""
    import weasyprint  # noqa: PLC0415 - each printer is a process of its own

    return lambda html: weasyprint.HTML(string=html.decode()).write_pdf()


def reportlab() -> Callable[[bytes], bytes]:
    """The rows of an invoice as JSON in, PDF out."""
    from reportlab.graphics.barcode.qr import QrCodeWidget  # noqa: PLC0415
    from reportlab.graphics.shapes import Drawing  # noqa: PLC0415
    from reportlab.lib.units import mm  # noqa: PLC0415
    from reportlab.pdfbase import pdfmetrics, ttfonts  # noqa: PLC0415
    from reportlab.pdfgen.canvas import Canvas  # noqa: PLC0415

    pdfmetrics.registerFont(ttfonts.TTFont("sub", str(FOLDER / SMALL_FACE)))

    def draw(asked: bytes) -> bytes:
        given: dict[str, Any] = json.loads(asked)
        out = io.BytesIO()
        page = Canvas(out, pagesize=(210 * mm, 148 * mm))
        page.setTitle(given["title"])
        page.setFont("sub", 17)
        page.drawCentredString(105 * mm, 132 * mm, given["heading"])
        page.setFont("sub", 8.6)
        page.drawCentredString(105 * mm, 126 * mm, given["notice"])
        for x, y, text in given["texts"]:
            page.drawString(x * mm, y * mm, text)
        for x, y, text in given["amounts"]:
            page.drawRightString(x * mm, y * mm, text)
        for y in given["lines"]:
            page.line(11 * mm, y * mm, 199 * mm, y * mm)
        for x in given["columns"]:
            page.line(x * mm, given["lines"][0] * mm, x * mm, given["lines"][-1] * mm)
        code = QrCodeWidget(given["code"], barLevel="M", barWidth=21 * mm, barHeight=21 * mm)
        drawing = Drawing(21 * mm, 21 * mm)
        drawing.add(code)
        drawing.drawOn(page, 177 * mm, 102 * mm)
        page.showPage()
        page.save()
        return out.getvalue()

    return draw


PRINTERS = {"stock": stock, "reportlab": reportlab}


def main(name: str) -> None:
    """Print until the input ends."""
    work, out = sys.stdin.buffer, sys.stdout.buffer
    draw = PRINTERS[name]()
    write_frame(out, READY)
    while (document := read_frame(work)) is not None:
        write_frame(out, PDF + draw(document))


if __name__ == "__main__":
    main(sys.argv[1])
