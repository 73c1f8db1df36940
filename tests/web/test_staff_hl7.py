"""What hospital IT does with HL7 messages in the console: finds, reads, reveals, hands in again, one or many."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.kernel import emptying, inbox, outbox, replays
from app.kernel.audit import AuditEvent
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.outbox import OutboxItem, OutboxState
from app.web.staff.hl7_masking import codec_of, masked
from app.web.staff.hl7_tree import fault_in_answer, shown
from hl7_adapter.intake import receive
from hl7_adapter.replaying import take_again
from tests.web.work_fixtures import House, follow, hidden, house

__all__ = ["house"]
ORDER = (
    "MSH|^~\\&|HIS|H|MENZHEN|H|20261123093000||ORU^R01^ORU_R01|{}|P|2.5.1\r"
    "PID|1||MRN778899^^^HIS^PI||张^秀英||19560312|F\r"
    "OBR|1|P{}|F88^LIS|CBC^血常规|||20261123080000|||||||||||||||20261123090000||LAB|F\r"
    "OBX|1|NM|WBC^白细胞||5.2|10*9/L|4-10|N|||F\r"
)
REASON = {"reason": "核对患者"}


def came(house: House, number: int = 1) -> int:
    """A result for a patient who is not on file: refused at PID-3."""
    receive(house.units, ORDER.format(f"M{number}", number).encode())
    with house.units.open(reads_only=True) as uow:
        return uow.session.scalars(select(InboxItem.id).where(InboxItem.key == f"M{number}")).one()


def plain(page: str) -> str:
    return re.sub("<[^>]*>", "", page)


def row(house: House, item_id: int) -> InboxItem:
    with house.units.open(reads_only=True) as uow:
        return uow.session.get_one(InboxItem, item_id)


def search(client: FlaskClient, **terms: str) -> tuple[str, str]:
    """The address that the search leads to, and its page."""
    answer = client.post("/staff/hl7", data=terms)
    return answer.location, follow(client, answer).text


def test_a_patients_messages_are_found_and_no_address_names_them(house: House) -> None:
    item_id = came(house)
    it = house.browser("it")

    address, page = search(it, patient_number="MRN778899", state="refused", type="ORU")
    other = search(it, patient_number="MRN77889")[1]

    assert "MRN778899" not in address
    assert re.search(r"patient=[0-9a-f]{32}", address)
    assert f"/staff/hl7/in/{item_id}" in page
    assert f"/staff/hl7/in/{item_id}" not in other
    assert house.audited("hl7.search") == 2


@pytest.mark.parametrize("terms", [{"order": "P1"}, {"order": "F88"}, {"control": "M1"}, {"peer": "HIS|H"}])
def test_messages_are_found_by_what_stands_in_them(house: House, terms: dict[str, str]) -> None:
    item_id = came(house)
    it = house.browser("it")

    assert f"/staff/hl7/in/{item_id}" in search(it, **terms)[1]
    assert f"/staff/hl7/in/{item_id}" not in search(it, **{name: f"{value}X" for name, value in terms.items()})[1]


def test_the_fault_is_marked_in_the_raw_text_and_in_the_tree(house: House) -> None:
    item_id = came(house)

    page = house.browser("it").get(f"/staff/hl7/in/{item_id}").text

    assert "<mark>***^^^***^***</mark>" in page
    assert "错误在这里" in page
    assert "Patient Identifier List" in page
    assert "MSA|AE|M1" in plain(page)
    assert "MRN778899" not in page
    assert "AE · " in page


def test_persons_are_shown_for_a_reason_only_and_to_it_only(house: House) -> None:
    item_id = came(house)
    it, boss = house.browser("it"), house.browser("boss")

    bare = it.post(f"/staff/hl7/in/{item_id}/reveal", data={"reason": " "})
    full = it.post(f"/staff/hl7/in/{item_id}/reveal", data=REASON)

    assert (bare.status_code, "MRN778899" in bare.text) == (409, False)
    assert full.status_code == 200
    assert "MRN778899" in full.text
    assert boss.get(f"/staff/hl7/in/{item_id}").status_code == 200
    with house.units.open(reads_only=True) as uow:
        deed = uow.session.scalars(select(AuditEvent).where(AuditEvent.action == "hl7.reveal")).one()
        assert (deed.actor_ref, deed.detail) == (house.actors["it"].ref, REASON)


@pytest.mark.parametrize("login", ["operations", "auditor", "doctor"])
def test_nobody_else_sees_or_repeats_messages(house: House, login: str) -> None:
    item_id = came(house)
    other = house.browser(login)

    answers = [
        other.get("/staff/hl7"),
        other.get(f"/staff/hl7/in/{item_id}"),
        other.post(f"/staff/hl7/in/{item_id}/reveal", data=REASON),
        other.post(f"/staff/hl7/in/{item_id}/replay", data=REASON),
        other.get("/staff/hl7/again"),
        other.post("/staff/hl7/again", data=REASON),
        other.post("/staff/hl7/again/close", data=REASON),
        other.post("/staff/hl7/out/1/rest", data=REASON),
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert house.audited("hl7.replay_asked") == 0


def test_a_refused_message_is_handed_in_again_as_it_came(house: House) -> None:
    item_id = came(house)
    it = house.browser("it")
    page = it.get(f"/staff/hl7/in/{item_id}").text

    form = {**REASON, "once": hidden(page, "once")}
    for _ in range(2):
        it.post(f"/staff/hl7/in/{item_id}/replay", data=form)
    waiting = it.get(f"/staff/hl7/in/{item_id}").text
    take_again(house.units)
    after = it.get(f"/staff/hl7/in/{item_id}").text

    assert house.audited("hl7.replay_asked") == 1
    assert "等待发送" in waiting
    assert "hl7.replayed" in after
    assert row(house, item_id).state == InboxState.REFUSED


def test_a_mended_copy_is_taken_and_linked_in_both_ways(house: House) -> None:
    item_id = came(house)
    it = house.browser("it")
    page = it.post(f"/staff/hl7/in/{item_id}/reveal", data=REASON).text
    text = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)
    assert text
    mended = text[1].replace("&amp;", "&").replace("ORU^R01^ORU_R01", "ADT^A04^ADT_A01").replace("\n", "\r\n")

    bad = it.post(f"/staff/hl7/in/{item_id}/replay", data={**REASON, "text": "PID|1"})
    follow(it, it.post(f"/staff/hl7/in/{item_id}/replay", data={**REASON, "text": mended}))
    take_again(house.units)

    with house.units.open(reads_only=True) as uow:
        copy = uow.session.scalars(select(InboxItem).where(InboxItem.copy_of_id == item_id)).one()
    assert (bad.status_code, "hl7_copy_not_valid" in bad.text) == (422, True)
    assert copy.state == InboxState.DONE
    assert row(house, item_id).state == InboxState.REFUSED  # the copy is of another type
    assert copy.body.startswith(f"MSH|^~\\&|HIS|H|MENZHEN|H|20261123093000||ADT^A04^ADT_A01|{copy.key}|".encode())
    assert f"/staff/hl7/in/{copy.id}" in it.get(f"/staff/hl7/in/{item_id}").text
    shown_copy = it.get(f"/staff/hl7/in/{copy.id}").text
    assert f"/staff/hl7/in/{item_id}" in shown_copy
    assert "patient" in shown_copy  # what it did


def test_a_refused_message_leaves_the_work_list_when_its_mended_copy_is_taken(house: House) -> None:
    item_id = came(house)
    on_file = ORDER.format("M8", 8).replace("ORU^R01^ORU_R01", "ADT^A04^ADT_A01").replace("MRN778899", "MRN8")
    receive(house.units, on_file.encode())
    it = house.browser("it")
    again = f"/staff/hl7/in/{item_id}/replay"

    it.post(again, data={**REASON, "text": ORDER.format("M1", 1).replace("MRN778899", "MRN9")})
    take_again(house.units)
    still_wrong = row(house, item_id).state
    it.post(again, data={**REASON, "text": ORDER.format("M1", 1).replace("MRN778899", "MRN8")})
    take_again(house.units)

    assert still_wrong == InboxState.REFUSED
    assert (row(house, item_id).state, row(house, item_id).error_code) == (InboxState.FILED, "patient_unknown")
    assert house.audited("hl7.close_refused") == 1


def test_many_are_handed_in_again_as_the_dry_run_told(house: House) -> None:
    for number in range(3):
        came(house, number)
    it = house.browser("it")

    told = it.get("/staff/hl7/again?type=ORU&limit=2").text
    asked_after_dry_run = house.audited("hl7.replay_asked")
    came(house, 7)
    it.post("/staff/hl7/again?type=ORU&limit=2", data={**REASON, "upto": hidden(told, "upto")})

    assert "符合条件的有 3 条，这次处理最早的 2 条" in told
    assert asked_after_dry_run == 0
    assert house.audited("hl7.replay_asked") == 2
    assert take_again(house.units) == 2


def test_dead_letters_are_sent_again_by_search(house: House) -> None:
    with house.units.open() as uow:
        for number in range(3):
            outbox.post(uow, "hospital", f"K{number}", {"event": "BillPaid", "bill_id": number})
        uow.session.flush()
        for item in uow.session.scalars(select(OutboxItem)).all()[:2]:
            outbox.mark_failed(uow, item.id, "AR 207", is_final=True)
    it = house.browser("it")

    told = it.get("/staff/hl7/again?direction=out").text
    it.post("/staff/hl7/again?direction=out", data={**REASON, "upto": hidden(told, "upto")})

    assert "这次处理最早的 2 条" in told
    with house.units.open(reads_only=True) as uow:
        assert {item.state for item in uow.session.scalars(select(OutboxItem)).all()} == {OutboxState.WAITING}
    assert house.audited("outbox.send_again") == 2


def test_the_strip_tells_of_what_waits_and_of_answers(house: House) -> None:
    came(house)
    with house.units.open() as uow:
        outbox.post(uow, "hospital", "K1", {"event": "BillPaid", "bill_id": 1})
    it = house.browser("it")

    calm = it.get("/staff/hl7").text
    house.clock.step(seconds=61)
    alarmed = it.get("/staff/hl7").text
    metrics = it.get("/metrics").text
    house.clock.step(minutes=9)

    assert "最久的一条已等待 10 分钟" in it.get("/staff/hl7").text
    assert "医院系统消息异常" not in calm
    assert "最久的一条已等待 61 秒" in alarmed
    assert re.search(r'menzhen_hl7_answers\{code="AE"\} 1.0', metrics)
    assert re.search(r'menzhen_hl7_oldest_seconds\{peer="",topic="hospital"\} 61.0', metrics)


def test_what_is_sent_shows_where_the_other_side_found_fault() -> None:
    answer = "MSH|^~\\&|HIS\nMSA|AE|MZ1\nERR||OBX^2^5^1|102|E"

    segments = shown("MSH|^~\\&|M\nOBX|1|NM\nOBX|2|NM", fault_in_answer(answer))

    assert fault_in_answer("MSH|^~\\&|HIS\nERR|PID^1^3^101") == "PID-3"
    assert [segment.is_marked for segment in segments] == [False, False, True]
    assert segments[2].fields[-1].place == "OBX-5"
    assert segments[2].raw[-1] == ("∅", "fault")


@pytest.mark.parametrize("text", ["", "\x0b\x1c", "MSH", "MSH|", "MSH|^", "x" * 5000, "PID|" + "~^" * 3000, "MSHH\\1"])
def test_no_text_breaks_the_tree(text: str) -> None:
    assert shown(masked(text), "PID[0]-999") is not None


@pytest.mark.parametrize(
    "fill", ["PID" + "|" * 300_000, "PID|||" + "~" * 300_000, "Z|\r" * 400_000], ids=lambda f: f[:7]
)
def test_a_message_of_separators_is_a_short_page(fill: str) -> None:
    segments = shown(masked(f"MSH|^~\\&|A\r{fill}"))

    pieces = sum(len(each.raw) + sum(len(field.parts) for field in each.fields) for each in segments)
    assert pieces < 5000
    assert len(masked(fill)) < 1_000_000


@pytest.mark.parametrize(
    "line",
    [
        "QPD|IHE PDQ Query^^IHE|Q1|@PID.3.1^110101195603120020~@PID.5.1^张秀英",
        "QRD|20261123|R|I|Q1|||1^RD|张秀英|DEM",
        "QRF|HIS||张秀英|110101195603120020|张秀英",
        "ZPD|1|张秀英|110101195603120020",
        "IN2|1|110101195603120020|张秀英",
        "PID" + "|" * 250 + "张秀英",
    ],
)
def test_a_person_is_hidden_wherever_a_message_may_name_one(line: str) -> None:
    hidden = masked(f"MSH|^~\\&|A\r{line}")

    assert hidden.split("\n")[1].startswith(line[:4])
    assert not re.search("张|1101", hidden)
    assert masked("MSH|^~\\&|A\rZQN|A001|3-05").endswith("ZQN|A001|3-05")


def test_the_declared_set_is_read_where_the_bytes_could_be_another() -> None:
    assert codec_of("MSH|^~\\&|||||||||||||||BIG-5\rPID|1||1||張".encode("cp950")) == "cp950"
    assert codec_of("MSH|^~\\&|||||||||||||||GBK\rPID|1||1||张".encode("gb18030")) == "gb18030"
    assert replays.TOPIC == "hl7_replay"


def emptied(house: House, item_id: int) -> None:
    """The message is settled, and its time is over."""
    with house.units.open() as uow:
        inbox.finish(uow, uow.session.get_one(InboxItem, item_id), InboxState.DONE)
    with house.units.open() as uow:
        assert emptying.empty_received(uow, settled_before=uow.now() + timedelta(seconds=1), limit=9) == 1


def test_an_emptied_message_says_so_and_cannot_be_handed_in_again(house: House) -> None:
    item_id = came(house)
    emptied(house, item_id)
    it = house.browser("it")

    page = it.get(f"/staff/hl7/in/{item_id}").text

    assert "按保存期限清除了内容和应答" in page
    assert "MRN778899" not in page
    assert not {"重放", "显示患者信息"} & set(re.findall(r">(重放|显示患者信息)<", page))
    assert "已处理（内容已清除）" in it.get("/staff/hl7").text
    for data in (REASON, REASON | {"text": "MSH|^~\\&|HIS"}):
        answer = it.post(f"/staff/hl7/in/{item_id}/replay", data=data)
        assert (answer.status_code, "消息内容已清除" in answer.text) == (409, True)
    many = it.post("/staff/hl7/again?state=done", data=REASON | {"upto": str(item_id)})
    assert (many.status_code, "消息内容已清除" in many.text) == (409, True)


def test_an_emptied_letter_says_so(house: House) -> None:
    with house.units.open() as uow:
        outbox.post(uow, "hospital", "K9", {"event": "BillPaid", "bill_id": 9})
        uow.session.flush()
        item = uow.session.scalars(select(OutboxItem).where(OutboxItem.key == "K9")).one()
        item.state, item.body, item.sent_at = OutboxState.SENT, b"MSH|^~\\&|MENZHEN", uow.now()
    with house.units.open() as uow:
        assert emptying.empty_told(uow, told_before=uow.now() + timedelta(seconds=1), limit=9) == 1

    page = house.browser("it").get(f"/staff/hl7/out/{item.id}").text

    assert "按保存期限清除了内容和应答" in page
    assert "bill_id" not in page
