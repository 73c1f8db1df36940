"""From home: the hospital knows the patient, the patient logs in, scans a poster, holds a place and pays its fee."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tools.demo.hospital_clock import shown_now
from tools.play import paying
from tools.play.browser import Page, StepFailed
from tools.play.codes import code_on
from tools.play.visit import WECHAT, Visit, masked, wait_for

Seen = Mapping[str, object]
# department, doctor's name on the page, who logs in at that desk
DESKS = (("GI", "张伟", "doctor"), ("CV", "郑洁", "second_doctor"))
CHECK_IN_OPENS = timedelta(minutes=60)


def patient_from_his(visit: Visit) -> Seen:
    """ADT^A04 by MLLP: the hospital system registers the patient, with identity card and insurance."""
    person = visit.person
    sent = visit.his_sends(
        "a04",
        patient_id=person.record_number,
        name=person.name,
        sex=person.sex,
        birth_day=person.birth_day,
        id_number=person.id_number,
        insurance_number=person.member_number,
        insurance_plan="employee",
        phone=person.phone,
    )
    return {"record": person.record_number, "control_id": sent["control_id"], "answer": sent["ack_code"]}


def login(visit: Visit) -> Seen:
    """WeChat vouches for the person, then a code sent to the phone proves its number."""
    made: Any = visit.world.json("POST", "/sandbox/wxoa/people", {"nickname": "played"})
    visit["openid"] = made["openid"]
    phone = visit.phone
    chooser = phone.open("/login/wechat")
    page = phone.press(chooser, "/connect/oauth2/authorize", openid=visit["openid"])
    page = phone.press(
        phone.open("/login") if not page.has_form("/login$") else page, "/login$", phone=visit.person.phone
    )
    page = phone.press(page, "/login/code", digits=_code_sent_to(visit))
    if "/login" in page.url:
        raise StepFailed(f"not logged in: {page.gist}")
    return {"phone": visit.person.phone[:3] + "******" + visit.person.phone[-2:], "wechat": True, "landed": page.where}


def _code_sent_to(visit: Visit) -> str:
    def look() -> str | None:
        texts: Any = visit.world.json("GET", f"/sms/inbox?phone=%2B86{visit.person.phone}")
        return next((text["params"]["code"] for text in texts if text["template"] == "login_code"), None)

    return wait_for("the text message with the code", look)


def bind(visit: Visit) -> Seen:
    """The patient binds themself by name and identity card and is the one whom the hospital system sent."""
    person, phone = visit.person, visit.phone
    page = phone.press(
        phone.open("/patients/new"), "/patients$", name=person.name, id_number=person.id_number, relation="self"
    )
    if page.has_form("/patients$"):
        raise StepFailed(f"not bound: {page.gist}")
    page = phone.open("/patients")
    page.demand(person.name)
    return {"name": masked(person.name), "relation": "self"}


def poster_scan(visit: Visit) -> Seen:
    """The operations office puts up a new poster; the phone's camera follows its code, and the scan is counted."""
    name = f"演示 {secrets.token_hex(4)}"
    console = visit.staff("admin")
    console.press(
        console.open("/staff/channels"), "/staff/channels$", name=name, place="门诊大厅", target="/departments"
    )
    listed = console.open("/staff/channels")
    page = console.open(next(href for href, words in listed.markup.links if name in words))
    address = code_on(page)
    visit.note(f"QR {address}")
    visit["poster"] = name
    landed = visit.phone.open(address)
    return {"code_says": re.sub(r"^https?://[^/]+", "", address), "landed": landed.where}


def hold(visit: Visit) -> Seen:
    """Department, doctor, time: a place is held until the fee is paid."""
    phone = visit.phone
    phone.open("/departments").link("/departments/")
    address, role = _open_session(visit)
    visit["doctor"], visit["session"] = role, address.rsplit("/", 1)[-1]
    page = phone.open(address)
    form = page.form("/registrations$")
    page = phone.send(page, form, patient=form.choices["patient"][0])
    visit["registration"] = page.url.rsplit("/", 1)[-1]
    visit["visit_number"] = page.value_of("就诊号")
    visit["bill"] = page.form(r"/bills/[^/]+/pay").action.split("/")[2]
    return {
        "visit_number": visit["visit_number"],
        "place": page.value_of("序号"),
        "room": page.value_of("地点"),
        "fee": page.value_of("挂号费"),
    }


def _open_session(visit: Visit) -> tuple[str, str]:
    """The address of a session that goes on now and has a free place, and who sits in it."""
    now = shown_now(Path(visit.endpoints["clock_file"]))
    for department, doctor, role in DESKS:
        page = visit.phone.open(f"/departments/{department}?day={now:%Y-%m-%d}")
        for address, words in page.markup.links:
            if address.startswith("/sessions/") and doctor in words and _goes_on(words, now):
                return address, role
    raise StepFailed("no session that goes on now has a free place; ./demo --reset starts with empty clinics")


def _goes_on(words: str, now: datetime) -> bool:
    times = re.search(r"(\d\d:\d\d)\s*[–-]\s*(\d\d:\d\d)", words)
    if times is None:
        return False
    begins, ends = (
        now.replace(hour=int(each[:2]), minute=int(each[3:]), second=0, microsecond=0) for each in times.groups()
    )
    return begins - CHECK_IN_OPENS <= now < ends


def pay_fee(visit: Visit) -> Seen:
    """The fee is paid by WeChat's payment sheet (JSAPI); the signed notification confirms the place."""
    visit.phone.session.headers["User-Agent"] = WECHAT
    seen = paying.pay(visit, f"/registrations/{visit['registration']}", visit["bill"])
    page = visit.phone.open(f"/registrations/{visit['registration']}")
    if page.has_form("/bills/"):
        raise StepFailed(f"still to be paid: {page.gist}")
    return seen


def confirmed_message(visit: Visit) -> Seen:
    """A WeChat message says when and where; it names nobody and leads to the visit's page."""
    found = wait_for("the message", lambda: visit.messages(f"/visits/{visit['registration']}"))[0]
    leak = [canary for canary in visit.person.canaries if canary in json.dumps(found, ensure_ascii=False)]
    if leak:
        raise StepFailed("the message names the patient")
    page = visit.phone.open(found["url"])
    return {"template": found["template_id"], "fate": found["status"], "fields": _values(found), "leads_to": page.where}


def _values(message: Mapping[str, Any]) -> list[str]:
    return [str(field.get("value", "")) for field in message["data"].values()]


def his_told_registration(visit: Visit) -> Seen:
    """The hospital system received the registration and the payment over MLLP and acknowledged both."""
    number = visit["visit_number"]
    booked = wait_for(
        "the registration's message", lambda: visit.his_heard("SRM", number) or visit.his_heard("SIU", number)
    )
    money = wait_for("the payment's message", lambda: visit.his_heard("DFT", number))
    return {
        "messages": [one["message_type"] for one in (booked[0], money[0])],
        "control_ids": [one["control_id"] for one in (booked[0], money[0])],
        "answers": [one["answer_code"] for one in (booked[0], money[0])],
    }


def page_of_visit(visit: Visit) -> Page:
    """The visit's page on the phone."""
    return visit.phone.open(f"/visits/{visit['registration']}")
