"""Reading what the insurer says of a day: its file of differences (3202, 表201), and the statement made of it.

The file is a text in a ZIP, a settlement on each line, cells between tabs, `null` for nothing; it has no line of names:
psn_no, mdtrt_id, setl_id, msgid, stmt_rslt, refd_setl_flag, memo, medfee_sumamt, fund_pay_sumamt, acct_pay.
"""

from __future__ import annotations

import codecs
import contextlib
import enum
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from app.kernel.money import parse_yuan
from app.reconciliation.errors import StatementFlawed
from app.reconciliation.rows import MOST_BYTES, RowIn, lines_in
from app.reconciliation.states import Outcome, Subject

COLUMNS = 10
HEAD = 64 * 1024
_SETL_ID = re.compile(r"[0-9A-Za-z_-]{1,30}", re.ASCII)
_RESULT = re.compile(r"(?:000|0)?(?:10)?([0-3])|0{6}", re.ASCII)
_NOTHING = frozenset({"", "null"})
Line = tuple[str, str, int, datetime, Outcome]
"""Our number of a settlement, the insurer's, what insurance bears of it, when, and how the insurer has it."""


class Verdict(enum.StrEnum):
    """对账结果 (stmt_rslt): `0` 平, `1` 中心多, `2` 医药机构多, `3` 数据不一致; some regions write `000103`."""

    EQUAL = "0"
    ONLY_THERE = "1"
    ONLY_HERE = "2"
    DIFFERS = "3"


@dataclass(frozen=True)
class Difference:
    """What the insurer says of one settlement; `insured_fen` is what its fund and account bear by its own books."""

    setl_id: str
    message_id: str
    verdict: Verdict
    insured_fen: int


def differences(file: BinaryIO) -> Iterator[Difference]:
    """The lines of the insurer's file, in order. Refuses `damaged`, `cut_short`, `not_text`, `line_too_long`.

    A line that cannot be read is `rows_not_readable`: what it hides could be any difference.
    """
    for row_no, line in enumerate(_lines(file), 1):
        if not line:
            continue
        try:
            yield _difference(line.split("\t"))
        except ValueError as error:
            raise StatementFlawed("rows_not_readable", row_no) from error


def _lines(file: BinaryIO) -> Iterator[str]:
    file.seek(0)
    if file.read(2) != b"PK":
        raise StatementFlawed("not_a_statement")
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as packed:
            name = _only(packed)
            with packed.open(name) as text:
                head = text.read(HEAD)
            with packed.open(name) as text, contextlib.closing(lines_in(text, _encoding(head))) as lines:  # type: ignore[arg-type]
                yield from lines
    except (zipfile.BadZipFile, EOFError) as error:
        raise StatementFlawed("cut_short") from error
    except (zlib.error, NotImplementedError, RuntimeError) as error:
        raise StatementFlawed("damaged") from error


def _only(packed: zipfile.ZipFile) -> str:
    """The one file in it."""
    files = [each for each in packed.infolist() if not each.is_dir()]
    if len(files) != 1 or files[0].file_size > MOST_BYTES:
        raise StatementFlawed("not_a_statement")
    return files[0].filename


def _encoding(head: bytes) -> str:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8-sig"


def _difference(cells: list[str]) -> Difference:
    if len(cells) not in (COLUMNS, COLUMNS + 1):
        raise ValueError("columns")
    values = ["" if cell.strip() in _NOTHING else cell.strip() for cell in cells]
    setl_id, message_id, result = values[2:5]
    found = _RESULT.fullmatch(result)
    if not _SETL_ID.fullmatch(setl_id) or found is None or not re.fullmatch(r"[0-9A-Za-z]{0,30}", message_id):
        raise ValueError("setl_id, msgid or stmt_rslt")
    amounts = [parse_yuan(value or "0") for value in values[7:10]]
    return Difference(setl_id, message_id, Verdict(found[1] or "0"), amounts[1] + amounts[2])


def write(into: BinaryIO, lines: Iterable[Line]) -> None:
    """The lines stand at the end of `into`, for `rows_of`."""
    into.writelines(
        "\t".join((number, setl_id, str(fen), at.isoformat(), outcome.value)).encode() + b"\n"
        for number, setl_id, fen, at, outcome in lines
    )


def rows_of(file: BinaryIO) -> Iterator[RowIn]:
    """The settlements that `write` wrote, in order."""
    file.seek(0)
    for row_no, line in enumerate(file, 1):
        number, setl_id, fen, at, outcome = line.decode().rstrip("\n").split("\t")
        instant = datetime.fromisoformat(at)
        yield RowIn(row_no, Subject.SETTLEMENT, number, setl_id, int(fen), instant, Outcome(outcome))
