"""Reading Alipay's statement of a day (业务明细): a text in GBK, packed with a summary that is not needed.

Lines that begin with `#` stand around the list and count it; cells are read by their column's name and end with blanks
(alipay.data.dataservice.bill.downloadurl.query, bill_type trade).
"""

from __future__ import annotations

import contextlib
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from app.reconciliation.errors import StatementFlawed
from app.reconciliation.rows import MOST_BYTES, RowIn, lines_in, most_of_them_read, row_of, unreadable
from app.reconciliation.states import Outcome, Subject

COLUMNS = ("支付宝交易号", "商户订单号", "业务类型", "完成时间", "订单金额(元)", "退款批次号/请求号")
TITLE = "业务明细"
LIST_BEGINS, LIST_ENDS = "业务明细列表", "业务明细列表结束"
LINES_BEFORE_LIST = 20
SUBJECTS = {"交易": Subject.PAYMENT, "退款": Subject.REFUND}
_COUNTED = re.compile(r"#\s*(交易|退款)合计[：:]\s*([0-9]+)\s*笔", re.ASCII)
_PACKED = (zipfile.BadZipFile, EOFError)
_DAMAGED = (zlib.error, NotImplementedError, RuntimeError)
Cells = dict[str, str]


def rows_of(file: BinaryIO) -> Iterator[RowIn]:
    """The rows of a packed file, in order.

    Refuses `not_a_statement`, `not_text`, `column_missing`, `line_too_long`, `rows_not_readable`, `damaged`; and
    `cut_short` when the packing, the list's end or its counts are missing, or count other rows.
    """
    file.seek(0)
    if file.read(2) != b"PK":
        raise StatementFlawed("not_a_statement")
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as packed:
            name, encoding = _list_in(packed)
            with packed.open(name) as text, contextlib.closing(lines_in(text, encoding)) as lines:  # type: ignore[arg-type]
                yield from most_of_them_read(_rows(lines))
    except _PACKED as error:
        raise StatementFlawed("cut_short") from error
    except _DAMAGED as error:
        raise StatementFlawed("damaged") from error


def _list_in(packed: zipfile.ZipFile) -> tuple[str, str]:
    """The file that lists the day, and its encoding; the names in the package may be written in any."""
    for each in packed.infolist():
        if each.is_dir():
            continue
        if each.file_size > MOST_BYTES:
            raise StatementFlawed("line_too_long")
        with packed.open(each) as text:
            head = text.readline(400)
        for encoding in ("gb18030", "utf-8-sig"):
            with contextlib.suppress(UnicodeDecodeError):
                if TITLE in head.decode(encoding):
                    return each.filename, encoding
    raise StatementFlawed("not_a_statement")


def _rows(lines: Iterator[str]) -> Iterator[RowIn]:
    names = _names(lines)
    counts = dict.fromkeys(SUBJECTS, 0)
    row_no = 0
    for line in lines:
        if line.startswith("#"):
            if LIST_ENDS not in line:
                raise StatementFlawed("cut_short", row_no)
            _check_counts(lines, counts, row_no)
            return
        row_no += 1
        texts = [text.strip() for text in line.split(",")]
        cells = dict(zip(names, texts, strict=False))
        kind = cells.get("业务类型", "")
        counts[kind] = counts.get(kind, 0) + 1
        yield _row(row_no, cells, len(texts) == len(names))
    raise StatementFlawed("cut_short", row_no)


def _names(lines: Iterator[str]) -> list[str]:
    for _, line in zip(range(LINES_BEFORE_LIST), lines, strict=False):
        if LIST_BEGINS in line and line.startswith("#"):
            break
    else:
        raise StatementFlawed("not_a_statement")
    line = next(lines, "").replace("（", "(").replace("）", ")")
    names = [name.strip() for name in line.split(",")]
    if any(column not in names for column in COLUMNS):
        raise StatementFlawed("column_missing")
    return names


def _check_counts(lines: Iterator[str], counts: dict[str, int], row_no: int) -> None:
    """The lines below the list count its payments and its refunds, as many as were read."""
    said = {found[1]: int(found[2]) for line in lines if (found := _COUNTED.match(line))}
    if any(said.get(kind) != counts[kind] for kind in SUBJECTS):
        raise StatementFlawed("cut_short", row_no)


def _row(row_no: int, cells: Cells, is_whole: bool) -> RowIn:
    subject = SUBJECTS.get(cells.get("业务类型", ""))
    is_refund = subject is Subject.REFUND
    number = cells.get("退款批次号/请求号" if is_refund else "商户订单号", "")
    if subject is None or not is_whole:
        return unreadable(row_no, subject or Subject.PAYMENT, number)
    amount = cells["订单金额(元)"]
    if is_refund:  # given back: told with a minus
        amount = amount.removeprefix("-")
    return row_of(row_no, subject, [number, cells["支付宝交易号"], amount], cells["完成时间"], Outcome.DONE)
