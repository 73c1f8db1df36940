"""What every statement comes down to, whoever wrote it: rows, of which none is dropped and none is guessed at."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import BinaryIO

from app.kernel.money import parse_yuan
from app.reconciliation.errors import StatementFlawed
from app.reconciliation.states import Outcome, Subject

CHINA = timezone(timedelta(hours=8))  # the providers' statements are in this zone wherever the hospital is
LONGEST_LINE = 4096
MOST_UNREADABLE = 100
MOST_BYTES = 1024**3
_NUMBER = re.compile(r"[0-9A-Za-z_|*@-]{1,64}", re.ASCII)
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class RowIn:
    """A row as told; `row_no` counts from 1 after the line of names."""

    row_no: int
    subject: Subject
    number: str
    foreign_no: str
    amount_fen: int
    at: datetime
    outcome: Outcome


def row_of(row_no: int, subject: Subject, texts: list[str], at: str, outcome: Outcome) -> RowIn:
    """The row of our number, theirs and an amount in yuan, as texts; `unreadable` when one of them is none."""
    number, foreign_no, amount = (text.strip() for text in texts)
    try:
        amount_fen = parse_yuan(amount)
        instant = datetime.fromisoformat(at.strip()).replace(tzinfo=CHINA)
    except ValueError:
        return unreadable(row_no, subject, number)
    return believed(RowIn(row_no, subject, number, foreign_no, amount_fen, instant, outcome))


def believed(row: RowIn) -> RowIn:
    """The row; an `unreadable` one in its place when its numbers or its time can be none."""
    are_numbers = _NUMBER.fullmatch(row.number) and _NUMBER.fullmatch(row.foreign_no)
    return row if are_numbers and 2000 <= row.at.year < 2200 else unreadable(row.row_no, row.subject, row.number)


def unreadable(row_no: int, subject: Subject, number: str) -> RowIn:
    """The row says nothing that could be believed; its place stands for the other side's number."""
    kept = number.strip() if _NUMBER.fullmatch(number.strip()) else ""
    return RowIn(row_no, subject, kept, f"row{row_no}", 0, _NEVER, Outcome.UNREADABLE)


def most_of_them_read(rows: Iterable[RowIn]) -> Iterator[RowIn]:
    """The rows; refuses `rows_not_readable` when so many cannot be read that the file is something else."""
    found = 0
    for row in rows:
        found += row.outcome is Outcome.UNREADABLE
        if found > MOST_UNREADABLE:
            raise StatementFlawed("rows_not_readable", row.row_no)
        yield row


def lines_in(plain: BinaryIO, encoding: str) -> Generator[str]:
    """The lines of a text; refuses `line_too_long`, `not_text`, and `cut_short` when its packing ends too early."""
    text = io.TextIOWrapper(plain, encoding=encoding, newline=None)
    try:
        while line := text.readline(LONGEST_LINE):
            if not line.endswith("\n") and len(line) >= LONGEST_LINE:
                raise StatementFlawed("line_too_long")
            yield line.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise StatementFlawed("not_text") from error
    except (EOFError, zlib.error, OSError) as error:
        raise StatementFlawed("cut_short") from error
    finally:
        text.detach()
