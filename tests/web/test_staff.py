"""The console shows each role its own pages, hides persons, and puts every look on record."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.analytics.models import Channel, FunnelStep
from app.kernel import audit, inbox, outbox
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.outbox import OutboxItem
from app.reconciliation import service as reconciliation
from app.reconciliation.states import Source
from app.registration.models import Registration
from app.web.staff.hl7_masking import masked, text_of
from tests.unit.reconciliation import statements
from tests.web.work_fixtures import House, follow, house

__all__ = ["house"]
MAY = {
    "/staff/": {"boss", "operations", "finance", "it", "auditor"},
    "/staff/schedules": {"boss", "operations"},
    "/staff/channels": {"boss", "operations"},
    "/staff/messages": {"boss", "operations", "it"},
    "/staff/hl7": {"boss", "it"},
    "/staff/dead": {"boss", "it"},
    "/staff/patients": {"boss", "operations", "auditor"},
    "/staff/payments": {"boss", "operations", "finance", "auditor"},
    "/staff/refunds": {"boss", "finance", "auditor"},
    "/staff/reconciliation": {"boss", "operations", "finance", "auditor"},
    "/staff/reconciliation/day": {"boss", "operations", "finance", "auditor"},
    "/staff/ledger": {"boss", "operations", "finance", "auditor"},
    "/staff/audit": {"boss", "auditor"},
}
ADMISSION = (
    "MSH|^~\\&|HIS|H|MENZHEN|H|20261123093000||ADT^A04^ADT_A01|M1|P|2.5.1\r"
    "PID|1||MRN778899^^^HIS^PI||张^秀英||19560312|F|||北京市朝阳区^^北京||13800138000|||||||110105195603120021\r"
    "PV1|1|O|GI^^^^^^^^消化内科\r"
    "NK1|1|张^建国|SPO||13900139000\r"
)
SECRETS = ("MRN778899", "秀英", "19560312", "13800138000", "110105195603120021", "朝阳", "建国")


def received(house: House, body: str = ADMISSION, state: InboxState = InboxState.DONE) -> int:
    with house.units.open() as uow:
        item, _ = inbox.receive(uow, "hl7:HIS", f"M{len(body)}{state}", body.encode(), kind="ADT^A04")
        item.answer = b"MSH|^~\\&|MENZHEN|H|HIS|H|20261123||ACK^A04|A1|P|2.5.1\rMSA|AA|M1\r"
        code = "unknown_patient" if state == InboxState.REFUSED else ""
        inbox.finish(uow, item, state, error_code=code, error_place="PID-3")
        return item.id


def posted(house: House, *, topic: str = "hospital", is_dead: bool = True) -> int:
    with house.units.open() as uow:
        outbox.post(uow, topic, "K1", {"event": "RegistrationBooked", "registration_id": 1})
        uow.session.flush()
        item = uow.session.scalars(select(OutboxItem).where(OutboxItem.topic == topic, OutboxItem.key == "K1")).one()
        if is_dead:
            outbox.mark_failed(uow, item.id, "AR:207", is_final=True)
        return item.id


@pytest.mark.parametrize("path", MAY)
def test_each_role_opens_its_own_pages(house: House, path: str) -> None:
    for login in ("boss", "operations", "finance", "it", "auditor", "doctor"):
        answer = house.browser(login).get(path)

        assert answer.status_code == (200 if login in MAY[path] else 403), (login, path)


def test_the_day_is_told_in_figures(house: House) -> None:
    house.booked()
    house.waiting()
    posted(house)
    received(house, state=InboxState.REFUSED)

    page = house.browser("boss").get("/staff/").text

    assert "有 1 条内容发送失败" in page
    assert "有 1 条 HL7 消息被拒绝" in page
    assert "hospital" in page


def test_a_stopped_session_gives_its_places_back(house: House) -> None:
    _, held = house.booked()
    operations = house.browser("operations")
    path = f"/staff/schedules/{house.clinic.session.public_id}"

    listed = operations.get("/staff/schedules")
    bare = operations.post(f"{path}/stop", data={"reason": ""})
    stopped = follow(operations, operations.post(f"{path}/stop", data={"reason": "医生急诊手术"}))

    assert path in listed.text
    assert (bare.status_code, "reason_required" in bare.text) == (422, True)
    assert "取消了 1 个号" in stopped.text
    with house.units.open() as uow:
        assert uow.session.get_one(Registration, held.id).state.value == "cancelled"


def test_the_days_ahead_are_opened_once(house: House) -> None:
    operations = house.browser("operations")

    first = follow(operations, operations.post("/staff/schedules/open-ahead")).text
    second = follow(operations, operations.post("/staff/schedules/open-ahead")).text

    assert "新开放了 5 场门诊" in first
    assert "新开放了 0 场门诊" in second


def test_a_channel_is_made_with_its_code_and_poster(house: House) -> None:
    operations = house.browser("operations")

    page = follow(
        operations, operations.post("/staff/channels", data={"name": "大厅立牌", "place": "一楼", "kind": "poster"})
    )
    wrong = operations.post("/staff/channels", data={"name": "x", "target": "https://elsewhere.test"})
    with house.units.open() as uow:
        made = uow.session.scalars(select(Channel)).one()
    poster = operations.get(f"/staff/channels/{made.public_id}/poster.pdf")
    listed = operations.get("/staff/channels").text

    assert f"/c/{made.code}" in page.text
    assert "<svg" in page.text
    assert (wrong.status_code, "bad_channel" in wrong.text) == (422, True)
    assert poster.data.startswith(b"%PDF") or poster.status_code == 503
    assert "大厅立牌" in listed


def test_a_way_that_is_no_posters_has_its_name(house: House) -> None:
    house.booked()
    with house.units.open() as uow:
        for table in (Registration, FunnelStep):
            uow.session.execute(update(table).values(source_code="revisit"))

    listed = house.browser("operations").get("/staff/channels").text

    assert "复诊提醒" in listed
    assert "未知渠道" not in listed


def test_every_message_shows_its_fate_for_a_masked_phone(house: House) -> None:
    house.waiting()

    page = house.browser("it").get("/staff/messages").text

    assert "****" in page
    assert "等待发送" in page
    assert "+86138" not in page


def test_an_hl7_message_is_shown_without_its_person(house: House) -> None:
    item_id = received(house)
    it = house.browser("it")

    listed = it.get("/staff/hl7?type=ADT").text
    shown = re.sub("<[^>]*>", "", it.get(f"/staff/hl7/in/{item_id}").text)

    assert "ADT^A04" in listed
    assert "MSA|AA|M1" in shown
    assert "PID|1||***" in shown
    assert not [secret for secret in SECRETS if secret in shown]
    assert house.audited("hl7.read") == 1


def test_a_refused_message_leaves_the_work_list_when_dealt_with(house: House) -> None:
    item_id = received(house, state=InboxState.REFUSED)
    it = house.browser("it")

    before = it.get("/staff/hl7?state=refused").text
    after = follow(it, it.post(f"/staff/hl7/in/{item_id}/close")).text

    assert "unknown_patient PID-3" in before
    assert "unknown_patient" not in after
    with house.units.open() as uow:
        assert uow.session.get_one(InboxItem, item_id).error_code == "unknown_patient"


def test_a_dead_letter_is_sent_again(house: House) -> None:
    item_id = posted(house)
    it = house.browser("it")

    out = it.get("/staff/hl7?direction=out&state=dead").text
    detail = it.get(f"/staff/hl7/out/{item_id}").text
    dead = it.get("/staff/dead").text
    led = it.post(f"/staff/dead/{item_id}/again", data={"next": "//elsewhere.test/"})

    assert "AR:207" in out
    assert "RegistrationBooked" in detail
    assert "AR:207" in dead
    assert led.location == "/staff/dead"
    with house.units.open() as uow:
        assert uow.session.get_one(OutboxItem, item_id).state.value == "waiting"
    assert house.audited("outbox.send_again") == 1


def test_the_audit_trail_is_searched_and_its_seals_verified(house: House) -> None:
    auditor = house.browser("auditor")
    unsealed = auditor.get("/staff/audit?verify=1").text
    house.clock.step(minutes=2)
    with house.units.open() as uow:
        audit.seal(uow)

    page = auditor.get("/staff/audit?action=audit.&actor=auditor").text
    nothing = auditor.get("/staff/audit?action=staff.log_in&actor=nobody").text
    checked = auditor.get("/staff/audit?verify=1").text

    assert page.count("audit.read") == 1
    assert "还没有封存" in unsealed
    assert "没有符合的记录" in nothing
    assert "封存完好" in checked
    assert house.audited("audit.read") == 4


def test_a_patient_is_found_by_visit_number_only_and_each_look_is_on_record(house: House) -> None:
    who, held = house.booked("李建国")
    auditor = house.browser("auditor")

    by_name = follow(auditor, auditor.post("/staff/patients", data={"number": "李建国"})).text
    page = follow(auditor, auditor.post("/staff/patients", data={"number": held.visit_number})).text

    assert "没有这个号码的患者" in by_name
    assert "李建国" in page
    assert held.visit_number in page
    assert "****" in page
    assert who.patient.public_id in auditor.get("/staff/audit?action=patient.read").text
    assert (house.audited("patient.search"), house.audited("patient.read")) == (2, 1)


@pytest.mark.parametrize("name", ["bills", "orders", "refunds", "cases", "nonsense"])
def test_the_money_is_listed(house: House, name: str) -> None:
    house.booked()

    page = house.browser("operations").get(f"/staff/payments?list={name}")

    assert page.status_code == 200
    if name in {"bills", "orders"}:
        assert "¥25.00" in page.text


HOSTILE = (
    "'; DROP TABLE patient; --",
    "%",
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "9" * 400,
    "-1",
)


@pytest.mark.parametrize(
    "path",
    ["/staff/schedules", "/staff/messages", "/staff/hl7", "/staff/dead", "/staff/payments", "/staff/audit", "/staff/"],
)
def test_hostile_addresses_never_break_the_page(house: House, path: str) -> None:
    boss = house.browser("boss")
    names = ("day", "department", "state", "type", "from", "to", "before", "list", "direction", "actor", "action")
    names += ("subject", "outcome", "_external", "_scheme", "endpoint", "verify")

    for value in (*HOSTILE, "0001-01-01", "9999-12-31", "9223372036854775807"):
        answer = boss.get(path, query_string=dict.fromkeys(names, value))

        assert answer.status_code < 500, (path, value)


@pytest.mark.parametrize(
    "path",
    [
        "hl7/in/99999999999999999999999",
        "hl7/out/0",
        "patients/%00",
        "schedules/x",
        "channels/x/poster.pdf",
        "hl7/in/-1",
    ],
)
def test_unknown_things_are_not_found(house: House, path: str) -> None:
    assert house.browser("boss").get(f"/staff/{path}").status_code == 404


@pytest.mark.parametrize(
    "text",
    ["", "PID", "PID|", "PID|1||x^y", "nothing at all", "MSH", "MSH|^~\\&|a\rpid|秘密", "\x0bMSH|^~\\&|\rPID|1|\x1c\r"],
)
def test_masking_never_fails_and_hides_what_is_no_segment(text: str) -> None:
    assert "秘密" not in masked(text)
    assert "x^y" not in masked(text)


def test_masking_follows_the_senders_own_separator() -> None:
    assert masked("MSH$^~\\&$HIS\rPID$1$$MRN1^^^HIS$$张^三") == "MSH$^~\\&$HIS\nPID$1$$***^^^***$$***^***"


def test_bytes_of_any_charset_become_text() -> None:
    assert text_of("张".encode("gb18030")) == "张"
    assert text_of(b"\xff\xfe\xff") != ""


def test_the_ledger_shows_the_days_accounts_and_leads_to_a_bills_journals(house: House) -> None:
    house.booked()
    finance = house.browser("finance")

    page = finance.get("/staff/ledger?prove=1").text
    bill = re.search(r"/staff/ledger/bills/(\w+)", page)
    assert bill
    shown = finance.get(bill.group(0)).text

    assert "账平" in page
    assert "在途资金 · 微信支付" in page
    assert [word for word in ("收到患者付款", "账单结清", "25.00") if word not in shown] == []
    assert house.audited("ledger.read") == 1
    assert finance.get("/staff/ledger/bills/nothing").status_code == 404


def test_a_difference_is_shown_with_its_next_step_and_closed_with_a_note(house: House) -> None:
    house.clock.step(hours=1)
    with house.units.open() as uow:
        yesterday = uow.today() - timedelta(days=1)
    told = statements.content(statements.trade_lines([statements.payment("mz0strange", 2500, house.clock.now())]))
    reconciliation.reconcile(house.units, {Source.WECHAT: statements.Provider({yesterday: told}, {})})
    finance, operations = house.browser("finance"), house.browser("operations")

    listed = operations.get("/staff/reconciliation").text
    case = re.search(r"/staff/reconciliation/cases/\w+", listed)
    assert case
    shown = finance.get(case.group(0)).text
    refused = operations.post(f"{case.group(0)}/close", data={"note": "x"}).status_code
    bare = finance.post(f"{case.group(0)}/close", data={"note": ""}).status_code
    closed = follow(finance, finance.post(f"{case.group(0)}/close", data={"note": "已退回"})).text

    assert "仅对方有" in listed
    assert [word for word in ("mz0strange", "25.00", "下一步") if word not in shown] == []
    assert (refused, bare) == (403, 422)
    assert "没有差错" in closed


def test_a_refused_statement_is_asked_for_again_by_finance_alone(house: House) -> None:
    house.clock.step(hours=1)
    with house.units.open() as uow:
        yesterday = uow.today() - timedelta(days=1)
    reconciliation.reconcile(house.units, {Source.WECHAT: statements.Provider({yesterday: b"busy"}, {})})
    finance, operations = house.browser("finance"), house.browser("operations")

    page = finance.get("/staff/reconciliation").text
    again = re.search(r"/staff/reconciliation/runs/\w+/again", page)
    assert again
    codes = (operations.post(again.group(0)).status_code, finance.post(again.group(0)).status_code)

    assert "不是文本文件" in page
    assert codes == (403, 302)
    assert again.group(0) not in finance.get("/staff/reconciliation").text
