"""A patient who was suspended reads why and until when, objects, and the hospital answers."""

from __future__ import annotations

from app.kernel.audit import AuditEvent
from app.registration import conduct
from tests.web.work_fixtures import House, house, suspend

__all__ = ["house"]


def test_a_suspended_patient_reads_why_objects_and_gets_an_answer(house: House, phone) -> None:
    who = suspend(house, "+8613800000188")
    phone.log_in("13800000188")

    assert "网上预约限制" in phone.open("/me").text
    page = phone.open("/suspensions").text
    assert "1 个月内预约未到 1 次" in page
    assert "1月23日" in page
    refused = phone.send("/registrations", patient=who.patient.public_id, session=house.clinic.session.public_id)
    assert refused.status_code == 409
    assert "patient_suspended" in refused.text

    with house.units.open(who.actor) as uow:
        ((row, _),) = conduct.of_account(uow)
    assert phone.send(f"/suspensions/{row.public_id}/appeal", words="").status_code == 422
    assert phone.send(f"/suspensions/{row.public_id}/appeal", words="当天住院").status_code == 302
    assert "等待医院答复" in phone.open("/suspensions").text

    operations = house.browser("operations")
    assert "当天住院" in operations.get("/staff/appeals").text
    assert operations.post(f"/staff/appeals/{row.public_id}", data={"deed": "lift"}).status_code == 422
    answer = operations.post(f"/staff/appeals/{row.public_id}", data={"deed": "lift", "reason": "已核实"})
    assert answer.status_code == 302
    assert "没有等待答复的申诉" in operations.get("/staff/appeals").text
    assert "没有限制" in phone.open("/suspensions").text
    with house.units.open(reads_only=True) as uow:
        assert uow.session.query(AuditEvent).filter_by(action="suspension.read_appeal").count() == 1


def test_another_account_cannot_object_or_read(house: House, phone) -> None:
    who = suspend(house, "+8613800000188")
    with house.units.open(who.actor) as uow:
        ((row, _),) = conduct.of_account(uow)
    phone.log_in("13800000199")

    assert phone.send(f"/suspensions/{row.public_id}/appeal", words="不是我").status_code == 404
    assert "没有限制" in phone.open("/suspensions").text


def test_an_answer_that_lets_it_stand_is_read_by_the_patient(house: House, phone) -> None:
    who = suspend(house, "+8613800000188")
    with house.units.open(who.actor) as uow:
        ((row, _),) = conduct.of_account(uow)
        conduct.appeal(uow, public_id=row.public_id, words="忘了")

    house.browser("operations").post(f"/staff/appeals/{row.public_id}", data={"deed": "uphold", "reason": "请提前取消"})

    phone.log_in("13800000188")
    page = phone.open("/suspensions").text
    assert "维持限约" in page
    assert "请提前取消" in page
