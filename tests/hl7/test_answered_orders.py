"""Where that was agreed, an order is answered by a message of its own kind, order by order; else by an ACK."""

from __future__ import annotations

import contextlib
from pathlib import Path

import hl7
import pytest
from hl7apy.exceptions import ValidationError
from hl7apy.parser import parse_message
from hl7apy.validation import Validator

from app.kernel import peers
from app.kernel.peers import Peer
from app.kernel.uow import Actor, Units
from app.prescription.models import Prescription
from hl7_adapter.er7 import Message, parse
from hl7_adapter.intake import receive
from tests.hl7.files import visit

# The tables of hl7apy want every segment of a choice in ORR^O02, of which the standard has one: nothing else is amiss.
_CHOICE = "ORR_O02_OBRRQDRQ1RXOODSODT_SUPPGRP"
ASKED_OF_ORR = [f"Error: Missing required child {_CHOICE}.{name}" for name in ("OBR", "RQD", "RQ1", "ODS", "ODT")]


@pytest.fixture
def agreed(hospital: Units) -> Units:
    with hospital.open(Actor("staff", "it")) as uow:
        peers.file_peer(uow, Peer(name="HIS", application="HIS", facility="HOSPITAL", answers_orders=True))
    return hospital


def answered(units: Units, raw: bytes) -> Message:
    return parse(receive(units, raw) or b"")


def orders(told: Message) -> list[tuple[str, str, str]]:
    """ORC-1, the sender's number and group number of each."""
    return [(orc.get("1"), orc.get("2.1"), orc.get("4.1")) for orc in told.segments("ORC")]


def as_hl7apy(told: Message, folder: Path) -> list[str]:
    """What the tables of hl7apy find wrong with the answer, its groups included."""
    report = folder / "report"
    with contextlib.suppress(ValidationError):
        Validator.validate(parse_message(told.raw.decode(), find_groups=True), report_file=report)
    return [line for line in report.read_text().splitlines() if line.startswith("Error")]


def as_python_hl7(told: Message) -> tuple[str, list[tuple[str, ...]]]:
    """MSH-9 as python-hl7 reads it, and of each ORC what `orders` tells."""
    theirs = hl7.parse(told.raw.decode())
    count = len(theirs.segments("ORC"))
    told_of = [
        tuple(theirs.extract_field("ORC", nth, field, 1, 1) for field in (1, 2, 4)) for nth in range(1, count + 1)
    ]
    return str(theirs.segment("MSH")[9]), told_of


@pytest.mark.parametrize(
    ("example", "kind", "lines"),
    [
        ("omp_two_lines", "ORP^O10^ORP_O10", [("OK", "RX1-1", "RX1"), ("OK", "RX1-2", "RX1")]),
        ("rde_one_line", "RRE^O12^RRE_O12", None),
        ("orm_one_line", "ORR^O02^ORR_O02", None),
    ],
)
def test_each_order_is_accepted_under_both_numbers(
    agreed: Units, tmp_path: Path, example: str, kind: str, lines: list[tuple[str, str, str]] | None
) -> None:
    raw = visit(example)

    told = answered(agreed, raw)

    wanted = [("OK", orc.get("2.1"), orc.get("4.1")) for orc in parse(raw).segments("ORC")]
    assert (told.get("MSH-9"), told.get("MSA-1"), told.get("MSA-2")) == (kind, "AA", parse(raw).get("MSH-10"))
    assert orders(told) == (lines or wanted)
    with agreed.open(reads_only=True) as uow:
        written = uow.session.query(Prescription).one()
    ours = [orc.get("3.1") for orc in told.segments("ORC")]
    assert ours == [f"{written.public_id}-{number}" for number in range(1, len(wanted) + 1)]
    assert as_hl7apy(told, tmp_path) == (ASKED_OF_ORR if told.get("MSH-9.1") == "ORR" else [])
    assert as_python_hl7(told) == (kind, orders(told))


def test_a_repeat_gets_the_same_answer_and_a_change_says_so(agreed: Units) -> None:
    raw = visit("omp_two_lines")
    first, again = receive(agreed, raw), receive(agreed, raw)
    changed = raw.replace(b"OMP_TWO_LINES", b"CHANGED").replace(b"ORC|NW", b"ORC|XO")
    cancelled = raw.replace(b"OMP_TWO_LINES", b"CANCELLED").replace(b"ORC|NW", b"ORC|CA")

    assert first == again
    assert {done for done, _, _ in orders(answered(agreed, changed))} == {"XR"}
    assert {done for done, _, _ in orders(answered(agreed, cancelled))} == {"CR"}


def test_before_the_structures_had_names_the_answer_s_type_has_none(agreed: Units) -> None:
    told = answered(agreed, visit("orm_one_line").replace(b"|P|2.5.1", b"|P|2.3").replace(b"|P|2.4", b"|P|2.3"))

    assert (told.get("MSH-9"), told.get("MSH-12")) == ("ORR^O02", "2.3")


def test_a_refused_order_is_answered_by_an_ack_with_its_place(agreed: Units) -> None:
    told = answered(agreed, visit("omp_unknown_drug"))

    assert (told.get("MSH-9.1"), told.get("MSA-1"), orders(told)) == ("ACK", "AE", [])
    assert told.get("ERR-3.1") == "204"


def test_where_it_was_not_agreed_an_ack_answers(hospital: Units) -> None:
    told = answered(hospital, visit("omp_two_lines"))

    assert (told.get("MSH-9.1"), told.get("MSA-1"), orders(told)) == ("ACK", "AA", [])
