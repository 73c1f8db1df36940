"""Reading WeChat Pay's statements (交易账单, 资金账单): files of any length, row by row, in little memory.

Cells are read by their column's name, each begins with a backtick, and a block of sums ends the file
(下载交易账单: 数据格式). What is not a statement, or not all of one, is StatementFlawed; a single row that cannot
be read is told as such and never dropped.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from app.reconciliation.errors import StatementFlawed
from app.reconciliation.rows import RowIn, lines_in, most_of_them_read, row_of, unreadable
from app.reconciliation.states import Outcome, Subject

CHUNK = 64 * 1024
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Form:
    """One kind of statement: the columns it must have, and how its block of sums names the count."""

    columns: tuple[str, ...]
    counted_as: str


TRADE = Form(
    (
        "交易时间",
        "微信订单号",
        "商户订单号",
        "交易状态",
        "订单金额",
        "微信退款单号",
        "商户退款单号",
        "申请退款金额",
        "退款状态",
    ),
    "总交易单数",
)
FUNDS = Form(("记账时间", "微信支付业务单号", "业务类型", "收支类型", "收支金额(元)"), "资金流水总笔数")
# 交易账单, 退款状态; other words than the interface's own.
REFUND_OUTCOMES = {
    "SUCCESS": Outcome.DONE,
    "PROCESSING": Outcome.IN_PROGRESS,
    "FAIL": Outcome.FAILED,
    "CHANGE": Outcome.FAILED,
}
# 资金账单, 业务类型: what belongs to an order or a refund; fees and transfers to the bank belong to none.
FLOW_TYPES = frozenset({"交易", "退款"})
Cells = dict[str, str]


def check_whole(file: BinaryIO, sha1: str) -> None:
    """The file is what its sender sent: its SHA1, zipped or unzipped, is `sha1`; refuses `sha1_differs`, `damaged`.

    The provider's documents do not say of which of the two it is the sum, so either is taken.
    """
    file.seek(0)
    is_zipped = file.read(2) == _GZIP
    file.seek(0)
    sent, plain = hashlib.sha1(usedforsecurity=False), hashlib.sha1(usedforsecurity=False)
    unzip = zlib.decompressobj(wbits=31)
    try:
        while chunk := file.read(CHUNK):
            sent.update(chunk)
            if is_zipped:
                plain.update(unzip.decompress(chunk))
    except zlib.error as error:
        raise StatementFlawed("damaged") from error
    if is_zipped and not unzip.eof:
        raise StatementFlawed("cut_short")
    if sha1.lower() not in {sent.hexdigest(), plain.hexdigest()}:
        raise StatementFlawed("sha1_differs")


def rows_of(file: BinaryIO, form: Form) -> Iterator[RowIn]:
    """The rows of a whole file, in order. Refuses `not_text`, `column_missing`, `line_too_long`, `rows_not_readable`.

    `cut_short` is refused after the last row when the block of sums is not there or counts other rows.
    """
    with contextlib.closing(_lines(file)) as lines:
        yield from most_of_them_read(_rows(lines, form))


def _rows(lines: Iterator[str], form: Form) -> Iterator[RowIn]:
    names = _names(next(lines, ""), form)
    read = _trade if form is TRADE else _flow
    row_no = 0
    for line in lines:
        if not line.startswith("`"):
            _check_end(line, lines, form, row_no)
            return
        row_no += 1
        cells = dict(zip(names, line[1:].split(",`"), strict=False))
        yield read(row_no, cells, line.count(",`") + 1 == len(names))
    raise StatementFlawed("cut_short", row_no)


def _lines(file: BinaryIO) -> Generator[str]:
    file.seek(0)
    is_zipped = file.read(2) == _GZIP
    file.seek(0)
    plain: BinaryIO = gzip.GzipFile(fileobj=file) if is_zipped else file  # type: ignore[assignment]
    head = plain.read(CHUNK)
    plain.seek(0)
    return lines_in(plain, _encoding(head))


def _encoding(head: bytes) -> str:
    """UTF-8 with or without its mark, else GB18030 (GBK), in which some tools save the file anew."""
    first_line = head.split(b"\n", 1)[0]
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            if "时间" in first_line.decode(encoding):
                return encoding
        except UnicodeDecodeError:
            continue
    raise StatementFlawed("not_text")


def _names(line: str, form: Form) -> list[str]:
    names = [name.strip().lstrip("`") for name in line.replace("（", "(").replace("）", ")").split(",")]
    if missing := [column for column in form.columns if column not in names]:
        raise StatementFlawed("column_missing" if len(missing) < len(form.columns) else "not_a_statement")
    return names


def _check_end(line: str, lines: Iterator[str], form: Form, rows: int) -> None:
    counted = dict(zip(line.split(","), next(lines, "").lstrip("`").split(",`"), strict=False)).get(form.counted_as)
    if counted is None or counted.strip() != str(rows):
        raise StatementFlawed("cut_short", rows)


def _trade(row_no: int, cells: Cells, is_whole: bool) -> RowIn:
    is_refund = cells.get("交易状态") == "REFUND"
    names = ("商户退款单号", "微信退款单号", "申请退款金额") if is_refund else ("商户订单号", "微信订单号", "订单金额")
    subject = Subject.REFUND if is_refund else Subject.PAYMENT
    outcome = REFUND_OUTCOMES.get(cells.get("退款状态", "")) if is_refund else Outcome.DONE
    is_known = is_refund or cells.get("交易状态") == "SUCCESS"
    return (
        row_of(row_no, subject, [cells.get(name, "") for name in names], cells.get("交易时间", ""), outcome)
        if (is_whole and is_known and outcome)
        else unreadable(row_no, subject, cells.get(names[0], ""))
    )


def _flow(row_no: int, cells: Cells, is_whole: bool) -> RowIn:
    number, amount = cells.get("微信支付业务单号", ""), cells.get("收支金额(元)", "")
    if not is_whole:
        return unreadable(row_no, Subject.FLOW, number)
    is_ours = cells.get("业务类型") in FLOW_TYPES
    row = row_of(row_no, Subject.FLOW, [number, number, amount], cells.get("记账时间", ""), Outcome.DONE)
    sign = -1 if cells.get("收支类型") == "支出" else 1
    return RowIn(
        row.row_no,
        row.subject,
        row.number if is_ours else "",
        row.foreign_no,
        sign * row.amount_fen,
        row.at,
        row.outcome,
    )
