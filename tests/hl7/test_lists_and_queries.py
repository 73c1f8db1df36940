"""The hospital's lists and its questions: each is answered by a message of its own kind."""

from __future__ import annotations

import itertools

from sqlalchemy import func, select

from app.kernel.audit import AuditEvent
from app.kernel.uow import Units
from app.prescription.models import Drug
from app.scheduling import service as scheduling
from app.scheduling.models import Shift
from hl7_adapter.er7 import Message, parse
from hl7_adapter.intake import receive
from tests.hl7.files import visit
from tests.hl7.test_merging import HEAD, merge, person_called

_IDS = itertools.count(1)


def answer(units: Units, raw: bytes) -> Message:
    return parse(receive(units, raw) or b"")


def asked(units: Units, *parameters: str, rcp: str = "RCP|I|10^RD") -> Message:
    rows = f"QPD|IHE PDQ Query|T1|{'~'.join(parameters)}\r{rcp}\r"
    return answer(units, (HEAD.format(kind="QBP^Q22^QBP_Q21", id=f"Q{next(_IDS)}") + rows).encode())


def numbers(told: Message) -> list[str]:
    return [pid.get("3.1") for pid in told.segments("PID")]


def test_a_question_is_answered_with_the_patients_it_fits(hospital: Units) -> None:
    told = answer(hospital, visit("qbp_by_number"))

    assert told.get("MSH-9") == "RSP^K22^RSP_K21"
    assert (told.get("MSA-1"), told.get("MSA-2")) == ("AA", "QBP_BY_NUMBER")
    assert [told.get(f"QAK-{field}") for field in range(1, 7)] == ["T1", "OK", "IHE PDQ Query", "1", "1", "0"]
    assert told.get("QPD") == "QPD|IHE PDQ Query|T1|@PID.3.1^P10001"
    assert (told.get("PID-3.1"), told.get("PID-3.4"), told.get("PID-5")) == ("P10001", "HIS", "张秀英")
    with hospital.open(reads_only=True) as uow:
        seen = select(func.count()).where(AuditEvent.action == "patient.told", AuditEvent.actor_kind == "peer")
        assert uow.session.scalar(seen) == 1


def test_nobody_is_an_answer_too(hospital: Units) -> None:
    told = answer(hospital, visit("qbp_nobody"))

    assert (told.get("MSA-1"), told.get("QAK-2"), told.get("QAK-4"), numbers(told)) == ("AA", "NF", "0", [])


def test_all_that_is_known_must_fit_and_no_more_are_told_than_asked_for(hospital: Units) -> None:
    for number in ("P2", "P3", "P4"):
        person_called(hospital, number)

    assert numbers(asked(hospital, "@PID.5.1^李四")) == ["P2", "P3", "P4"]
    assert numbers(asked(hospital, "@PID.5.1^李", "@PID.5.2^四", "@PID.7^19800101")) == ["P2", "P3", "P4"]
    assert numbers(asked(hospital, "@PID.5.1^李五")) == []
    assert numbers(asked(hospital, "@PID.5.1^李四", "@PID.8^F")) == []
    two = asked(hospital, "@PID.5.1^李四", rcp="RCP|I|2^RD")
    assert (numbers(two), two.get("QAK-4"), two.get("QAK-6")) == (["P2", "P3"], "3", "1")


def test_a_merged_patient_is_found_under_either_number_as_one(hospital: Units) -> None:
    person_called(hospital, "P2")
    merge(hospital, "P2", "P10001", name="张秀英")

    assert numbers(asked(hospital, "@PID.3.1^P10001")) == ["P2"]
    assert numbers(asked(hospital, "@PID.5.1^张秀英")) == ["P2"]


def test_doctors_come_and_change_entry_by_entry(hospital: Units) -> None:
    told = answer(hospital, visit("mfn_m02_doctors"))

    assert told.get("MSH-9") == "MFK^M02^MFK_M01"
    assert [(row.get("1"), row.get("2"), row.get("4"), row.get("5")) for row in told.segments("MFA")] == [
        ("MAD", "E1", "S", "D777^^HIS"),
        ("MUP", "E2", "S", "DGI"),
    ]
    with hospital.open(reads_only=True) as uow:
        made = scheduling.practitioner_by_code(uow, "D777")
        assert (made.name, made.title, made.good_at) == ("钱学", "副主任医师", "胃肠镜")


def test_one_bad_entry_leaves_the_whole_list_undone(hospital: Units) -> None:
    before = visit("mfn_m02_department_unknown").replace("DGI||张伟".encode(), "DGI||换了名".encode())

    told = answer(hospital, before)

    assert (told.get("MSH-9"), told.get("MSA-1")) == ("ACK^M02^ACK", "AE")
    with hospital.open(reads_only=True) as uow:
        assert scheduling.practitioner_by_code(uow, "DGI").name == "张伟"


def test_a_doctor_who_left_has_no_weekly_shifts(hospital: Units) -> None:
    rows = "MFI|PRA||UPD|||ER\rMFE|MDC|E1||DGI|CWE\r"

    told = answer(hospital, (HEAD.format(kind="MFN^M02", id="GONE") + rows).encode())

    assert (told.get("MSA-1"), told.segments("MFA")) == ("AA", [])
    with hospital.open(reads_only=True) as uow:
        assert uow.session.scalar(select(func.count()).select_from(Shift)) == 0


def test_a_price_of_the_list_is_the_formularys(hospital: Units) -> None:
    answer(hospital, visit("mfn_m04_price").replace(b"18.60", b"19.05"))

    with hospital.open(reads_only=True) as uow:
        drug = uow.session.scalars(select(Drug).where(Drug.code == "IBU300")).one()
        assert drug.unit_price_fen == 1905


def test_a_department_is_on_file_with_its_place(hospital: Units) -> None:
    told = answer(hospital, visit("mfn_m05_place"))

    assert told.segments("MFA") == []
    with hospital.open(reads_only=True) as uow:
        made = scheduling.department_by_code(uow, "ENT")
        assert (made.name, made.location) == ("耳鼻喉科", "门诊楼5层东侧")


def listed(count: int) -> bytes:
    """A list of so many prices of charge items that are none of ours."""
    rows = "".join(f"MFE|MUP|E{n}||C{n}\rCDM|C{n}\rPRC|C{n}||||1.50\r" for n in range(count))
    return (HEAD.format(kind="MFN^M04", id=f"LIST{count}") + "MFI|CDM||UPD|||NE\r" + rows).encode()


def test_a_list_has_some_thousands_of_entries_and_not_any_number(hospital: Units) -> None:
    taken, refused = answer(hospital, listed(2000)), answer(hospital, listed(2001))

    assert taken.get("MSA-1") == "AA"
    assert (refused.get("MSA-1"), refused.get("ERR-3.1")) == ("AE", "102")
    assert (refused.get("ERR-2.1"), refused.get("ERR-2.2"), refused.get("ERR-2.3")) == ("MFE", "2001", "1")
    assert "more than 2000 entries in one message; send several messages" in refused.get("ERR")


def test_a_message_has_some_hundreds_of_orders_and_not_any_number(hospital: Units) -> None:
    orders = "".join(f"ORC|NW|L{n}||RX{n}\rOBR|{n}\r" for n in range(501))
    told = answer(hospital, (HEAD.format(kind="OMP^O09", id="ORDERS") + "PID|1||P10001^^^HIS^PI\r" + orders).encode())

    assert (told.get("MSA-1"), told.get("ERR-3.1"), told.get("ERR-2.2")) == ("AE", "102", "501")
    assert "more than 500 orders in one message; send several messages" in told.get("ERR")


def test_a_repeated_question_gets_the_same_answer_byte_for_byte(hospital: Units) -> None:
    first = receive(hospital, visit("qbp_by_number"))

    assert receive(hospital, visit("qbp_by_number")) == first
