"""Reading what the hospital system booked on a day: its DFT^P03 as one batch (HL7 v2.5.1 section 2.10.3).

FHS and FTS may stand around it. BTS-1 counts the messages; BTS-3, where it is given, is what was paid and what went
back, in yuan. A message is a row for each of our transactions in it: FT1-2 is ours as we sent it, FT1-11 is summed over
its lines. Charges (CG) and their adjustments (AJ) are not compared: what is charged is paid, or nobody owes it.
"""

from __future__ import annotations

import codecs
import contextlib
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, NamedTuple

from app.kernel.money import parse_yuan, yuan_text
from app.reconciliation.errors import StatementFlawed
from app.reconciliation.rows import CHINA, RowIn, believed, lines_in, most_of_them_read, unreadable
from app.reconciliation.states import Outcome, Subject

HEAD = 64 * 1024
SUBJECTS = {"PY": Subject.PAYMENT, "CD": Subject.REFUND}  # HL7 table 0017
MOVES_NOTHING = ("CG", "AJ")  # what was charged, and what a declined line takes off that: nobody paid either
PASSED_OVER = frozenset({"CG", "AJ"})
_OURS = re.compile(r"([0-9A-Za-z]{1,40})-[0-9]+-(?:PY|CD)", re.ASCII)
_STAMP = re.compile(r"([0-9]{14})(?:\.[0-9]{1,4})?([+-][0-9]{4})?", re.ASCII)


class _Line(NamedTuple):
    """What one FT1 says."""

    kind: str
    number: str
    at: str
    yuan: str


@dataclass
class _Sums:
    """What a batch's messages add up to, as far as each could be read."""

    paid_fen: int = 0
    back_fen: int = 0
    are_known: bool = True

    def add(self, row: RowIn) -> None:
        if row.outcome is Outcome.UNREADABLE:
            self.are_known = False
        elif row.subject is Subject.REFUND:
            self.back_fen += row.amount_fen
        else:
            self.paid_fen += row.amount_fen


class _Booked(NamedTuple):
    """A message as it stands in the batch: its control id, and whether it is a DFT^P03."""

    control_id: str
    is_dft: bool
    lines: list[_Line]


def rows_of(file: BinaryIO) -> Iterator[RowIn]:
    """The rows of a whole batch, in order.

    Refuses `not_a_statement`, `not_text`, `line_too_long`, `rows_not_readable`; `cut_short` when an end is missing or
    counts other messages, `sums_differ` when BTS-3 says other sums than the messages.
    """
    with contextlib.closing(lines_in(file, _encoding(file))) as lines:
        yield from most_of_them_read(_rows(line for line in lines if line.strip()))


def _encoding(file: BinaryIO) -> str:
    file.seek(0)
    head = file.read(HEAD)
    file.seek(0)
    if head.removeprefix(codecs.BOM_UTF8)[:3] not in (b"FHS", b"BHS"):
        raise StatementFlawed("not_a_statement")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8-sig"


def _rows(lines: Iterator[str]) -> Iterator[RowIn]:
    fields, is_filed, batches, row_no = "|", False, 0, 0
    for line in lines:
        name, cells = line[:3], line.split(fields)
        if name == "FHS":
            fields, is_filed = line[3:4], True
        elif name == "BHS":
            fields = line[3:4]
            row_no = yield from _batch(lines, fields, row_no)
            batches += 1
        elif name == "FTS" and is_filed and _cell(cells, 1) in ("", str(batches)):
            is_filed = False
        else:
            raise StatementFlawed("cut_short", row_no)
    if is_filed or not batches:
        raise StatementFlawed("cut_short", row_no)


def _batch(lines: Iterator[str], fields: str, row_no: int) -> Generator[RowIn, None, int]:
    """The rows up to BTS; gives the last row's place."""
    count, sums = 0, _Sums()
    booked: _Booked | None = None
    for line in lines:
        cells = line.split(fields)
        if cells[0] not in ("MSH", "BTS"):
            if booked is None:
                raise StatementFlawed("cut_short", row_no)
            if cells[0] == "FT1":
                booked.lines.append(_ft1(cells))
            continue
        for row in _told(booked, row_no) if booked else ():
            row_no = row.row_no
            sums.add(row)
            yield row
        if cells[0] == "BTS":
            _check(cells, count, sums, row_no)
            return row_no
        count += 1
        booked = _Booked(_cell(cells, 9), _cell(cells, 8)[:7] == "DFT^P03", [])
    raise StatementFlawed("cut_short", row_no)


def _check(cells: list[str], count: int, sums: _Sums, row_no: int) -> None:
    if _cell(cells, 1) not in ("", str(count)):
        raise StatementFlawed("cut_short", row_no)
    said = [text for text in re.split("[~^]", _cell(cells, 3)) if text]
    if said and sums.are_known and said != [yuan_text(sums.paid_fen), yuan_text(sums.back_fen)][: len(said)]:
        raise StatementFlawed("sums_differ", row_no)


def _cell(cells: list[str], place: int) -> str:
    return cells[place].strip() if len(cells) > place else ""


def _ft1(cells: list[str]) -> _Line:
    amount = re.split(r"[\^&]", _cell(cells, 11), maxsplit=1)[0]
    number = _cell(cells, 2)
    found = _OURS.fullmatch(number)
    return _Line(_cell(cells, 6), found[1] if found else number, _cell(cells, 4), amount)


def _told(booked: _Booked, row_no: int) -> Iterator[RowIn]:
    """A row for each transaction of the message; one that cannot be read, or is none, is a row, too."""
    if not booked.is_dft or not booked.lines:
        yield unreadable(row_no + 1, Subject.PAYMENT, booked.control_id)
        return
    together: dict[tuple[str, str], list[_Line]] = {}
    for line in booked.lines:
        if line.kind not in MOVES_NOTHING:
            together.setdefault((line.kind, line.number), []).append(line)
    for (kind, number), lines in together.items():
        row_no += 1
        yield _row(row_no, booked, SUBJECTS.get(kind), number, lines)


def _row(row_no: int, booked: _Booked, subject: Subject | None, number: str, lines: list[_Line]) -> RowIn:
    at = _instant(lines[0].at)
    try:
        fen = sum(parse_yuan(line.yuan) for line in lines)
    except ValueError:
        return unreadable(row_no, subject or Subject.PAYMENT, number)
    if subject is None or at is None:
        return unreadable(row_no, subject or Subject.PAYMENT, number)
    return believed(RowIn(row_no, subject, number, booked.control_id, fen, at, Outcome.DONE))


def _instant(stamp: str) -> datetime | None:
    found = _STAMP.fullmatch(stamp)
    if found is None:
        return None
    try:
        if found[2]:
            return datetime.strptime(found[1] + found[2], "%Y%m%d%H%M%S%z")
        return datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=CHINA)
    except ValueError:
        return None
