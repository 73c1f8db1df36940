"""Reading a bank's statement of the card terminals (POS 对账单): a CSV, whose columns each bank names its own way.

It is small and comes by hand, so it is read strictly: what cannot be understood is refused with its line and column,
and nothing of the file is kept. Lines above the names of the columns, and from a line of sums on, are passed over.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from app.kernel.money import parse_yuan
from app.reconciliation.errors import StatementFlawed
from app.reconciliation.rows import CHINA
from app.reconciliation.states import Subject

LINES_ABOVE = 20
SUBJECTS = {"pay": Subject.PAYMENT, "refund": Subject.REFUND}
SKIPPED = "skip"
_SUMS = re.compile(r"\s*(合计|总计|小计|共)")
_TERMINAL = re.compile(r"[0-9A-Za-z]{1,16}", re.ASCII)
_SLIP = re.compile(r"[0-9]{1,12}", re.ASCII)
_REFERENCE = re.compile(r"[0-9A-Za-z_-]{0,40}", re.ASCII)
_AT = re.compile(
    r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?[ T]*(\d{1,2}):?(\d{2})(?::?(\d{2}))?(?:\.0+)?", re.ASCII
)
# So a spreadsheet keeps the zeros before a number: ="000123", or an apostrophe before it.
_KEPT_AS_TEXT = re.compile(r'="(.*)"|\'(.*)')


@dataclass(frozen=True)
class Form:
    """How the bank writes: `columns` {terminal, slip, at, amount, kind, reference: its columns}, joined by a blank.

    `kinds` {its word: pay, refund or skip}, for what moves no money of ours. `reference` may be missing.
    """

    columns: Mapping[str, tuple[str, ...]]
    kinds: Mapping[str, str]


class SlipRow(NamedTuple):
    """One transaction of a terminal, with the line of the file on which it stands."""

    line: int
    subject: Subject
    terminal_no: str
    slip_no: str
    reference: str
    amount_fen: int
    at: datetime


def rows_of(content: bytes, form: Form) -> list[SlipRow]:
    """The rows of a whole file, in order.

    Refuses `not_text`, `column_missing`, `cells_missing`, `terminal_not_valid`, `slip_not_valid`,
    `reference_not_valid`, `time_not_valid`, `amount_not_valid`, `kind_unknown`, each with its line and column.
    """
    reader = csv.reader(io.StringIO(_text_of(content), newline=""), strict=True)
    try:
        names = _names(reader, form)
        return list(_rows(reader, names, form))
    except csv.Error as error:
        raise StatementFlawed("not_a_statement", reader.line_num) from error


def _text_of(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise StatementFlawed("not_text")


def _names(reader: Iterator[list[str]], form: Form) -> list[str]:
    wanted = [name for names in form.columns.values() for name in names]
    nearest: list[str] = wanted
    for _, cells in zip(range(LINES_ABOVE), reader, strict=False):
        names = [_plain(cell).replace("（", "(").replace("）", ")") for cell in cells]
        missing = [name for name in wanted if name not in names]
        if not missing:
            return names
        nearest = min(nearest, missing, key=len)
    raise StatementFlawed("column_missing", 0, nearest[0])


def _rows(reader: Iterator[list[str]], names: list[str], form: Form) -> Iterator[SlipRow]:
    for cells in reader:
        line = reader.line_num  # type: ignore[attr-defined]
        if not any(cell.strip() for cell in cells):
            continue
        if _SUMS.match(cells[0]):
            return
        if len(cells) < len(names):
            raise StatementFlawed("cells_missing", line, names[len(cells)])
        row = _row(line, dict(zip(names, map(_plain, cells), strict=False)), form)
        if row is not None:
            yield row


def _row(line: int, cells: dict[str, str], form: Form) -> SlipRow | None:
    said = {field: " ".join(cells[name] for name in names) for field, names in form.columns.items()}

    def flawed(code: str, field: str) -> StatementFlawed:
        return StatementFlawed(code, line, form.columns[field][0])

    kind = form.kinds.get(said["kind"])
    if kind is None:
        raise flawed("kind_unknown", "kind")
    if kind == SKIPPED:
        return None
    subject = SUBJECTS[kind]
    for field, shape in (("terminal", _TERMINAL), ("slip", _SLIP), ("reference", _REFERENCE)):
        if not shape.fullmatch(said.get(field, "")):
            raise flawed(f"{field}_not_valid", field)
    at, fen = _instant(said["at"]), _fen(said["amount"], subject)
    if at is None:
        raise flawed("time_not_valid", "at")
    if fen is None:
        raise flawed("amount_not_valid", "amount")
    return SlipRow(line, subject, said["terminal"], said["slip"], said.get("reference", ""), fen, at)


def _plain(cell: str) -> str:
    text = cell.strip()
    kept = _KEPT_AS_TEXT.fullmatch(text)
    return (kept[1] or kept[2] or "").strip() if kept else text


def _fen(text: str, subject: Subject) -> int | None:
    """What moved; a refund may be told with a minus. Nothing moved without an amount, so 0 is none."""
    if subject is Subject.REFUND:
        text = text.removeprefix("-")
    try:
        return parse_yuan(text) or None
    except ValueError:
        return None


def _instant(text: str) -> datetime | None:
    found = _AT.fullmatch(text)
    if found is None:
        return None
    try:
        at = datetime(*(int(figure or 0) for figure in found.groups()), tzinfo=CHINA)  # type: ignore[misc, arg-type]
    except ValueError:
        return None
    return at if 2000 <= at.year < 2200 else None
