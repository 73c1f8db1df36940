"""How many statements a page sends to the database: counted in this process, on the tables as they are."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask.testing import FlaskClient
from sqlalchemy import event

from bench.hospital import DEPARTMENT, Hospital
from tools.play.browser import Browser

TIMES = 5
PATIENT_PAGES = {
    "patient_home": "/",
    "patient_home_live": "/live",
    "visit_live": "/visits/{registration}/live",
    "visit": "/visits/{registration}",
    "registrations": "/registrations",
    "bills": "/bills",
    "bill": "/bills/{drug_bill}",
    "prescription": "/prescriptions/{prescription}",
    "pickup": "/pickup/{bag}",
    "invoices": "/invoices",
    "reports": "/reports",
    "messages": "/messages",
    "revisits": "/revisits",
    "departments": "/departments",
    "department": f"/departments/{DEPARTMENT}",
    "clinic_session": "/sessions/{session}",
    "check_in": "/check-in",
}
BOARD_PAGES = {"board": f"/board/{DEPARTMENT}", "board_live": f"/board/{DEPARTMENT}/live"}
# who, page, path
STAFF_PAGES = (
    ("bench", "desk_queue", "/desk/sessions/{session}"),
    ("bench", "desk_queue_live", "/desk/sessions/{session}/live"),
    ("bench", "desk_visit", "/desk/visits/{registration}"),
    ("reviewer", "review", "/review/"),
    ("pharmacist", "terminal", "/terminal/"),
    ("pharmacist", "terminal_picking", "/terminal/picking"),
    ("pharmacist", "terminal_scan", "/terminal/scan"),
    ("admin", "staff_home", "/staff/"),
    ("admin", "staff_messages", "/staff/messages"),
    ("admin", "staff_hl7", "/staff/hl7"),
    ("admin", "staff_payments", "/staff/payments"),
    ("admin", "staff_schedules", "/staff/schedules"),
    ("admin", "staff_audit", "/staff/audit"),
    ("admin", "staff_channels", "/staff/channels"),
    ("admin", "staff_patients", "/staff/patients"),
)


@dataclass(frozen=True)
class Asked:
    """One page: how many statements it took (the most of some tries) and how long it took (the middle of them)."""

    page: str
    statements: int
    middle_ms: float


@contextmanager
def _counting(hospital: Hospital) -> Iterator[list[str]]:
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    event.listen(hospital.runtime.units.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(hospital.runtime.units.engine, "before_cursor_execute", note)


def client_of(hospital: Hospital, browser: Browser) -> FlaskClient:
    """The same log-in in this process: the cookie is signed with the same key."""
    client = hospital.app.test_client()
    client.set_cookie("menzhen", str(browser.session.cookies["menzhen"]))
    return client


def all_pages(
    hospital: Hospital, patient: FlaskClient, staff: dict[str, FlaskClient], known: dict[str, str]
) -> list[Asked]:
    """Every page asked for some times by whom it is for; `known` fills the paths."""
    anybody = hospital.app.test_client()
    asked = [_ask(hospital, patient, page, path.format(**known)) for page, path in PATIENT_PAGES.items()]
    asked += [_ask(hospital, anybody, page, path) for page, path in BOARD_PAGES.items()]
    for role, page, path in STAFF_PAGES:
        form = {"digits": known["digits"], "nonce": "{}"} if page == "terminal_scan" else None
        asked.append(_ask(hospital, staff[role], page, path.format(**known), form))
    return asked


def _ask(hospital: Hospital, client: FlaskClient, page: str, path: str, form: dict[str, str] | None = None) -> Asked:
    most, took = 0, []
    for number in range(TIMES):
        with _counting(hospital) as sent:
            began = time.perf_counter()
            if form is None:
                answer = client.get(path)
            else:
                fields = {name: value.format(f"bench-{time.time_ns()}-{number}") for name, value in form.items()}
                answer = client.post(path, data=fields)
            took.append((time.perf_counter() - began) * 1000)
        if answer.status_code >= 400 or "/login" in answer.headers.get("Location", ""):
            raise SystemExit(f"{page} at {path} answered {answer.status_code}")
        most = max(most, len(sent))
    return Asked(page, most, sorted(took)[len(took) // 2])
