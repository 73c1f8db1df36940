"""The profiles say what is really asked of each message, and what was agreed with a sender is asked of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hl7apy.v2_5_1.segments import SEGMENTS
from sqlalchemy import select

from app.identity.models import Sex
from app.kernel import code_tables, peers
from app.kernel.audit import AuditEvent
from app.kernel.code_tables import BadCodes, Codes, CodesChanged
from app.kernel.inbox import InboxState
from app.kernel.peers import BadPeer, OtherFacility, Peer
from app.kernel.uow import Actor, Units
from app.kernel.usual_codes import EVENTS, USUAL
from hl7_adapter.er7 import parse
from hl7_adapter.intake import receive
from hl7_adapter.lint import explain
from hl7_adapter.mapping.inbound import EFFECTS
from hl7_adapter.profiles import FieldProfile, MessageProfile, profiles
from tests.hl7.files import visit
from tests.hl7.test_intake import last_row, patient
from tools import hl7_tables

TAKEN = [profile for profile in profiles() if profile.direction == "in"]
HIS = Peer(name="HIS", application="HIS", facility="HOSPITAL")
IT = Actor("staff", "it")


def agreed(units: Units, **terms: object) -> Peer:
    with units.open(IT) as uow:
        return peers.file_peer(uow, replace(HIS, **terms))


def told(units: Units, raw: bytes) -> tuple[str, str, str]:
    """MSA-1, ERR-3 and the code in front of ERR-8."""
    answer = parse(receive(units, raw) or b"")
    return answer.get("MSA-1"), answer.get("ERR-3.1"), answer.get("ERR-8").partition(":")[0]


def with_field(raw: bytes, segment: str, number: int, value: str) -> bytes:
    """The message with another value in a field of the first such segment."""
    lines = raw.decode().split("\r")
    at = next(place for place, line in enumerate(lines) if line.startswith(segment))
    fields = lines[at].split("|")
    place = number - 1 if segment == "MSH" else number
    fields += [""] * (place + 1 - len(fields))
    fields[place] = value
    lines[at] = "|".join(fields)
    return "\r".join(lines).encode()


def test_there_is_a_profile_for_each_message_that_has_an_effect_and_for_no_other() -> None:
    kinds = [kind for profile in TAKEN for kind in profile.kinds]

    assert sorted(kinds) == sorted(EVENTS) == sorted(f"{kind}^{event}" for kind, event in EFFECTS)


def all_fields() -> list[FieldProfile]:
    return list({field: None for profile in profiles() for fields in profile.fields.values() for field in fields})


def test_each_field_has_the_type_that_the_standard_gives_it() -> None:
    types = {
        (name, int(field.split("_")[1])): shape[2]
        for name, segment in SEGMENTS.items()
        for field, shape, *_ in segment[1]
        if "_" in field
    }
    ours = {(field.segment, field.number): field.data_type for field in all_fields() if field.segment != "ZQN"}
    wrong = {place: kind for place, kind in ours.items() if kind != (types[place] or "").replace("varies", "*")}

    assert wrong == {}


def test_each_code_table_that_a_field_names_is_one() -> None:
    assert {field.table for field in all_fields() if field.table} <= set(USUAL)


@pytest.mark.parametrize("profile", TAKEN, ids=lambda profile: profile.kinds[0])
def test_the_example_of_each_profile_has_no_fault_and_is_taken(hospital: Units, profile: MessageProfile) -> None:
    raw = visit(profile.example)

    assert [finding for finding in explain(raw) if finding.level == "fault"] == []
    assert told(hospital, raw)[0] == "AA"


def required(profile: MessageProfile) -> list[FieldProfile]:
    """The fields without which the profile says the message is refused, as far as its example has their segments."""
    raw = visit(profile.example)
    fields = [field for fields in profile.fields.values() for field in fields]
    asked = [field for field in fields if (field.usage, field.severity) == ("R", "error")]
    is_there = [field for field in asked if f"\r{field.segment}|".encode() in b"\r" + raw]
    return [field for field in is_there if field.place not in ("MSH-1", "MSH-2")]


@pytest.mark.parametrize("profile", TAKEN, ids=lambda profile: profile.kinds[0])
def test_a_message_without_a_required_field_is_refused_at_its_place(hospital: Units, profile: MessageProfile) -> None:
    for field in required(profile):
        raw = with_field(visit(profile.example), field.segment, field.number, "")

        answer = parse(receive(hospital, raw) or b"")

        assert answer.get("MSA-1") in ("AE", "AR"), field.place
        assert (answer.get("ERR-2.1"), answer.get("ERR-2.3")) == (field.segment, str(field.number))


RULES = [
    # what was agreed, the message, its field with another value, MSA-1, ERR-3, the code
    ("PID-7 R error", "a31_person", ("PID", 7, ""), ("AE", "101", "field_missing")),
    ("PID-7 R", "a31_person", ("PID", 7, ""), ("AE", "101", "field_missing")),
    ("ADT^A31 PID-7 R error", "a31_person", ("PID", 7, ""), ("AE", "101", "field_missing")),
    ("ADT^A08 PID-7 R error", "a31_person", ("PID", 7, ""), ("AA", "", "")),
    ("ORM PID-7 R error", "a31_person", ("PID", 7, ""), ("AA", "", "")),
    ("PID-7 R warning", "a31_person", ("PID", 7, ""), ("AA", "", "")),
    ("PID-7 R ignore", "a31_person", ("PID", 7, ""), ("AA", "", "")),
    ("PID-11 X", "a31_person", ("PID", 11, "Street 1"), ("AE", "103", "field_not_expected")),
    ("PID-11 X", "a31_person", ("PID", 11, ""), ("AA", "", "")),
    ("PID-7 error", "a31_person", ("PID", 7, "yesterday"), ("AE", "102", "type_not_valid")),
    ("MSH-10 error", "a31_person", ("MSH", 10, "C" * 201), ("AE", "102", "field_too_long")),
    ("PID-8 error", "a31_person", ("PID", 8, "Q"), ("AE", "103", "code_not_valid")),
    ("PID-5 error", "a31_person", ("PID", 5, "张三~张三~张三"), ("AE", "102", "too_many_repetitions")),
    ("ZPD-1 R error", "a31_person", ("PID", 7, ""), ("AA", "", "")),
]


def test_what_was_agreed_about_a_field_is_asked(hospital: Units) -> None:
    for number, (rule, name, field, wanted) in enumerate(RULES):
        agreed(hospital, application=f"HIS{number}", field_rules=(rule,))
        raw = with_field(visit(name), "MSH", 3, f"HIS{number}")

        assert told(hospital, with_field(raw, *field)) == wanted, (rule, field)


def test_a_field_of_a_segment_that_was_agreed_to_be_there_is_missed_with_it(hospital: Units) -> None:
    agreed(hospital, field_rules=("ADT PV1-19 R error", "PID-7 R error"))

    answer = parse(receive(hospital, with_field(visit("a31_person"), "PID", 7, "")) or b"")

    places = {(err.get("2.1"), err.get("2.3")) for err in answer.segments("ERR")}
    assert ("PID", "7") in places
    assert answer.get("MSA-1") == "AE"


def test_what_is_noted_stands_beside_the_deed(hospital: Units) -> None:
    agreed(hospital, field_rules=("PID-7 R warning",))

    receive(hospital, with_field(visit("a31_person"), "PID", 7, ""))

    with hospital.open(reads_only=True) as uow:
        deed = uow.session.scalars(
            select(AuditEvent).where(AuditEvent.action == "hl7.receive").order_by(AuditEvent.id.desc())
        ).first()
        assert deed is not None
        assert deed.detail["noted"] == ["PID-7 field_missing"]
    assert last_row(hospital).state is InboxState.DONE


def noted(units: Units) -> list[str]:
    with units.open(reads_only=True) as uow:
        deeds = uow.session.scalars(
            select(AuditEvent).where(AuditEvent.action == "hl7.receive").order_by(AuditEvent.id)
        )
        return list(deeds.all()[-1].detail.get("noted", ()))


SILENT = [
    # message, segment, field, what stands there, where it is said
    ("orm_one_line", "ORC", 1, "NU", ["ORC-1 code_without_effect"]),
    ("oru_blood_count", "OBR", 25, "Z", ["OBR-25 code_without_effect"]),
    ("orm_one_line", "ORC", 1, "NW", []),
]


@pytest.mark.parametrize(("name", "segment", "number", "code", "wanted"), SILENT)
def test_a_message_that_a_code_left_without_effect_says_which(
    hospital: Units, name: str, segment: str, number: int, code: str, wanted: list[str]
) -> None:
    receive(hospital, with_field(visit(name), segment, number, code))

    assert noted(hospital) == wanted
    assert (last_row(hospital).state is InboxState.FILED) is bool(wanted)


def test_an_agreed_code_is_not_noted_for_its_length(hospital: Units) -> None:
    agreed(hospital, codes=("order_control: NEW = NW",))

    receive(hospital, with_field(visit("orm_one_line"), "ORC", 1, "NEW"))

    assert (noted(hospital), last_row(hospital).state) == ([], InboxState.DONE)


def test_bytes_that_are_not_what_msh_18_says_are_noted(hospital: Units) -> None:
    receive(hospital, with_field(visit("a31_person"), "MSH", 18, "GBK"))

    assert noted(hospital)[:1] == ["MSH-18 charset_doubtful"]


NO_RULES = ("PID-7", "PID R", "PID-7 R R", "PID-0 R", "PID-7 must", "pid-7 R", "ADT^A04 PID-7")
NO_CODES = ("sex: X", "sex: = male", "sex: X = man", "colour: X = male", "X = male", "sex X = male")


def test_what_is_no_rule_and_no_code_cannot_be_agreed(units: Units) -> None:
    wrong = [{"field_rules": (line,)} for line in NO_RULES] + [{"codes": (line,)} for line in NO_CODES]

    for terms in wrong:
        with pytest.raises(BadPeer) as refusal:
            agreed(units, **terms)
        assert refusal.value.facts["fields"] == dict.fromkeys(terms, "not_valid"), terms


def test_a_senders_own_codes_come_before_the_hospitals_and_these_before_ours(hospital: Units) -> None:
    with hospital.open(IT) as uow:
        code_tables.save(uow, "sex", ["M = male", "X = female", "7 = male"], version=0)
    agreed(hospital, codes=("sex: X = male",))
    raw = visit("a31_person")

    answers = [told(hospital, with_field(with_field(raw, "PID", 8, sex), "MSH", 10, f"S{sex}")) for sex in ("X", "F")]

    assert answers == [("AA", "", ""), ("AE", "103", "sex_not_valid")]
    assert patient(hospital, "P10001").sex is Sex.MALE
    told(hospital, with_field(with_field(raw, "PID", 8, "X"), "MSH", 3, "LIS"))
    assert patient(hospital, "P10001").sex is Sex.FEMALE


def test_a_type_of_number_and_a_word_for_new_can_be_agreed(hospital: Units) -> None:
    agreed(hospital, codes=("number_type: HISNO = hospital", "order_control: NEW = NW", "route: 1 = 口服"))
    raw = visit("omp_two_lines").replace(b"P10001^^^HIS^PI", b"9~P10001^^^HIS^HISNO").replace(b"ORC|NW", b"ORC|NEW")

    assert told(hospital, raw.replace(b"9~", b"9^^^HIS^ID~")) == ("AA", "", "")


def test_a_table_is_changed_by_one_at_a_time_and_every_change_is_kept(units: Units) -> None:
    with units.open(IT) as uow:
        first = code_tables.save(uow, "route", ["PO = 口服", "", "eye drops = 滴眼"], version=0)
        assert code_tables.save(uow, "route", ["po=口服", "EYE-DROPS = 滴眼"], version=1).version == 1
        code_tables.save(uow, "route", ["PO = 口服药"], version=1)
    for stale in (0, 1):
        with pytest.raises(CodesChanged), units.open(IT) as uow:
            code_tables.save(uow, "route", ["X = 外用"], version=stale)

    with units.open(reads_only=True) as uow:
        newest, oldest = code_tables.edits_of(uow, "route")
        assert Codes(uow).ours("route", "p o") == "口服药"
    assert (first.version, newest.version, newest.by_ref) == (1, 2, "it")
    assert newest.codes == {"PO": ("口服", "口服药"), "EYEDROPS": ("滴眼", "")}
    assert oldest.codes["IV"] == ("静脉注射", "")


WRONG_LINES = (["male"], ["M ="], ["= male"], ["M = man"], ["M = male", "m = female"], ["-- = male"])


def test_lines_that_say_nothing_are_refused_by_number(units: Units) -> None:
    for lines in WRONG_LINES:
        with pytest.raises(BadCodes) as refusal, units.open(IT) as uow:
            code_tables.save(uow, "sex", lines, version=0)

        assert refusal.value.facts["lines"] == [len(lines)], lines


FACILITIES = [
    # policy, MSH-6, PV1-3, MSA-1, ERR-3, the code
    ("refuse", "HOSPITAL", "GI^^^HOSPITAL", ("AA", "", "")),
    ("refuse", "H1^1.2.3^ISO", "GI", ("AA", "", "")),
    ("refuse", "", "GI", ("AA", "", "")),
    ("refuse", "ELSEWHERE", "GI", ("AE", "204", "other_facility")),
    ("refuse", "HOSPITAL", "GI^^^ELSEWHERE", ("AE", "204", "other_facility")),
    ("flag", "ELSEWHERE", "GI", ("AA", "", "")),
]


def test_a_report_for_another_hospital_is_refused_or_flagged(hospital: Units) -> None:
    raw = visit("oru_blood_count")
    for policy in OtherFacility:
        agreed(hospital, application=policy.value, facilities=("HOSPITAL", "H1"), other_facility=policy)
    for policy, facility, location, wanted in FACILITIES:
        for_it = with_field(with_field(raw, "MSH", 6, facility), "MSH", 3, policy)

        assert told(hospital, with_field(for_it, "PV1", 3, location)) == wanted, (policy, facility, location)


def test_the_specification_is_as_the_profiles_are() -> None:
    assert hl7_tables.main(["--check"]) == 0
