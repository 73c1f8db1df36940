"""A statement is read whole or refused by a stable code; a row that cannot be read is told, never dropped."""

from __future__ import annotations

import gzip
import hashlib
import io
from datetime import UTC, datetime

import pytest

from app.reconciliation import reading
from app.reconciliation.errors import StatementFlawed
from app.reconciliation.reading import FUNDS, TRADE, Form
from app.reconciliation.rows import RowIn
from app.reconciliation.states import Outcome, Subject
from tests.unit.reconciliation.statements import (
    TRADE_HEAD,
    content,
    flow,
    funds_lines,
    payment,
    refund,
    trade_lines,
)

AT = datetime(2026, 11, 23, 15, 59, 59, tzinfo=UTC)  # one second before the end of the hospital's day
ROWS = (payment("mz1", 2500, AT), refund("rf1", 1, AT, state="PROCESSING"), payment("mz2", 100_000_000_01, AT))
# developers.weixin.qq.com, wxcloudrun, bill page.
PUBLISHED = (
    "`2022-03-21 13:51:31,`wxfdc955f7104ad557,`180023671,`176531292,`,`420000612032130748613220688,"
    "`2021WERUN1647840687637,`oZWaCKXip5njeEiloC4oeOV1TTsk,`JSAPI,`SUCCESS,`OTHERS,`CNY,`0.01,`0.00,`0,`0,`0.00,`0.00,`,`,`微信云托管支付测试,`,"
    "`0.00000,`0.90%,`0.01,`0.00,`"
)


def read(plain: bytes, form: Form = TRADE) -> list[RowIn]:
    return list(reading.rows_of(io.BytesIO(plain), form))


def sha1(plain: bytes) -> str:
    return hashlib.sha1(plain, usedforsecurity=False).hexdigest()


def flaw(plain: bytes, said: str | None = None) -> str:
    file = io.BytesIO(plain)
    try:
        reading.check_whole(file, sha1(plain) if said is None else said)
        list(reading.rows_of(file, TRADE))
    except StatementFlawed as refused:
        return refused.flaw
    return ""


def test_rows_are_read_by_name_with_their_outcome() -> None:
    first, second, third = read(content(trade_lines(ROWS)))

    assert first == RowIn(1, Subject.PAYMENT, "mz1", "T1", 2500, AT, Outcome.DONE)
    assert second == RowIn(2, Subject.REFUND, "rf1", "R1", 1, AT, Outcome.IN_PROGRESS)
    assert third.amount_fen == 100_000_000_01


def test_the_published_row_is_read() -> None:
    (row,) = read(content(trade_lines([PUBLISHED])))

    assert (row.number, row.foreign_no, row.amount_fen) == ("2021WERUN1647840687637", "420000612032130748613220688", 1)
    assert row.at == datetime(2022, 3, 21, 5, 51, 31, tzinfo=UTC)


def test_columns_may_stand_in_another_order() -> None:
    names, values = TRADE_HEAD.split(","), ROWS[0][1:].split(",`")
    turned = [",".join(reversed(names)), ",".join("`" + value for value in reversed(values))]
    lines = [*turned, *list(trade_lines(ROWS[:1]))[-2:]]

    assert read(content(lines)) == read(content(trade_lines(ROWS[:1])))


def test_money_that_moved_the_account_has_its_sign() -> None:
    lines = funds_lines([flow("T1", 2500, AT), flow("R1", -2500, AT, "退款"), flow("W1", -100, AT, "提现")])

    assert [(row.number, row.amount_fen) for row in read(content(lines), FUNDS)] == [
        ("T1", 2500),
        ("R1", -2500),
        ("", -100),
    ]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("summed", ["sent", "plain"])
def test_the_sum_of_the_zipped_or_of_the_unzipped_file_is_taken(pack: type[bytes], summed: str) -> None:
    plain = content(trade_lines(ROWS))
    sent = pack(plain)
    file = io.BytesIO(sent)

    reading.check_whole(file, sha1(sent if summed == "sent" else plain).upper())

    assert len(list(reading.rows_of(file, TRADE))) == 3


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gbk", "gb18030"])
def test_a_mark_or_another_encoding_changes_nothing(encoding: str) -> None:
    assert read(content(trade_lines(ROWS), encoding)) == read(content(trade_lines(ROWS)))


def test_a_file_that_is_no_whole_statement_is_refused_by_its_code() -> None:
    plain = content(trade_lines(ROWS))
    zipped = gzip.compress(plain)
    half = plain[: len(plain) // 2]
    lines = list(trade_lines(ROWS))

    assert flaw(plain, "0" * 40) == "sha1_differs"
    assert flaw(half, sha1(plain)) == "sha1_differs"
    assert flaw(half) == "cut_short"
    assert flaw(zipped[: len(zipped) // 2], sha1(plain)) == "cut_short"
    assert flaw(zipped[:30] + b"\x00\xff" * 9 + zipped[40:]) == "damaged"
    assert flaw(content([*lines[:2], *lines[3:]])) == "cut_short"
    assert flaw(content(lines[:-1])) == "cut_short"
    assert flaw(b"") == "not_text"
    assert flaw(b"<html>busy</html>") == "not_text"
    assert flaw(content(["时间,金额"])) == "not_a_statement"
    assert flaw(content([TRADE_HEAD.replace("订单金额", "金额"), *lines[1:]])) == "column_missing"
    assert flaw(content([lines[0], "`" + "9" * 9000])) == "line_too_long"
    assert flaw(content([*lines[:2]])[:-2] + b"\xff\xfe\xff\r\n") == "not_text"
    assert flaw(content(trade_lines(["`=1+1"] * 101))) == "rows_not_readable"


@pytest.mark.parametrize(
    "row",
    [
        payment("mz1", 2500, AT).replace("`25.00", "`=25.00+0"),
        payment("mz1", 2500, AT).replace("`25.00", "`25.005"),
        payment("mz1", 2500, AT).replace("`25.00", "`２５.00"),
        payment("=cmd|' /C calc'!A0", 2500, AT),
        payment("mz1", 2500, AT).replace("2026-11-23", "2026-02-30"),
        payment("mz1", 2500, AT).replace("SUCCESS", "REVOKED"),
        payment("mz1", 2500, AT) + ",`",
        refund("rf1", 1, AT, state="?"),
        "`",
    ],
)
def test_a_row_that_cannot_be_read_is_told_with_its_place(row: str) -> None:
    rows = read(content(trade_lines([ROWS[0], row, ROWS[1]])))

    assert [each.outcome for each in rows] == [Outcome.DONE, Outcome.UNREADABLE, Outcome.IN_PROGRESS]
    assert (rows[1].row_no, rows[1].foreign_no, rows[1].amount_fen) == (2, "row2", 0)


def test_a_formula_in_a_name_is_text() -> None:
    (row,) = read(content(trade_lines([payment("mz1", 2500, AT, goods="=HYPERLINK(1), x")])))

    assert (row.outcome, row.amount_fen) == (Outcome.DONE, 2500)
