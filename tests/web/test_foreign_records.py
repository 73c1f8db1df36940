"""What belongs to one patient does not exist for another, at every address of the patient's pages; each try is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import Rule

from app.kernel.audit import AuditEvent
from app.notifications.models import Message
from app.registration import conduct
from tests.browser.hospital import Hospital, open_hospital
from tests.browser.morning import play_morning
from tests.web.work_fixtures import suspend

# What the owner has for each part of an address that names a record; the other parts name what everybody may see.
OWNERS = {
    "registration_id": "visit.ready",
    "bill_id": "bill.paid",
    "patient_id": "patient",
    "bag_id": "bag.ready",
    "prescription_id": "prescription.ready",
    "invoice_id": "invoice",
    "report_id": "report.LAB1",
    "plan_id": "plan",
    "message_id": "message",
    "suspension_id": "suspension",
    "entry_id": "entry.offered",
    "offer_id": "offer",
}
EVERYBODYS = {"code": "channel.code", "session_id": "session"}
LIVE = {
    f"patient.{part}"
    for part in ("visit_live", "fee_live", "pickup_live", "hospital_word", "release_live", "paying_live")
}
Tries = list[tuple[str, str, str]]


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    folder: Path = tmp_path_factory.mktemp("hospital")
    with open_hospital(folder) as hospital:
        play_morning(hospital)
        hospital.house.app.config["WTF_CSRF_ENABLED"] = False
        account_id = hospital.people["zhang"].account.id
        with hospital.units.open() as uow:
            found = select(Message.public_id).where(Message.account_id == account_id)
            hospital.ids["message"] = uow.session.scalars(found).first() or ""
        missed = suspend(hospital.house, "+8613700137222")
        with hospital.units.open(missed.actor) as uow:
            hospital.ids["suspension"] = conduct.of_account(uow)[0][0].public_id
        yield hospital


def phone_of(hospital: Hospital, who: str) -> FlaskClient:
    client = hospital.house.app.test_client()
    client.set_cookie("menzhen", hospital.session_of(who), domain="localhost")
    return client


def rules_with_records(hospital: Hospital) -> list[Rule]:
    rules = [rule for rule in hospital.house.app.url_map.iter_rules() if rule.endpoint.startswith("patient.")]
    return [rule for rule in rules if rule.arguments - set(EVERYBODYS)]


def owners_addresses(hospital: Hospital) -> Tries:
    """Endpoint, method and address of every page and form about a record of 张秀英."""
    found = []
    for rule in rules_with_records(hospital):
        path = rule.rule
        for name in rule.arguments:
            path = path.replace(f"<{name}>", hospital.ids[(OWNERS | EVERYBODYS)[name]])
        found += [(rule.endpoint, method, path) for method in sorted((rule.methods or set()) & {"GET", "POST"})]
    return found


def test_every_part_of_a_patients_address_is_known_to_this_test(hospital: Hospital) -> None:
    named = {name for rule in rules_with_records(hospital) for name in rule.arguments}

    assert named - set(EVERYBODYS) == set(OWNERS)


def test_another_patients_records_do_not_exist_and_every_try_is_on_record(hospital: Hospital) -> None:
    tries = owners_addresses(hospital)
    owner, stranger = phone_of(hospital, "zhang"), phone_of(hospital, "li")

    own = {path: owner.get(path).status_code for _, method, path in tries if method == "GET"}
    foreign = {(method, path): stranger.open(path, method=method).status_code for _, method, path in tries}
    nowhere = stranger.get("/bills/00000000000000000000000000")
    somewhere = stranger.get(f"/bills/{hospital.ids['bill.paid']}")

    assert len(tries) > 20
    assert set(own.values()) <= {200, 302, 409, 503}
    assert {key: status for key, status in foreign.items() if status != 404} == {}
    assert without_ids(nowhere.text) == without_ids(somewhere.text)
    kept = kept_tries(hospital)
    assert [each for each in tries if (f"page.{each[0]}", id_in(hospital, each[2])) not in kept] == []


def test_no_page_about_a_record_stays_in_the_browser(hospital: Hospital) -> None:
    """A part that refreshes itself is asked for anew each time; nothing else is kept at all."""
    owner = phone_of(hospital, "zhang")
    kept = {
        endpoint: answer.headers["Cache-Control"]
        for endpoint, method, path in owners_addresses(hospital)
        if method == "GET" and (answer := owner.get(path)).status_code == 200
    }

    assert len(kept) >= 15
    assert {kept.pop(endpoint) for endpoint in LIVE & set(kept)} == {"no-cache, private"}
    assert set(kept.values()) == {"no-store"}


def without_ids(page: str) -> list[str]:
    """The page's words and tags without what is new each time."""
    return [line for line in page.splitlines() if "csrf" not in line and "/bills/" not in line]


def kept_tries(hospital: Hospital) -> set[tuple[str, str]]:
    stranger = hospital.people["li"].account.public_id
    with hospital.units.open(reads_only=True) as uow:
        rows = uow.session.scalars(
            select(AuditEvent).where(AuditEvent.outcome == "not_found", AuditEvent.actor_ref == stranger)
        )
        return {(row.action, row.subject_ref.partition("/")[0]) for row in rows}


def id_in(hospital: Hospital, path: str) -> str:
    return next(hospital.ids[key] for key in OWNERS.values() if f"/{hospital.ids[key]}" in path)
