"""The bank's statement of the card terminals, read strictly: its own names for things, and every flaw at its place."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.reconciliation import reading_pos
from app.reconciliation.errors import StatementFlawed
from app.reconciliation.reading_pos import Form, SlipRow
from app.reconciliation.states import Subject
from config import BadSettings, PosStatementSettings, read_settings
from tests.unit.reconciliation.statements import POS_HEAD, content, pos_file, slip

USUAL = PosStatementSettings()
FORM = Form(dict(USUAL.columns), dict(USUAL.kinds))
AT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
PAID = SlipRow(3, Subject.PAYMENT, "T0000001", "000123", "R000123", 2500, AT)


def flaw_of(file: bytes, form: Form = FORM) -> tuple[str, int, str]:
    with pytest.raises(StatementFlawed) as raised:
        reading_pos.rows_of(file, form)
    return raised.value.flaw, raised.value.row_no, raised.value.column


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_payments_and_refunds_are_read_in_either_encoding(encoding: str) -> None:
    rows = [slip("000123", 2500, AT), slip("000124", 700, AT, kind="退货"), slip("9", 1, AT, kind="余额查询")]

    found = reading_pos.rows_of(pos_file(rows, encoding), FORM)

    refund = SlipRow(4, Subject.REFUND, "T0000001", "000124", "R000124", 700, AT)
    assert found == [PAID, refund], "what moved no money is no row, nor are title and sums"


def test_a_day_without_a_card_is_a_statement_too() -> None:
    assert reading_pos.rows_of(pos_file([]), FORM) == []


@pytest.mark.parametrize(
    "text", ["2026-11-22 12:00:00", "20261122120000", "2026/11/22 12:00", "2026年11月22日 12:00:00", "20261122 120000"]
)
def test_a_time_is_read_as_banks_write_it(text: str) -> None:
    row = slip("000123", 2500, AT).replace("2026-11-22 12:00:00", text)

    assert reading_pos.rows_of(pos_file([row]), FORM) == [PAID]


def test_what_a_spreadsheet_wrapped_up_is_unwrapped() -> None:
    row = slip("000123", 2500, AT).replace(",000123,", ',"=""000123""",').replace("T0000001", "'T0000001\t")

    assert reading_pos.rows_of(pos_file([row]), FORM) == [PAID]


GOOD = slip("000123", 2500, AT)


@pytest.mark.parametrize(
    ("row", "flaw"),
    [
        (GOOD.replace("25.00", "25.001"), ("amount_not_valid", 4, "交易金额")),
        (GOOD.replace("25.00", '"1,025.00"'), ("amount_not_valid", 4, "交易金额")),
        (GOOD.replace("25.00", "-25.00"), ("amount_not_valid", 4, "交易金额")),
        (GOOD.replace("25.00", "0.00"), ("amount_not_valid", 4, "交易金额")),
        (GOOD.replace("25.00", "=25"), ("amount_not_valid", 4, "交易金额")),
        (GOOD.replace("11-22", "11-31"), ("time_not_valid", 4, "交易时间")),
        (GOOD.replace("2026-11-22 12:00:00", "昨天"), ("time_not_valid", 4, "交易时间")),
        (GOOD.replace("消费", "预授权"), ("kind_unknown", 4, "交易类型")),
        (GOOD.replace(",000123,", ",12A,"), ("slip_not_valid", 4, "凭证号")),
        (GOOD.replace("T0000001", ""), ("terminal_not_valid", 4, "终端号")),
        (GOOD.replace("R000123", "R 1"), ("reference_not_valid", 4, "参考号")),
        (GOOD.rpartition(",")[0], ("cells_missing", 4, "参考号")),
        ('"half', ("not_a_statement", 5, "")),
    ],
)
def test_a_flawed_row_is_named_by_its_line_and_column(row: str, flaw: tuple[str, int, str]) -> None:
    assert flaw_of(pos_file([GOOD, row])) == flaw


@pytest.mark.parametrize(
    ("file", "flaw"),
    [
        (b"", ("column_missing", 0, "终端号")),
        (b"\x00\x01\x02", ("not_text", 0, "")),
        (b"PK\x03\x04\xff\xfe\x80\x81", ("not_text", 0, "")),
        (content([POS_HEAD.replace("凭证号", "流水号"), GOOD]), ("column_missing", 0, "凭证号")),
    ],
)
def test_what_is_no_statement_is_refused(file: bytes, flaw: tuple[str, int, str]) -> None:
    assert flaw_of(file) == flaw


def test_a_bank_with_other_words_is_read_by_settings() -> None:
    env = {
        "MENZHEN_MODE": "demo",
        "POS_STATEMENT_COLUMNS": "terminal=终端编号,slip=流水号,at=日期+时间,amount=金额(元),kind=类型",
        "POS_STATEMENT_KINDS": "pay=S22,refund=S30,refund=S56",
    }
    settings = read_settings(env).pos_statement

    file = content(["终端编号,日期,时间,类型,金额（元）,流水号", "T0000001,20261122,120000,S22,25.00,000123"])
    found = reading_pos.rows_of(file, Form(dict(settings.columns), dict(settings.kinds)))

    assert found == [PAID._replace(line=2, reference="")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("POS_STATEMENT_COLUMNS", "terminal=终端号,slip=凭证号"),
        ("POS_STATEMENT_COLUMNS", "terminal=a,slip=b,at=c+,amount=d,kind=e"),
        ("POS_STATEMENT_COLUMNS", "terminal=a,slip=b,at=c,amount=d,kind=e,bank=f"),
        ("POS_STATEMENT_KINDS", "refund=退货"),
        ("POS_STATEMENT_KINDS", "pay=消费,void=撤销"),
        ("POS_STATEMENT_KINDS", "消费"),
    ],
)
def test_settings_that_cannot_be_meant_stop_the_start(name: str, text: str) -> None:
    with pytest.raises(BadSettings, match=name):
        read_settings({"MENZHEN_MODE": "demo", name: text})
