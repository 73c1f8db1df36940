"""Reports and documents in every habit: each is on its own patient, under its own number, with its own findings."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.kernel.uow import Units
from app.reports import service as reports
from app.reports.models import Report
from app.reports.rules import ObservationIn
from hl7_adapter.er7 import parse
from hl7_adapter.intake import receive
from tests.hl7.files import visit
from tests.hl7.test_intake import last_row
from tests.hl7.test_merging import patient_id, send


def filed(units: Units) -> dict[str, tuple[Report, list[ObservationIn]]]:
    with units.open(reads_only=True) as uow:
        rows = uow.session.scalars(select(Report).order_by(Report.id))
        return {row.filler_number: (row, reports.observations_of(uow, row)) for row in rows}


def values(units: Units, number: str) -> list[str]:
    return [finding.value for finding in filed(units)[number][1]]


def test_each_patients_results_are_theirs(hospital: Units) -> None:
    receive(hospital, visit("a04_new"))

    receive(hospital, visit("oru_two_patients"))

    on_file = filed(hospital)
    assert on_file["LAB30"][0].patient_id == patient_id(hospital, "P10001")
    assert on_file["LAB31"][0].patient_id == patient_id(hospital, "P20001")
    assert values(hospital, "LAB31") == ["5.1"]


def test_nothing_is_filed_when_one_of_the_patients_is_unknown(hospital: Units) -> None:
    receive(hospital, visit("oru_second_patient_unknown"))

    assert filed(hospital) == {}


def test_an_order_that_stands_behind_its_report_gives_the_number(hospital: Units) -> None:
    receive(hospital, visit("oul_r24_obr_first"))

    assert {number: [f.flag for f in told] for number, (_, told) in filed(hospital).items()} == {
        "LAB24": ["HH", "M"],
        "LAB25": ["N"],
    }


def test_what_was_measured_of_the_specimen_is_no_result(hospital: Units) -> None:
    receive(hospital, visit("oul_r22_two_specimens"))

    assert (values(hospital, "LAB26"), values(hospital, "LAB27")) == (["11.2"], ["140"])


def test_a_deleted_finding_is_left_out_and_a_log_line_in_a_text_does_no_harm(hospital: Units) -> None:
    receive(hospital, visit("oru_deleted_finding"))
    receive(hospital, visit("oru_log_line_in_text"))

    assert values(hospital, "LAB36") == ["1"]
    assert values(hospital, "LAB37")[0].startswith("见下")
    assert values(hospital, "LAB37")[1] == "1"


def test_a_document_comes_changes_and_is_taken_back(hospital: Units) -> None:
    receive(hospital, visit("mdm_t02"))
    first = values(hospital, "DOC1")
    receive(hospital, visit("mdm_t08_changed"))
    second, state = values(hospital, "DOC1"), filed(hospital)["DOC1"][0].state.value
    receive(hospital, visit("mdm_t11_withdrawn"))

    assert (first, second, state) == (["第一段", "第二段"], ["改过的"], "corrected")
    assert (filed(hospital)["DOC1"][0].name, filed(hospital)["DOC1"][0].state.value) == ("门诊小结", "withdrawn")


@pytest.mark.parametrize("written", ["20990101", "20261125090000", "20261124093001"])
def test_what_has_not_happened_yet_is_refused(hospital: Units, written: str) -> None:
    obr = f"OBR|1||L1|CBC^血常规{'|' * 18}{written}|||F"

    assert send(hospital, "ORU^R01", "S1", "PID|1||P10001^^^HIS^PI", obr) == "AE time_in_future"


PERSON = "PID|1||P10001^^^HIS^PI"


def answered(units: Units, *segments: str, kind: str = "ORU^R01", control_id: str = "S1") -> tuple[str, str]:
    """MSA-1 with the code of the refusal, and where it is."""
    code = send(units, kind, control_id, PERSON, *segments)
    told = parse(last_row(units).answer or b"")
    return code, "-".join(filter(None, (told.get("ERR-2.1"), told.get("ERR-2.2"), told.get("ERR-2.3"))))


def test_a_coded_flag_is_its_code(hospital: Units) -> None:
    obx = "OBX|{}|NM|WBC^白细胞||12|10^9/L|4-10|{}|||F"
    told = ["H^High^HL70078", "A~H", "偏低^偏低^L", "↑"]

    answer = answered(hospital, "OBR|1||L1|CBC^血常规", *(obx.format(n, flag) for n, flag in enumerate(told, start=1)))

    assert answer == ("AA", "")
    assert [finding.flag for finding in filed(hospital)["L1"][1]] == ["H", "A", "L", "H"]


def test_a_report_is_not_refused_for_the_length_of_names_ranges_and_visit_numbers(hospital: Units) -> None:
    pv1 = "PV1|1|O" + "|" * 17 + "the-laboratory's-own-number-of-the-visit"
    name, text, phases = "很" * 140, "words where a code belongs, longer than any code is", "卵泡期 1.5-11.4；" * 15
    obx = f"OBX|1|NM|{text}^{name}||7.1|mIU/mL|{phases}||||F"

    assert answered(hospital, pv1, f"OBR|1||L1|{text}^{name}", obx) == ("AA", "")
    report, (finding,) = filed(hospital)["L1"]
    assert (report.code, finding.code) == ("", "")
    assert (report.name, finding.name) == ("很" * 119 + "…", "很" * 119 + "…")
    assert finding.reference_range == phases.strip()


def test_a_refused_report_is_told_where_the_message_has_what_is_wrong(hospital: Units) -> None:
    obr, obx = "OBR|{0}||L{0}|CBC^血常规", "OBX|1|NM|W||1||||||F"

    assert answered(hospital, "OBR|1|||CBC^血常规", obx) == ("AE field_missing", "OBR-1-3")
    assert answered(hospital, obr.format(1), obx.replace("|1||||||F", "|1|||不在任何表里的异常标志|||F")) == (
        "AE bad_report",
        "OBX-1-8",
    )
    assert "agree on the sender's codes" in parse(last_row(hospital).answer or b"").get("ERR-8")
    assert answered(hospital, obr.format(1), *[obx] * 501) == ("AE bad_report", "OBR-1-4")
    assert answered(hospital, obr.format(1), obx, obr.format(2), obx) == ("AA", "")
    person = "PID|1||P3^^^HIS^PI||王五"
    send(hospital, "ADT^A04", "P3", person)
    assert (
        send(hospital, "ORU^R01", "S2", person, obr.format(9), obx, obr.format(2), obx)
        == "AE report_of_another_patient"
    )
    assert parse(last_row(hospital).answer or b"").get("ERR-2.2") == "2"
    assert send(hospital, "MDM^T02", "S3", person, "TXA|1|小结^门诊小结" + "|" * 10 + "L2", obx) == (
        "AE report_of_another_patient"
    )
    assert parse(last_row(hospital).answer or b"").get("ERR-2.1") == "TXA"


def test_a_message_tells_of_many_reports_and_not_of_any_number(hospital: Units) -> None:
    def told(count: int) -> list[str]:
        return [f"OBR|{n}||N{n}|CBC^血常规\rOBX|1|NM|W||1||||||F" for n in range(count)]

    assert answered(hospital, *told(30)) == ("AA", "")
    assert len(filed(hospital)) == 30
    assert answered(hospital, *told(501), control_id="S2") == ("AE too_many_reports", "OBR-501-3")


def test_a_birth_that_is_still_to_come_is_refused(hospital: Units) -> None:
    assert send(hospital, "ADT^A08", "S1", "PID|1||P10001^^^HIS^PI||张秀英||20270101") == "AE time_not_valid"


def test_a_thousand_repeats_of_a_finding_are_one_text(hospital: Units) -> None:
    obx = "OBX|1|TX|N^备注||" + "~".join(f"行{number}" for number in range(1000)) + "||||||F"

    assert send(hospital, "ORU^R01", "S1", "PID|1||P10001^^^HIS^PI", "OBR|1||L1|CBC^血常规", obx) == "AA"
    assert values(hospital, "L1")[0].count("\n") == 999


def test_a_segment_in_the_middle_of_a_field_is_a_segment_of_the_message_and_of_no_other(hospital: Units) -> None:
    """A raw CR in a value ends its segment: what follows is read as the sender's own, and refused as such."""
    answer = send(hospital, "ADT^A08", "S1", "PID|1||P10001^^^HIS^PI||张\rPID|2||P20001^^^HIS^PI||李")

    assert answer == "AE several_patients"
