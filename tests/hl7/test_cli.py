"""What hospital IT types: a file is explained and tried without a trace, messages are handed in again by search."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import func, select

from app.identity.models import Patient
from app.kernel import outbox
from app.kernel.inbox import InboxItem
from app.kernel.outbox import OutboxItem
from app.kernel.uow import Units
from hl7_adapter import cli
from hl7_adapter.er7 import parse
from hl7_adapter.intake import receive
from hl7_adapter.lint import explain
from hl7_adapter.send import legible
from tests.conftest import SetClock, application
from tests.hl7.files import ALL, OF_THE_VISIT, message, visit


@pytest.fixture
def typed(hospital: Units, clock: SetClock, database_url: str) -> Iterator[Flask]:
    with application(database_url, clock, "command line") as app:
        if "hl7" not in app.cli.commands:
            cli.register(app)
        yield app


def run(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=["hl7", *words])


def rows(units: Units, table: type) -> int:
    with units.open(reads_only=True) as uow:
        return uow.session.scalar(select(func.count()).select_from(table)) or 0


def test_a_file_is_explained_and_tried_and_nothing_is_kept(typed: Flask, hospital: Units, tmp_path: Path) -> None:
    file = tmp_path / "m.hl7"
    file.write_bytes(visit("a04_new"))
    before = rows(hospital, InboxItem), rows(hospital, Patient)

    told = run(typed, "lint", str(file))

    assert told.exit_code == 0, told.output
    assert "ADT^A04" in told.output
    assert "the patient of PID is on file as told" in told.output
    assert "answered now: AA, done" in told.output
    assert (rows(hospital, InboxItem), rows(hospital, Patient)) == before


def test_what_would_be_refused_says_where_and_why(typed: Flask, tmp_path: Path) -> None:
    file = tmp_path / "m.hl7"
    file.write_bytes(b"MSH|^~\\&|LIS|LAB|M|H|20261123||ORU^R01|R1|P|2.5.1\rPID|1||P999\rOBR|1||F1|CBC\r")

    told = run(typed, "lint", str(file))

    assert told.exit_code == 1
    assert "204 at PID-3" in told.output
    assert "P999" not in told.output


def test_what_would_be_filed_says_which_code_asks_for_nothing(typed: Flask, tmp_path: Path) -> None:
    file = tmp_path / "m.hl7"
    file.write_bytes(visit("orm_one_line").replace(b"ORC|NW", b"ORC|NEW"))

    told = run(typed, "lint", str(file))

    assert "answered now: AA, filed without effect" in told.output
    assert "ORC-1: a code in no table" in told.output


def test_a_message_commands_nobodys_terminal(typed: Flask, tmp_path: Path) -> None:
    file = tmp_path / "m.hl7"
    file.write_bytes(visit("a04_new").replace(b"MSH|^~\\&|HIS|", b"MSH|^~\\&|HIS\x1b]0;done\x07\xc2\x9b|"))
    answer = b"MSH|^~\\&|A|B|C|D|1||ACK|1|P|2.5.1\rMSA|AA|\x1b]0;done\x07\r"

    told = run(typed, "lint", str(file))

    assert "HIS?]0;done??" in told.output
    assert legible(parse(answer).get("MSA-2")) == "?]0;done?"


def test_each_message_of_a_batch_is_explained(typed: Flask, tmp_path: Path) -> None:
    file = tmp_path / "day.hl7"
    file.write_bytes(b"BHS|^~\\&|A|B\r" + visit("a04_new") + visit("omp_unknown_patient") + b"BTS|2\r")

    told = run(typed, "lint", str(file))

    assert told.exit_code == 1
    assert told.output.startswith("a batch of 2 messages")
    answers = [line.split()[2] for line in told.output.splitlines() if line.startswith("answered now")]
    assert answers == ["AA,", "AE,"]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"MSH|^~\\&|A|B|C|D|20261123||ADT^A04|1|P|2.5.1\nPID|1||7", "segments end with LF"),
        ("MSH|^~\\&|A|B|C|D|20261123||ADT^A04|1|P|2.4|||AL|AL||GBK\rPID|1||7||王".encode(), "not that; read as utf-8"),
        ("MSH|^~\\&|A|B|C|D|20261123||ADT^A04|1|P|2.4\rPID|1||7||王".encode("gbk"), "read as gb18030. Declare it"),
        (b"MSH|^~\\&|A|B|C|D|20261123||ADT^A04|1|P|2.4||||||KLINGON\rPID|1||7", "KLINGON, which is no character set"),
        (b"MSH|^~\\&|A|B|C|D|20261123||ADT^A04|1|P|2.4|||AL|AL\rPID|1||7", "asks for AL and AL"),
        (b"MSH|^~\\&|A|B|C|D|20261123||ADT^A04|" + b"9" * 36 + b"|P|2.4\rPID|1||7", "36 characters"),
        (b"MSH|^~\\&|A|B|C|D|20261123||ADT^A04|1|P|2.4|||||UTF-8\rPID|1||7", "one field off"),
        (b"MSH|^~\\&|A|B|C|D|20261123||ADT^A04|1|P|2.4\rPID|1", "no patient number"),
        (b"MSH|^~\\&|A|B|C|D|20261123||ORU^R01|1|P|2.4\rPID|1||7\rOBX|1|ST|A||xDG1|1||A|", "DG1 seems to be glued"),
        (b"MSH|^~\\&|A|B|C|D|20261123||ADT^Z77|1|P|9.9\rPID|1||7", "203 Unsupported version id"),
        (b"MSH|^~\\&|A|B|C|D|20261123||BAR^P01|1|P|2.4\rPID|1||7", "known and without meaning here"),
        (b"MSH|^~\\&|A|B|C|D|20261123||ACK|1|P|2.4\rMSA|AA|1", "an answer"),
        (b"hello", "no readable MSH segment"),
        (b"", "0 bytes: no segments"),
    ],
)
def test_habits_and_faults_are_named(raw: bytes, words: str) -> None:
    assert words in "\n".join(finding.words for finding in explain(raw))


def test_every_message_can_be_explained() -> None:
    for raw in (*(message(name.removesuffix(".hl7")) for name in ALL), *(visit(name) for name in OF_THE_VISIT)):
        assert explain(raw)


def test_messages_are_handed_in_again_by_search(typed: Flask, hospital: Units) -> None:
    for number in range(3):
        receive(hospital, f"MSH|^~\\&|LIS|LAB|M|H|20261123||ORU^R01|R{number}|P|2.4\rPID|1||P999\rOBR|1||F|C".encode())

    dry = run(typed, "replay", "--filter", "type=ORU", "--filter", "patient=P999", "--limit", "2", "--dry-run")
    unexplained = run(typed, "replay", "--filter", "type=ORU")
    wrong = run(typed, "replay", "--filter", "colour=red", "--dry-run")
    done = run(typed, "replay", "--filter", "peer=LIS|LAB", "--filter", "from=2026-11-23", "--reason", "patient filed")

    assert (dry.exit_code, "2 would be handed in again" in dry.output) == (0, True)
    assert "--reason is needed" in unexplained.output
    assert "NAME=VALUE" in wrong.output
    assert "3 are handed in again" in done.output, done.output
    with hospital.open(reads_only=True) as uow:
        asked = uow.session.scalars(select(OutboxItem.payload).where(OutboxItem.topic == "hl7_replay")).all()
    assert [payload["by"] for payload in asked] == ["operator"] * 3


def test_the_status_says_what_was_refused_and_why(typed: Flask, hospital: Units, clock: SetClock) -> None:
    calm = run(typed, "status")
    for number in range(2):
        receive(hospital, f"MSH|^~\\&|LIS|LAB|M|H|20261123||ORU^R01|R{number}|P|2.4\rPID|1||P999\rOBR|1||F|C".encode())
    with hospital.open() as uow:
        outbox.post(uow, "hospital", "K1", {"event": "BillPaid", "bill_id": 1})
    clock.step(seconds=90)
    now = clock.now().astimezone(hospital.zone)

    ill = run(typed, "status")
    later = run(typed, "status", "--from", f"{now:%Y-%m-%dT%H:%M}")

    assert (calm.exit_code, calm.output.splitlines()[-2:]) == (0, ["refused: none", "dead: none"])
    assert ill.exit_code == 1
    assert "ALARM the oldest message for a receiver has waited for 90 s" in ill.output
    assert "2 × patient_unknown PID-3[1].1 in ORU^R01 of LIS|LAB" in ill.output
    assert "refused: none" in later.output


def test_messages_are_handed_in_again_by_their_error_and_the_minute(typed: Flask, hospital: Units) -> None:
    receive(hospital, b"MSH|^~\\&|LIS|LAB|M|H|20261123||ORU^R01|R1|P|2.4\rPID|1||P999\rOBR|1||F|C")

    def found(*terms: str) -> str:
        return run(typed, "replay", "--dry-run", *(word for term in terms for word in ("--filter", term))).output

    assert "1 would be" in found("error=patient_unknown", "from=2026-11-23T00:00")
    assert "0 would be" in found("error=sex_not_valid")
    assert "0 would be" in found("to=2026-11-22T23:59")
    assert "2026-11-23T02:10" in found("from=2026-11-23T25:00")
