"""What the hospital system booked is read message by message, counted and summed, or refused by a code."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest

from app.reconciliation import reading_hospital
from app.reconciliation.errors import StatementFlawed
from app.reconciliation.rows import RowIn
from app.reconciliation.states import Outcome, Subject
from tests.unit.reconciliation.statements import batch, booking

AT = datetime(2026, 11, 29, 15, 59, 59, tzinfo=UTC)
BOOKED = (booking("b1", 3860, 1200, at=AT), booking("r1", 700, at=AT, kind="CD"))


def read(text: str, encoding: str = "utf-8") -> list[RowIn]:
    return list(reading_hospital.rows_of(io.BytesIO(text.encode(encoding))))


def flaw(text: str, encoding: str = "utf-8") -> str:
    try:
        read(text, encoding)
    except StatementFlawed as refused:
        return refused.flaw
    return ""


def test_a_message_is_a_row_of_our_number_with_the_sum_of_its_lines() -> None:
    assert read(batch(BOOKED, sums="50.60~7.00")) == [
        RowIn(1, Subject.PAYMENT, "b1", "Hb1", 5060, AT, Outcome.DONE),
        RowIn(2, Subject.REFUND, "r1", "Hr1", 700, AT, Outcome.DONE),
    ]


def test_charges_beside_a_payment_are_not_counted() -> None:
    both = booking("b1", 2500, at=AT, kind="CG") + booking("b1", 2500, at=AT).split("PID|1||P1\r")[1]

    assert [(row.number, row.amount_fen) for row in read(batch([both], sums="25.00~0.00"))] == [("b1", 2500)]


def test_a_line_that_was_not_wanted_is_no_booking_of_money() -> None:
    assert read(batch([booking("p1", 1280, at=AT, kind="AJ"), BOOKED[1]], sums="0.00~7.00"))[0].number == "r1"


def test_what_the_hospital_system_booked_of_its_own_keeps_its_number() -> None:
    own = booking("b1", 2500, at=AT).replace("b1-1-PY", "HIS0001")

    assert [(row.number, row.outcome) for row in read(batch([own]))] == [("HIS0001", Outcome.DONE)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gbk", "gb18030"])
@pytest.mark.parametrize("line_end", ["\r", "\r\n", "\n"])
def test_a_mark_another_encoding_or_line_end_changes_nothing(encoding: str, line_end: str) -> None:
    named = [booking("b1", 2500, at=AT).replace("布洛芬", "珅璡誠")]  # whose last bytes in GBK are `|` and `\`

    assert read(batch(named).replace("\r", line_end), encoding) == read(batch(named))


def test_several_batches_may_stand_in_a_file_and_one_without_an_envelope() -> None:
    one = batch(BOOKED[:1]).removeprefix("FHS|^~\\&|HIS|H\r").removesuffix("FTS|1\r")

    assert len(read(one)) == 1
    assert len(read(f"FHS|^~\\&|HIS|H\r{one}{one}FTS|2\r")) == 2
    assert read(batch([])) == []


def test_a_file_that_is_no_whole_batch_is_refused_by_its_code() -> None:
    whole = batch(BOOKED, sums="50.60~7.00")

    assert flaw(whole) == ""
    assert flaw(whole[: len(whole) // 2]) == "cut_short"
    assert flaw(whole.replace("BTS|2", "BTS|3")) == "cut_short"
    assert flaw(whole.replace("FTS|1", "FTS|2")) == "cut_short"
    assert flaw(whole.replace("FTS|1\r", "")) == "cut_short"
    assert flaw(whole.replace("50.60~", "50.61~")) == "sums_differ"
    assert flaw(whole.replace("~7.00", "~7.01")) == "sums_differ"
    assert flaw("") == "not_a_statement"
    assert flaw("<html>busy</html>") == "not_a_statement"
    assert flaw(BOOKED[0]) == "not_a_statement"
    assert flaw(whole.replace("MSH|", "ZZZ|", 1)) == "cut_short"
    assert flaw(whole.replace("P1\r", "9" * 9000)) == "line_too_long"
    assert flaw(batch([booking("b1", 1, at=AT).replace("DFT^P03", "ADT^A04")] * 101)) == "rows_not_readable"


@pytest.mark.parametrize(
    "spoilt",
    [
        BOOKED[0].replace("38.60&CNY", "=38.60"),
        BOOKED[0].replace("38.60&CNY", "38.605"),
        BOOKED[0].replace("|20261129235959+0800", "|2026"),
        BOOKED[0].replace("||PY|", "||XX|"),
        BOOKED[0].replace("DFT^P03^DFT_P03", "ADT^A04^ADT_A01"),
        BOOKED[0].split("FT1|")[0],
    ],
)
def test_a_message_that_cannot_be_read_is_told_with_its_place_and_the_sums_are_not_held_against_it(spoilt: str) -> None:
    rows = read(batch([BOOKED[1], spoilt], sums="50.60~7.00"))

    assert [row.outcome for row in rows][:2] == [Outcome.DONE, Outcome.UNREADABLE]
    assert rows[1].foreign_no == "row2"
