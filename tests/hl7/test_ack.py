"""The answer to a message: any bytes get the code that the table gives, in the sender's own words and version."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import hl7apy.parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hl7_adapter.ack import (
    MESSAGE_TYPES,
    REFUSALS,
    VERSIONS,
    ErrorAt,
    Header,
    HeaderProblem,
    answer_code,
    build_ack,
    read_header,
    wanted_answers,
)
from hl7_adapter.er7 import parse
from tests.hl7.files import ALL, message

NOW = datetime(2026, 3, 2, 0, 15, tzinfo=UTC)
MISSING_ID = ErrorAt(101, "PID-3", "the patient has no identifier")


def answered(raw: bytes, errors: tuple[ErrorAt, ...] = (), code: str = "") -> bytes:
    """What a sender of these bytes gets when `errors` were found in them."""
    header = read_header(raw)
    found = header.errors if isinstance(header, HeaderProblem) else errors
    return build_ack(header, code or answer_code(found), found, control_id="OURS1", now=NOW)


@pytest.mark.parametrize(
    ("raw", "code", "number", "control_id"),
    [
        (message("adt_a04_utf8"), "AA", "", "HIS0001"),
        (message("adt_a04_gb18030"), "AA", "", "HIS0001"),
        (message("adt_a04_gbk_undeclared"), "AA", "", "HIS0001"),
        (message("adt_a04_bom"), "AA", "", "HIS0001"),
        (message("adt_a04_lf"), "AA", "", "HIS0001"),
        (message("adt_type_alone"), "AA", "", "OLD1"),
        (message("orm_o01_custom_delimiters"), "AA", "", "PH-9"),
        (b"\r\n  " + message("adt_a04_utf8"), "AA", "", "HIS0001"),
        (message("no_msh"), "AR", "100", ""),
        (b"", "AR", "100", ""),
        (b"\x00\xff\xfe", "AR", "100", ""),
        (b"MSH|APP|FACILITY", "AR", "100", ""),
        (message("msh_cut"), "AR", "101", ""),
        (message("type_zzz"), "AR", "200", "Z1"),
        (message("version_9_9"), "AR", "203", "V99"),
        (message("processing_id_x"), "AR", "202", "X1"),
        (message("adt_a04_utf8").replace(b"^A04^", b"^arrived^"), "AR", "201", "HIS0001"),
    ],
)
def test_a_damaged_or_odd_message_gets_the_answer_of_the_table(raw, code, number, control_id):
    answer = parse(answered(raw))

    assert answer.get("MSA-1") == code
    assert answer.get("MSA-2") == control_id
    old = answer.get("MSH-12") < "2.5"
    assert (answer.get("ERR-1.4.1") if old else answer.get("ERR-3.1")) == number


@given(
    st.binary(max_size=300)
    | st.sampled_from(ALL).flatmap(
        lambda name: st.tuples(st.integers(0, 600), st.binary(max_size=3)).map(
            lambda cut: message(name[:-4])[: cut[0]] + cut[1] + message(name[:-4])[cut[0] + 1 :]
        )
    )
)
def test_any_bytes_get_a_well_formed_answer(raw):
    answer = parse(answered(raw, (MISSING_ID,)))

    assert [s.name for s in answer][:2] == ["MSH", "MSA"]
    assert answer.get("MSA-1") in {"AE", "AR"}
    assert {s.name for s in answer} == {"MSH", "MSA", "ERR"}


def test_the_answer_goes_back_in_the_senders_names_version_and_set():
    raw = message("adt_a04_gb18030").replace(b"|HIS|", "|珅^1.2^ISO|".encode("gb18030"))

    answer = build_ack(read_header(raw), "AA", control_id="M-1", now=NOW.astimezone(ZoneInfo("Asia/Shanghai")))

    assert answer == (
        "MSH|^~\\&|MENZHEN|CLINIC|珅^1.2^ISO|SUNSHINE|20260302081500+0800||ACK^A04^ACK|M-1|P|2.5.1||||||GB 18030-2000\r"
        "MSA|AA|HIS0001\r"
    ).encode("gb18030")


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("adt_a04_utf8", "UNICODE UTF-8"),
        ("adt_a04_lf", "utf-8"),
        ("adt_a04_gbk_undeclared", "GB 18030-2000"),
        ("adt_a04_charset_early", "GBK"),
        ("adt_a08_latin1", "8859/1"),
    ],
)
def test_the_answer_declares_the_set_that_the_message_was_in(name, label):
    assert parse(answered(message(name))).get("MSH-18") == label


def test_an_answer_to_own_delimiters_uses_them():
    answer = answered(message("orm_o01_custom_delimiters"))

    assert answer.startswith(b"MSH$%~!@$MENZHEN$CLINIC$PHARM$H$")
    assert b"MSA$AA$PH-9\r" in answer


@pytest.mark.parametrize(
    ("version", "kind", "place"),
    [
        ("2.1", "ACK", ""),
        ("2.2", "ACK^A04", ""),
        ("2.3", "ACK^A04", ""),
        ("2.3.1", "ACK^A04^ACK", ""),
        ("2.4", "ACK^A04^ACK", ""),
        ("2.5", "ACK^A04^ACK", "PID^1^3"),
        ("2.5.1", "ACK^A04^ACK", "PID^1^3"),
        ("2.8", "ACK^A04^ACK", "PID^1^3"),
    ],
)
def test_a_fault_is_told_as_the_senders_version_has_it(version, kind, place):
    answer = parse(answered(message("adt_a04_utf8").replace(b"|2.5.1|", f"|{version}|".encode()), (MISSING_ID,)))

    assert (answer.get("MSH-9"), answer.get("MSH-12"), answer.get("MSA-1")) == (kind, version, "AE")
    assert answer.get("ERR-2") == place
    if place:
        assert answer.get("ERR-3") == "101^Required field missing^HL70357"
        assert (answer.get("ERR-4"), answer.get("ERR-8"), answer.get("MSA-3")) == ("E", MISSING_ID.text, "")
    else:
        assert answer.get("ERR-1") == "PID^1^3^101&Required field missing&HL70357"
        assert answer.get("MSA-3") == MISSING_ID.text


@pytest.mark.parametrize("version", ["2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6"])
def test_another_reader_finds_the_answer_valid_for_its_version(version):
    faults = (MISSING_ID, ErrorAt(103, "OBX[2]-5[3].1.2", "not a code"))
    answer = answered(message("adt_a04_utf8").replace(b"|2.5.1|", f"|{version}|".encode()), faults)

    theirs = hl7apy.parser.parse_message(answer.decode(), find_groups=False)

    assert theirs.msh.version_id.value == version
    assert theirs.msa.acknowledgment_code.value == "AE"
    if version >= "2.5":
        assert [err.err_2.value for err in theirs.err] == ["PID^1^3", "OBX^2^5^3^1^2"]
        assert [err.err_3.err_3_1.value for err in theirs.err] == ["101", "103"]
        assert theirs.validate()


@pytest.mark.parametrize("written", ["a\\T\\b", "C:\\x", "with blank ", "12345678901234567890123456789012345"])
def test_the_control_id_is_repeated_as_it_was_written(written):
    answer = answered(message("adt_a04_utf8").replace(b"HIS0001", written.encode()))

    assert f"\rMSA|AA|{written}\r".encode() in answer


def test_words_cannot_become_structure_and_unknown_characters_become_marks():
    fault = ErrorAt(207, "", "a|b\rMSA|AA|珅")

    answer = answered(message("adt_a08_latin1").replace(b"|2.3|", b"|2.5|"), (fault,))

    assert answer.count(b"\r") == 3
    assert parse(answer).get("ERR-8") == "a|b\rMSA|AA|?"
    assert parse(answer).get("ERR-2") == ""


@pytest.mark.parametrize("raw", [message("ack"), message("type_zzz") + b"MSA|AA|X\r", b"MSH|^~\\&|||||||RSP^K22\r"])
def test_an_answer_is_known_as_one_and_must_not_be_answered(raw):
    read = read_header(raw)
    header = read.header if isinstance(read, HeaderProblem) else read

    assert header.is_answer


def test_the_head_of_a_message_is_read_whole():
    header = read_header(message("adt_a04_utf8"))

    assert isinstance(header, Header)
    assert (header.message_type, header.event, header.structure) == ("ADT", "A04", "ADT_A01")
    assert (header.sender, header.receiver) == (("HIS", "SUNSHINE"), ("MENZHEN", "CLINIC"))
    assert (header.accept_condition, header.application_condition, header.is_answer) == ("AL", "AL", False)


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ((), "AA"),
        ((ErrorAt(0, "", "filed"),), "AA"),
        ((MISSING_ID,), "AE"),
        ((MISSING_ID, ErrorAt(200, "MSH-9.1", "")), "AR"),
        ((ErrorAt(101, "MSH-10", ""),), "AR"),
        ((ErrorAt(204, "PID-3", ""), ErrorAt(207, "", "")), "AE"),
    ],
)
def test_the_worst_fault_decides(errors, code):
    assert answer_code(errors) == code


@pytest.mark.parametrize(
    ("accept", "application", "mode", "if_accepted", "if_refused"),
    [
        ("", "", "auto", (False, True), (False, True)),
        ("AL", "AL", "original", (False, True), (False, True)),
        ("AL", "NE", "auto", (True, False), (True, False)),
        ("ER", "SU", "auto", (False, True), (True, False)),
        ("", "", "enhanced", (True, False), (True, False)),
        ("", "AL", "auto", (False, True), (False, True)),
    ],
)
def test_who_wants_which_answer(accept, application, mode, if_accepted, if_refused):
    assert wanted_answers(accept, application, accepted=True, mode=mode) == if_accepted
    assert wanted_answers(accept, application, accepted=False, mode=mode) == if_refused


def test_the_tables_hold_the_standards_codes():
    assert set(REFUSALS) == {0, 100, 101, 102, 103, *range(200, 208)}
    assert {"ADT", "ORM", "RDE", "OMP", "ORU", "DFT", "SIU", "QBP", "MDM"} <= MESSAGE_TYPES
    assert "2.5.1" in VERSIONS


def test_an_answer_needs_an_instant_with_its_zone():
    with pytest.raises(ValueError, match="zone"):
        build_ack(read_header(b""), "AR", control_id="1", now=datetime(2026, 1, 1))


def test_what_is_not_there_at_all_is_told_apart_from_what_is_wrong():
    nothing, wrong = (read_header(f"MSH|^~\\&|A|B|C|D|||{rest}\r".encode()) for rest in ("|1||", "XYZ|1|R|9"))

    assert [fault.text for fault in nothing.errors] == [
        "there is no message type",
        "there is no processing id: P, D or T",
        "there is no version of HL7, such as 2.5.1",
    ]
    assert [fault.text for fault in wrong.errors] == [
        "this message type is not known",
        "the processing id is not P, D or T",
        "this version of HL7 is not known",
    ]


@pytest.mark.parametrize(("marks", "words"), [("^^\\&", "do not declare"), ("~^\\&", "MSH-9 would be repeated")])
def test_a_message_written_with_other_delimiters_than_it_declares_is_refused_at_msh_2(marks, words):
    head = f"MSH|{marks}|HIS|HOSPITAL|MENZHEN|HOSPITAL|20261123092500||ADT^A04|D1|P|2.5.1\r"

    refused = read_header((head + "PID|1||P1^^^HIS^PI\r").encode())

    assert isinstance(refused, HeaderProblem)
    assert [(fault.code, fault.location) for fault in refused.errors] == [(100, "MSH-2")]
    assert words in refused.errors[0].text
    assert answer_code(refused.errors) == "AR"


def test_a_message_of_endless_lines_or_repetitions_is_refused_before_it_is_taken_apart():
    head = b"MSH|^~\\&|HIS|HOSPITAL|MENZHEN|HOSPITAL|20261123092500||ADT^A04|D1|P|2.5.1\rPID|1||P1^^^HIS^PI\r"

    refused, taken = (read_header(head + b"\r" * count) for count in (300_000, 299_000))

    repeating = read_header(head.replace(b"PI\r", b"PI" + b"~P2" * 50_001 + b"\r"))

    assert isinstance(refused, HeaderProblem)
    assert isinstance(repeating, HeaderProblem)
    assert [(fault.code, fault.location) for fault in (*refused.errors, *repeating.errors)] == [(100, "MSH")] * 2
    assert (refused.header.control_id, [each.name for each in refused.header.message]) == ("D1", ["MSH"])
    assert not isinstance(taken, HeaderProblem)


def test_delimiters_that_are_declared_and_used_the_other_way_round_are_taken():
    taken = read_header(b"MSH|~^\\&|A|B|C|D|20261123092500||ADT~A04|D1|P|2.5.1\rPID|1||P1~~~HIS^P2\r")

    assert not isinstance(taken, HeaderProblem)
    assert (taken.event, taken.message.get("PID-3[2]")) == ("A04", "P2")
