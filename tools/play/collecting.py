"""The pharmacy: the bag is picked and checked, the code on the phone names it, it leaves once; then the invoice."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping

from tools.play.browser import Browser, Page, StepFailed
from tools.play.codes import code_on, read_pdf
from tools.play.registering import page_of_visit
from tools.play.visit import Visit, wait_for

Seen = Mapping[str, object]


def bag_ready(visit: Visit) -> Seen:
    """One pharmacist picks the bag, another checks it; the patient is told the window."""
    visit["bag"] = wait_for("the bag", lambda: _bag(visit))
    picker, checker = visit.staff("pharmacist"), visit.staff("second_pharmacist")
    address = f"/terminal/picking/{visit['bag']}"
    window = _stand_at_its_window(picker, address)
    page = picker.press(picker.open(address), "/start$")
    if page.has_form("/ready$"):
        raise StepFailed("the picker may check the own bag")
    _take_window(checker, window)
    checker.press(checker.open(address), "/ready$")
    message = wait_for("the message", lambda: visit.messages(f"/pickup/{visit['bag']}"))[0]
    return {"window": window, "message": message["template_id"], "fate": message["status"]}


def _bag(visit: Visit) -> str | None:
    found = page_of_visit(visit).links(r"/pickup/[^/]+$")
    return found[0].rsplit("/", 1)[-1] if found else None


def _stand_at_its_window(browser: Browser, bag_address: str) -> str:
    """The window in whose list the bag stands; this browser stands there."""
    for window in browser.open("/terminal/window").form("/terminal/window$").choices["window"]:
        _take_window(browser, window)
        if browser.open("/terminal/picking").links(re.escape(bag_address)):
            return window
    raise StepFailed("the bag stands in no window's list")


def _take_window(browser: Browser, window: str) -> None:
    browser.press(browser.open("/terminal/window"), "/terminal/window$", window=window)


def qr_decoded(visit: Visit) -> Seen:
    """The phone draws the pickup code; the picture is read as a camera reads it."""
    digits = code_on(visit.phone.open(f"/pickup/{visit['bag']}"))
    visit.note(f"QR {digits}")
    if not re.fullmatch(r"1\d{21}", digits):
        raise StepFailed(f"{len(digits)} characters, not the 22 digits of a pickup code")
    visit["digits"] = digits
    return {"digits": len(digits), "begins": digits[:1]}


def bag_matched(visit: Visit) -> Seen:
    """The code typed as a gun types it opens the bag's page; another label is refused, the bag's own label fits."""
    terminal = visit.staff("pharmacist")
    page = terminal.press(terminal.open("/terminal/"), "/terminal/scan$", digits=visit["digits"])
    match = f"/terminal/bags/{visit['bag']}/match$"
    if not page.has_form(match):
        raise StepFailed(f"the code was not granted: {page.gist}")
    wrong = terminal.press(page, match, bag_code="2000000000008", nonce=secrets.token_urlsafe(12))
    if "unknown_bag" not in wrong.words and "wrong_bag" not in wrong.words:
        raise StepFailed(f"a foreign label was not refused: {wrong.gist}")
    label = _label(terminal, visit["bag"])
    page = terminal.press(page, match, bag_code=label)
    if not page.has_form("/hand-over$"):
        raise StepFailed(f"the bag's own label did not match: {page.gist}")
    return {"label": f"{label[:4]}…", "foreign_label": "refused", "own_label": "matched"}


def _label(terminal: Browser, bag: str) -> str:
    """What the code on the bag's printed label says."""
    label = read_pdf(terminal.fetch(f"/terminal/picking/{bag}/label.pdf").content)
    if not re.fullmatch(r"2\d{12}", label.code):
        raise StepFailed("no readable bag code on the printed label")
    return label.code


def collected(visit: Visit) -> Seen:
    """Four checks and one identity fact, then the bag is in the patient's hands."""
    terminal = visit.staff("pharmacist")
    page = terminal.open(f"/terminal/bags/{visit['bag']}")
    form = page.form("/hand-over$")
    page = terminal.send(page, form, check=form.choices["check"], identity=form.choices["identity"][0])
    if not page.url.endswith("/done"):
        raise StepFailed(f"not handed over: {page.gist}")
    return {"checks": form.choices["check"], "identity": form.choices["identity"][0]}


def second_scan_refused(visit: Visit) -> Seen:
    """The same code a second time: refused, and the scan is kept."""
    terminal = visit.staff("pharmacist")
    page = terminal.press(terminal.open("/terminal/"), "/terminal/scan$", digits=visit["digits"])
    page.demand("already_collected")
    return {"code": "already_collected"}


def his_told_dispense(visit: Visit) -> Seen:
    """The hospital system received the dispense over MLLP and acknowledged it, once."""
    heard = wait_for("the dispense's message", lambda: visit.his_heard("RDS", visit["prescription"]))
    return {
        "message": heard[0]["message_type"],
        "control_id": heard[0]["control_id"],
        "answer": heard[0]["answer_code"],
        "times": len(heard),
    }


def invoice_pdf(visit: Visit) -> Seen:
    """The invoice of the drugs as a PDF with its numbers and the payer's name."""
    address = wait_for("an invoice", lambda: visit.phone.open("/invoices").links(r"/invoices/[^/.]+$"))[0]
    page = wait_for("the platform's numbers", lambda: _numbered(visit.phone.open(address)))
    for name, label in (("batch_code", "票据代码"), ("invoice_number", "票据号码"), ("check_code", "校验码")):
        visit[name] = page.value_of(label)
    paper = read_pdf(visit.phone.fetch(f"{address}.pdf").content)
    wanted = {name: visit[name] for name in ("batch_code", "invoice_number", "check_code")}
    wanted["payer"] = visit.person.name
    missing = [name for name, text in wanted.items() if text not in paper.text]
    if missing:
        raise StepFailed(f"not in the PDF's text: {', '.join(missing)}")
    visit["verify_url"] = paper.code
    visit.note(f"QR {paper.code}")
    return {
        "batch_code": visit["batch_code"],
        "number": visit["invoice_number"],
        "pages": paper.pages,
        "letters": len(paper.text),
    }


def _numbered(page: Page) -> Page | None:
    """The invoice's page, once the fiscal platform has issued it."""
    return None if "开具中" in page.text else page


def invoice_verified(visit: Visit) -> Seen:
    """The code printed on the invoice leads anyone to a page with a masked name; a wrong check code is told nothing."""
    anyone = visit.passer_by()
    page = anyone.open(visit["verify_url"])
    page.demand(visit["invoice_number"])
    if visit.person.name in page.text:
        raise StepFailed("the public page shows the full name")
    numbers = {"batch_code": visit["batch_code"], "number": visit["invoice_number"]}
    typed = anyone.press(anyone.open("/verify"), "/verify", **numbers, check_code=visit["check_code"])
    typed.demand(visit["invoice_number"])
    wrong = "000000" if visit["check_code"] != "000000" else "000001"
    refused = anyone.press(anyone.open("/verify"), "/verify", may_fail=True, **numbers, check_code=wrong)
    if refused.status != 404:
        raise StepFailed(f"a wrong check code was answered {refused.status}")
    return {"by_printed_code": page.status, "by_typed_numbers": typed.status, "wrong_check_code": refused.status}
