"""After the visit: the report, the reminder, the revisit with one tap, and what the whole loop left behind."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Mapping

from tools.play import paying
from tools.play.browser import StepFailed
from tools.play.markup import take_apart
from tools.play.registering import page_of_visit
from tools.play.visit import Visit, wait_for

Seen = Mapping[str, object]
RESULT = "11.2"
TWO_TICKS_SECONDS = 11
FUNNEL = ("scans", "visitors", "held", "booked", "arrived", "collected", "revisit")


def report_looked_up(visit: Visit) -> Seen:
    """ORU^R01 by MLLP: a message announces a report without its content; the patient reads it behind the log-in."""
    number = f"LAB{secrets.randbelow(10**8):08d}"
    visit.his_sends(
        "oru",
        patient_id=visit.person.record_number,
        name=visit.person.name,
        visit_number=visit["visit_number"],
        report_number=number,
    )
    message = wait_for("the message", lambda: visit.messages("/reports/"))[0]
    if RESULT in json.dumps(message["data"], ensure_ascii=False):
        raise StepFailed("the message says the result")
    page = visit.phone.open(message["url"])
    page.demand(RESULT)
    if RESULT in visit.passer_by().open(message["url"]).words:
        raise StepFailed("the report is open to anybody")
    return {"report": number, "message": message["template_id"], "shown": page.where}


def reminder_once(visit: Visit) -> Seen:
    """The plan's reminder came by itself, and no second one follows while the jobs tick on."""
    plan = wait_for("the plan", lambda: visit.phone.open("/revisits").links(r"/revisits/[^/]+$"))[0]
    visit["plan"] = plan
    wait_for("the reminder", lambda: visit.messages(plan), seconds=30)
    time.sleep(TWO_TICKS_SECONDS)
    found = visit.messages(plan)
    if len(found) != 1:
        raise StepFailed(f"{len(found)} reminders instead of one")
    return {"reminders": 1, "template": found[0]["template_id"], "fate": found[0]["status"]}


def revisit_booked(visit: Visit) -> Seen:
    """One tap on the reminder's page holds a place with the same doctor; its fee is paid and it is booked."""
    page = visit.phone.open(visit["plan"])
    page = visit.phone.press(page, r"/revisits/[^/]+/book$")
    registration = page.url.rsplit("/", 1)[-1]
    number = page.value_of("就诊号")
    bill = page.form(r"/bills/[^/]+/pay").action.split("/")[2]
    paid = paying.pay(visit, f"/registrations/{registration}", bill)
    return {"visit_number": number, "when": page.value_of("时间"), "doctor": page.value_of("医生"), "paid": paid["by"]}


def timeline(visit: Visit) -> Seen:
    """One page says every step of the visit and that each is done."""
    page = page_of_visit(visit)
    steps = re.findall(r'class="step step-(\w+)"', page.text)
    if not steps or any(state != "done" for state in steps):
        raise StepFailed(f"steps: {steps}")
    return {"steps": len(steps), "done": steps.count("done")}


def funnel(visit: Visit) -> Seen:
    """The console counts what this visit's poster brought: every stage from the scan to the revisit was reached.

    Counts below five are shown as `< 5`, so that nobody is recognised; nothing counted is shown as 0.
    """
    page = visit.staff("admin").open("/staff/channels")
    row = next((row for row in re.findall(r"<tr.*?</tr>", page.text, re.DOTALL) if visit["poster"] in row), None)
    if row is None:
        raise StepFailed(f"no row of the poster at {page.where}: {page.gist}")
    cells = take_apart(row).words[1:]
    if len(cells) != len(FUNNEL) or any(cell.split()[0] == "0" for cell in cells):
        raise StepFailed(f"the poster's row says {cells}")
    return dict(zip(FUNNEL, cells, strict=True))
