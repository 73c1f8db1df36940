"""The insurer's file of differences: read whole, or refused, since what cannot be read could be any difference."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest

from app.reconciliation import reading_insurer
from app.reconciliation.errors import StatementFlawed
from app.reconciliation.reading_insurer import Difference, Verdict
from app.reconciliation.rows import RowIn
from app.reconciliation.states import Outcome, Subject
from tests.unit.reconciliation.statements import packed

AT = datetime(2026, 11, 29, 4, tzinfo=UTC)
LINE = "P1\tV1\tS1\tH12345678901202611291200000001\t3\t000\t数据不一致\t338.00\t100.00\t30.00"
MORE = LINE.replace("S1", "S2").replace("\t3\t", "\t000101\t")


def read(*lines: str, encoding: str = "utf-8") -> list[Difference]:
    return list(reading_insurer.differences(io.BytesIO(file(*lines, encoding=encoding))))


def file(*lines: str, encoding: str = "utf-8") -> bytes:
    return packed(result="".join(f"{line}\n" for line in lines).encode(encoding))


def flaw(content: bytes) -> str:
    try:
        list(reading_insurer.differences(io.BytesIO(content)))
    except StatementFlawed as refused:
        return refused.flaw
    return ""


def test_a_line_says_of_which_settlement_how_it_differs_and_what_insurance_bears() -> None:
    first, second = read(LINE, MORE)

    assert first == Difference("S1", "H12345678901202611291200000001", Verdict.DIFFERS, 130_00)
    assert (second.setl_id, second.verdict) == ("S2", Verdict.ONLY_THERE)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        *(("0", Verdict.EQUAL), ("000000", Verdict.EQUAL), ("1", Verdict.ONLY_THERE), ("101", Verdict.ONLY_THERE)),
        *(("2", Verdict.ONLY_HERE), ("000102", Verdict.ONLY_HERE), ("3", Verdict.DIFFERS), ("000103", Verdict.DIFFERS)),
    ],
)
def test_results_are_written_in_more_than_one_way(said: str, meant: Verdict) -> None:
    assert [each.verdict for each in read(LINE.replace("\t3\t", f"\t{said}\t"))] == [meant]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gbk"])
def test_a_mark_or_another_encoding_changes_nothing(encoding: str) -> None:
    assert read(LINE, MORE, encoding=encoding) == read(LINE, MORE)


def test_nothing_may_stand_for_an_amount_and_a_column_more_for_what_was_agreed() -> None:
    (row,) = read(LINE.replace("100.00", "null").replace("H12345678901202611291200000001", "null") + "\tnull")

    assert (row.message_id, row.insured_fen) == ("", 30_00)


def test_a_file_that_is_not_whole_is_refused_by_its_code() -> None:
    whole = file(*([LINE, MORE] * 50))

    assert flaw(whole) == ""
    assert flaw(whole[: len(whole) // 2]) == "cut_short"
    assert flaw(whole.replace(whole[40:60], bytes(20))) in {"damaged", "cut_short"}
    assert flaw(b"") == "not_a_statement"
    assert flaw(LINE.encode()) == "not_a_statement"
    assert flaw(packed(one=LINE.encode(), two=b"")) == "not_a_statement"
    assert flaw(packed(result=b"9" * 9000)) == "line_too_long"
    assert flaw(packed(result=(LINE + "\n").encode() + b"\xff\xff\xff\n")) == "not_text"


@pytest.mark.parametrize(
    "line",
    [
        LINE.replace("S1", "=cmd|' /C calc'!A0"),
        LINE.replace("\t3\t", "\t7\t"),
        LINE.replace("100.00", "=100"),
        LINE.replace("100.00", "-100.00"),
        LINE.replace("100.00", "100.005"),
        LINE.rpartition("\t")[0],
        LINE + "\t\t",
    ],
)
def test_a_line_that_cannot_be_read_refuses_the_file(line: str) -> None:
    assert flaw(file(MORE, line)) == "rows_not_readable"


def test_a_statement_is_read_as_it_was_written() -> None:
    kept = io.BytesIO()
    reading_insurer.write(kept, [("B1", "S1", 130_00, AT, Outcome.DONE), ("310", "310", 0, AT, Outcome.DISPUTED)])

    assert list(reading_insurer.rows_of(kept)) == [
        RowIn(1, Subject.SETTLEMENT, "B1", "S1", 130_00, AT, Outcome.DONE),
        RowIn(2, Subject.SETTLEMENT, "310", "310", 0, AT, Outcome.DISPUTED),
    ]
