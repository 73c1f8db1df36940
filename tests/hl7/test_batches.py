"""Many messages in one text: each is answered, the answers come in one text, and half a text does nothing."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.kernel.inbox import InboxItem
from app.kernel.uow import Units
from hl7_adapter.er7 import LINES_AT_MOST, parse
from hl7_adapter.filing import Filing
from hl7_adapter.gate import Door
from hl7_adapter.listener import Frame, answered
from hl7_adapter.transports import read_batch
from hl7_adapter.transports.batch import MESSAGES_AT_MOST
from tests.hl7.files import numbered, visit
from tests.hl7.test_intake import count, last_row

FHS = b"FHS|^~\\&|HIS|HOSPITAL|MENZHEN|HOSPITAL|2026||day||F7\r"
BHS = b"BHS|^~\\&|HIS|HOSPITAL|MENZHEN|HOSPITAL|2026||||B7\r"
ONE, TWO = numbered(1), numbered(2)


def answers(units: Units, raw: bytes) -> list[bytes]:
    """What goes back for one frame."""
    (gone,) = answered(units, Filing(units), [Frame(raw, Door())])
    assert isinstance(gone, list)
    return gone


def told(units: Units, raw: bytes) -> list[str]:
    """The first two fields of each line of the answer."""
    (answer,) = answers(units, raw)
    return ["|".join(line.split("|")[:3]) for line in answer.decode().strip("\r").split("\r")]


def test_each_message_of_a_batch_is_answered_in_one_text(hospital: Units) -> None:
    raw = BHS + visit("a04_new") + visit("omp_unknown_patient") + b"BTS|2\r"

    (answer,) = answers(hospital, raw)

    whole = parse(answer)
    assert [(msa.get("1"), msa.get("2")) for msa in whole.segments("MSA")] == [
        ("AA", "A04_NEW"),
        ("AE", "OMP_UNKNOWN_PATIENT"),
    ]
    (head,) = whole.segments("BHS")
    assert (head.get("3"), head.get("5"), head.get("12"), whole.get("BTS-1")) == ("MENZHEN", "HIS", "B7", "2")


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\r\r\n", b"  \r\n"])
def test_each_message_of_a_batch_is_kept_as_it_came(hospital: Units, end: bytes) -> None:
    kept = visit("oru_blood_count").replace(b"\r", end)

    assert told(hospital, FHS + BHS + kept + numbered(9) + b"BTS|2\rFTS|1\r")[3:4] == ["MSA|AA|ORU_BLOOD_COUNT"]
    with hospital.open(reads_only=True) as uow:
        bodies = set(uow.session.scalars(select(InboxItem.body)))
    assert {kept, numbered(9)} <= bodies


def test_a_batch_again_has_no_second_effect(hospital: Units) -> None:
    raw = BHS + visit("a04_new") + b"BTS|1\r"
    first = parse(answers(hospital, raw)[0])

    again = parse(answers(hospital, raw)[0])

    assert (again.get("MSA"), again.get("MSH-10")) == (first.get("MSA"), first.get("MSH-10"))
    assert last_row(hospital).repeats == 1


def test_a_file_of_batches_is_answered_as_a_file(hospital: Units) -> None:
    raw = FHS + BHS + ONE + b"BTS|1\r" + BHS + TWO + b"BTS\r" + b"FTS|2\r"

    lines = told(hospital, raw.replace(b"\r", b"\r\n"))

    assert [line[:3] for line in lines] == ["FHS", *(["BHS", "MSH", "MSA", "ERR", "BTS"] * 2), "FTS"]
    assert lines[-1] == "FTS|2"


def test_an_acknowledgement_in_a_batch_gets_none(hospital: Units) -> None:
    answer = b"MSH|^~\\&|HIS|HOSPITAL|M|H|2026||ACK^A04|X1|P|2.5.1\rMSA|AA|MZ1\r"

    lines = told(hospital, BHS + answer + b"BTS|1\r")

    assert [line[:3] for line in lines] == ["BHS", "BTS"]
    assert lines[-1] == "BTS|0"


WHOLE = {
    "one batch": (BHS + ONE + TWO + b"BTS|2\r", [2]),
    "no count": (BHS + ONE + b"BTS\r", [1]),
    "empty": (BHS + b"BTS|0\r", [0]),
    "a file": (FHS + BHS + ONE + b"BTS|1\r" + b"FTS|1\r", [1]),
    "a file without batches": (FHS + ONE + TWO + b"FTS|1\r", [2]),
    "two batches": (BHS + ONE + b"BTS|1\r" + BHS + b"BTS|0\r", [1, 0]),
    "byte order mark and blank lines": (b"\xef\xbb\xbf\r\n" + BHS + ONE + b"\r\rBTS|1\r\r", [1]),
    "other delimiters": (b"BHS#*~\\&#A#B\r" + ONE + b"BTS#1#x\r", [1]),
}
BROKEN = {
    "more than said": BHS + ONE + TWO + b"BTS|1\r",
    "fewer than said": BHS + ONE + b"BTS|2\r",
    "no number": BHS + ONE + b"BTS|one\r",
    "cut": BHS + ONE,
    "file cut": FHS + BHS + ONE + b"BTS|1\r",
    "fewer batches than said": FHS + BHS + ONE + b"BTS|1\rFTS|2\r",
    "batch in a batch": BHS + BHS + ONE + b"BTS|1\rBTS|1\r",
    "a line before the first message": BHS + b"PID|1\r" + ONE + b"BTS|1\r",
    "something after the end": FHS + BHS + ONE + b"BTS|1\rFTS|1\r" + TWO,
    "a message outside": BHS + ONE + b"BTS|1\r" + TWO,
    "too many": BHS + b"MSH|\r" * (MESSAGES_AT_MOST + 1) + b"BTS\r",
    "too many batches": (BHS + b"BTS\r") * (MESSAGES_AT_MOST + 1),
    "lines without end": BHS + ONE + b"Z\r" * LINES_AT_MOST + b"BTS|1\r",
    "no head": ONE + b"BTS|1\r",
    "only a tail": b"BTS|0\r",
    "nothing": b"",
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_text_is_read(name: str) -> None:
    raw, counts = WHOLE[name]

    batch = read_batch(raw)

    assert batch is not None
    assert [len(part.messages) for part in batch.parts] == counts


@pytest.mark.parametrize("name", BROKEN)
def test_a_text_that_is_not_whole_is_no_batch(name: str) -> None:
    assert read_batch(BROKEN[name]) is None


def test_of_a_batch_that_is_not_whole_nothing_is_taken(hospital: Units) -> None:
    rows = count(hospital, InboxItem)

    (answer,) = answers(hospital, BHS + visit("a04_new") + b"BTS|2\r")

    assert (parse(answer).get("MSA-1"), parse(answer).get("ERR-3.1"), parse(answer).get("ERR-2.1")) == (
        "AR",
        "100",
        "BTS",
    )
    assert (count(hospital, InboxItem), last_row(hospital).error_code) == (rows + 1, "batch_count_differs")
