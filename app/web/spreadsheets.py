"""Tables that people open in a spreadsheet, where a cell can be a formula: none of ours ever is one."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from flask import Response

_AMOUNT = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)
_LIVE = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet run a cell (OWASP, CSV Injection), in full width, too."""


def harmless(text: str) -> str:
    """The text as a cell that no spreadsheet runs; a plain number stays one."""
    if _AMOUNT.fullmatch(text):
        return text
    return f"'{text}" if text.lstrip(" ").startswith(_LIVE) else text


def csv_file(name: str, rows: Iterable[Sequence[str]]) -> Response:
    """The rows as a file to save, in UTF-8 with the mark by which spreadsheets know it."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([harmless(cell) for cell in row] for row in rows)
    answer = Response(text.getvalue().encode("utf-8-sig"), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
