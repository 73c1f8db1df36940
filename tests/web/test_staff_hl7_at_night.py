"""What hospital IT sees at night: what we sent, what failed and why, and what a person has dealt with."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import select, update

from app.kernel import outbox, replays
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.outbox import OutboxItem
from hl7_adapter.intake import receive
from hl7_adapter.search_keys import note_written
from tests.hl7.files import visit
from tests.web.test_staff_hl7 import ORDER, came, plain, search
from tests.web.work_fixtures import House, follow, hidden, house

__all__ = ["house"]


def told(house: House, *, body: bytes = b"", error: str = "") -> int:
    """Something to tell that needed no message, or whose message failed for good."""
    with house.units.open() as uow:
        outbox.post(uow, "hospital", "BillPaid:9", {"event": "BillPaid", "bill_id": 9})
        uow.session.flush()
        item = uow.session.scalars(select(OutboxItem)).one()
        if body:
            outbox.written(uow, item.id, body, kind="DFT^P03", peer="HIS|HOSPITAL")
            outbox.mark_failed(uow, item.id, error, is_final=True)
        else:
            outbox.mark_sent(uow, item.id)
        return item.id


def test_a_refusal_that_our_pages_know_is_told_in_their_words(house: House) -> None:
    receive(house.units, visit("a04_wrong_check_digit"))
    with house.units.open(reads_only=True) as uow:
        item_id = uow.session.scalars(select(InboxItem.id)).one()

    page = plain(house.browser("it").get(f"/staff/hl7/in/{item_id}").text)
    other = plain(house.browser("it").get(f"/staff/hl7/in/{came(house)}").text)

    assert "身份证号码有误" in page
    assert "bad_id_number PID-3" in page
    assert "身份证号码有误" not in other


def test_what_nobody_had_to_be_told_is_not_called_delivered(house: House) -> None:
    item_id = told(house)
    it = house.browser("it")

    rows = plain(it.get("/staff/hl7?direction=out").text).partition("重复")[2]
    page = it.get(f"/staff/hl7/out/{item_id}").text

    assert ("无需发送" in rows, "已送达" in rows) == (True, False)
    assert ("没有发出消息" in page, "还没有应答" in page) == (True, False)


def test_a_sent_message_stands_under_its_control_id(house: House) -> None:
    item_id = told(house, body=b"MSH|^~\\&|MENZHEN", error="AR 204")

    rows = house.browser("it").get("/staff/hl7?direction=out").text

    assert f">MZ{item_id:010d}<" in rows
    assert ">BillPaid:9<" not in rows


def test_a_payment_is_found_by_its_number(house: House) -> None:
    body = (
        "MSH|^~\\&|M||HIS|H|20261123||DFT^P03|MZ1|P|2.5.1\rFT1|1|B1-1-PY||20261123||PY" + "|" * 24 + "42002^^^PAYMENT\r"
    )
    item_id = told(house)
    with house.units.open() as uow:
        note_written(uow, uow.session.get_one(OutboxItem, item_id), body.encode())
    it = house.browser("it")

    assert f"MZ{item_id:010d}" in search(it, direction="out", order="42002")[1]
    assert f"MZ{item_id:010d}" not in search(it, direction="out", order="42003")[1]


def test_a_dead_letter_that_a_person_saw_to_is_laid_to_rest_for_a_reason(house: House) -> None:
    item_id = told(house, body=b"MSH|^~\\&|MENZHEN", error="AR 204")
    it = house.browser("it")
    listed = it.get("/staff/dead").text

    refused = it.post(f"/staff/hl7/out/{item_id}/rest", data={"reason": " "})
    page = follow(it, it.post(f"/staff/hl7/out/{item_id}/rest", data={"reason": "已在对方系统补录"})).text

    assert f"/staff/hl7/out/{item_id}" in listed
    assert refused.status_code == 409
    assert ("未送达，已由人处理" in page, "AR 204" in page, "已在对方系统补录" in page) == (True, True, True)
    assert f"/staff/hl7/out/{item_id}" not in it.get("/staff/dead").text
    assert house.audited("outbox.lay_to_rest") == 1


def test_what_failed_is_counted_by_its_reason_and_found_by_it(house: House) -> None:
    came(house, 1)
    came(house, 2)
    receive(house.units, ORDER.format("M3", 3).replace("||MRN778899^^^HIS^PI||", "||||").encode())
    it = house.browser("it")

    page = it.get("/staff/hl7?state=refused").text
    counted = re.sub("<[^>]*>", " ", page).partition("按原因")[2].partition("重复")[0].split()
    link = re.search(r'href="(/staff/hl7\?[^"]*error=patient_unknown[^"]*)"', page)
    assert link is not None
    narrowed = plain(it.get(link[1].replace("&amp;", "&")).text).partition("重复")[2]

    assert counted.index("2") < counted.index("patient_unknown") < counted.index("1") < counted.index("field_missing")
    assert ("M1" in narrowed, "M2" in narrowed, "M3" in narrowed) == (True, True, False)
    assert "按原因" not in it.get("/staff/hl7").text


def test_messages_are_found_by_the_minute(house: House) -> None:
    came(house, 1)
    house.clock.step(minutes=2)
    came(house, 2)
    it = house.browser("it")
    now = house.clock.now().astimezone(house.units.zone)

    address, page = search(it, **{"from": f"{now:%Y-%m-%d}", "from_at": f"{now:%H:%M}"})
    before = search(it, to=f"{now:%Y-%m-%d}", to_at=f"{now - timedelta(minutes=1):%H:%M}")[1]
    today = search(it, from_at=f"{now:%H:%M}")[1]

    assert "from_at=" in address
    found = [(">M1<" in text, ">M2<" in text) for text in (page, before, today)]
    assert found == [(False, True), (True, False), (False, True)]


def test_what_was_taken_meanwhile_is_not_laid_to_rest(house: House) -> None:
    came(house, 1)
    with house.units.open() as uow:
        seen = uow.session.scalars(select(InboxItem)).one()
        taken = update(InboxItem).values(state=InboxState.DONE, error_code="", error_place="")
        uow.session.execute(taken, execution_options={"synchronize_session": False})

        assert (seen.state, replays.lay_to_rest(uow, seen, reason="对方已重发")) == (InboxState.REFUSED, False)

    with house.units.open(reads_only=True) as uow:
        assert uow.session.scalars(select(InboxItem.state)).one() is InboxState.DONE
    assert house.audited("hl7.close_refused") == 0


def test_many_that_a_person_saw_to_are_closed_at_once_for_a_reason(house: House) -> None:
    for number in range(3):
        came(house, number)
    item_id = told(house, body=b"MSH|^~\\&|MENZHEN", error="AR 204")
    it = house.browser("it")
    upto = {"upto": hidden(it.get("/staff/hl7/again?type=ORU").text, "upto")}
    came(house, 7)

    for direction, limit in (("in", upto), ("out", {"upto": str(item_id)})):
        it.post(f"/staff/hl7/again/close?direction={direction}", data={"reason": "对方已重发"} | limit)

    assert (house.audited("hl7.close_refused"), house.audited("outbox.lay_to_rest")) == (3, 1)
    with house.units.open(reads_only=True) as uow:
        left = uow.session.scalars(select(InboxItem.key).where(InboxItem.state == InboxState.REFUSED)).all()
    assert list(left) == ["M7"]
