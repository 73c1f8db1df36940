"""Alipay's statement is read by its columns' names, whole or not at all."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest

from app.reconciliation import reading_alipay
from app.reconciliation.errors import StatementFlawed
from app.reconciliation.rows import RowIn
from app.reconciliation.states import Outcome, Subject
from tests.unit.reconciliation.statements import ALIPAY_HEAD, alipay_file, alipay_row, alipay_text, packed

AT = datetime(2026, 11, 29, 15, 59, 59, tzinfo=UTC)  # one second before the end of the hospital's day
ROWS = (alipay_row("mz1", 2500, AT), alipay_row("mz2", 700, AT, refund_no="rf1"), alipay_row("mz3", 100_000_01, AT))


def read(content: bytes) -> list[RowIn]:
    return list(reading_alipay.rows_of(io.BytesIO(content)))


def flaw(content: bytes) -> str:
    try:
        read(content)
    except StatementFlawed as refused:
        return refused.flaw
    return ""


def listed(text: str, encoding: str = "gbk") -> bytes:
    return packed(details=text.encode(encoding))


def test_payments_and_refunds_are_read_under_our_numbers() -> None:
    first, second, third = read(alipay_file(ROWS))

    assert first == RowIn(1, Subject.PAYMENT, "mz1", "20261129220011", 2500, AT, Outcome.DONE)
    assert second == RowIn(2, Subject.REFUND, "rf1", "20261129220012", 700, AT, Outcome.DONE)
    assert third.amount_fen == 100_000_01


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-8-sig"])
def test_another_encoding_or_a_mark_changes_nothing(encoding: str) -> None:
    assert read(alipay_file(ROWS, encoding)) == read(alipay_file(ROWS))


def test_columns_may_stand_in_another_order() -> None:
    names, values = ALIPAY_HEAD.split(","), ROWS[0].split(",")
    text = alipay_text([",".join(reversed(values))]).replace(ALIPAY_HEAD, ",".join(reversed(names)))

    assert read(listed(text)) == read(alipay_file(ROWS[:1]))


def test_a_file_that_is_no_whole_statement_is_refused_by_its_code() -> None:
    whole, text = alipay_file(ROWS), alipay_text(ROWS)
    lines = text.split("\r\n")
    at_list = lines.index(ALIPAY_HEAD)

    assert flaw(whole) == ""
    assert flaw(whole[: len(whole) // 2]) == "cut_short"
    assert flaw(whole[:40] + bytes(reversed(whole[40:80])) + whole[80:]) in {"cut_short", "damaged"}
    assert flaw(b"") == "not_a_statement"
    assert flaw(text.encode("gbk")) == "not_a_statement"
    assert flaw(packed(summary="#支付宝业务汇总查询\r\n".encode("gbk"))) == "not_a_statement"
    assert flaw(listed(text[: len(text) // 2])) == "cut_short"
    assert flaw(listed("\r\n".join([*lines[: at_list + 1], *lines[at_list + 2 :]]))) == "cut_short"
    assert flaw(listed("\r\n".join(line for line in lines if "退款合计" not in line))) == "cut_short"
    assert flaw(listed(text.replace("退款批次号/请求号", "退款号"))) == "column_missing"
    assert flaw(listed("#支付宝业务明细查询\r\n没有列表\r\n")) == "not_a_statement"
    assert flaw(listed(text.replace("mz1\t", "9" * 9000))) == "line_too_long"
    assert flaw(alipay_file(["=1+1,"] * 101)) == "rows_not_readable"
    assert flaw(packed(details=text.encode("gbk").replace("门诊".encode("gbk"), b"\xff\xff"))) == "not_text"


@pytest.mark.parametrize(
    "row",
    [
        ROWS[0].replace("25.00", "=25.00"),
        ROWS[0].replace("25.00", "25.005"),
        ROWS[0].replace("25.00", "-25.00"),
        ROWS[1].replace("7.00", "-7.00"),
        alipay_row("=cmd|' /C calc'!A0", 2500, AT),
        ROWS[0].replace("2026-11-29", "2026-02-30"),
        alipay_row("mz1", 2500, AT, goods="挂号费,专家"),
    ],
)
def test_a_row_that_cannot_be_read_is_told_with_its_place(row: str) -> None:
    rows = read(alipay_file([ROWS[0], row, ROWS[2]]))

    assert [each.outcome for each in rows] == [Outcome.DONE, Outcome.UNREADABLE, Outcome.DONE]
    assert (rows[1].row_no, rows[1].foreign_no, rows[1].amount_fen) == (2, "row2", 0)


def test_another_kind_of_trade_is_a_row_for_a_person_to_look_at() -> None:
    text = alipay_text(ROWS).replace("交易\t", "转账\t", 1).replace("交易合计：2笔", "交易合计：1笔")

    assert [row.outcome for row in read(listed(text))] == [Outcome.UNREADABLE, Outcome.DONE, Outcome.DONE]


def test_a_formula_in_a_name_is_text() -> None:
    (row,) = read(alipay_file([alipay_row("mz1", 2500, AT, goods='=HYPERLINK("http://x")')]))

    assert (row.outcome, row.amount_fen) == (Outcome.DONE, 2500)
