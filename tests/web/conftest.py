"""The application with providers in memory, and a phone that opens pages and sends their forms as a browser would."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.couriers.chosen import Couriers
from app.kernel.uow import Units
from app.notifications.errors import CourierAway, CourierRefused
from app.pharmacy import picking
from tests import factories, factories_payment, factories_prescription
from tests.conftest import SetClock, application
from tests.web.work_fixtures import ROLES, House


@dataclass
class Texts:
    """A text message provider in memory."""

    sent: list[tuple[str, str]] = field(default_factory=list)
    is_away: bool = False

    def send_code(self, *, phone: str, code: str, client_ref: str) -> None:
        if self.is_away:
            raise CourierAway
        self.sent.append((phone, code))


@dataclass
class WeChat:
    """WeChat's web authorization in memory: which code stands for which openid."""

    people: dict[str, str] = field(default_factory=dict)

    def authorize_url(self, *, redirect_uri: str, state: str) -> str:
        return f"https://open.weixin.example/authorize?redirect_uri={redirect_uri}&state={state}"

    def openid_of(self, code: str) -> str:
        if code not in self.people:
            raise CourierRefused("bad_code", is_final=True)
        return self.people[code]


@pytest.fixture
def app(units: Units, clock: SetClock, database_url: str) -> Iterator[Flask]:
    with application(database_url, clock, "phone") as app:
        couriers = Couriers(factories_payment.Till(), factories_payment.notification_keys(), Texts(), WeChat())  # type: ignore[arg-type]
        app.extensions["menzhen"] = replace(app.extensions["menzhen"], couriers=couriers)
        yield app


@pytest.fixture
def couriers(app: Flask) -> Couriers:
    return app.extensions["menzhen"].couriers


@pytest.fixture
def clinic(app: Flask, units: Units, clock: SetClock, couriers: Couriers) -> House:
    """A clinic with a doctor this morning."""
    with units.open() as uow:
        return House(app, units, clock, factories.clinic(uow), {}, couriers.payments)


@pytest.fixture
def hospital(clinic: House) -> House:
    """The clinic, a stocked pharmacy with a window, and its staff."""
    with clinic.units.open() as uow:
        factories_prescription.stocked(uow)
        picking.open_window(uow, code="W1", name="1号窗口", location="门诊药房1层")
        for login in ("reviewer", "picker", "checker"):
            clinic.actors[login] = factories.staff(uow, *ROLES[login], login=login)
    return clinic


@dataclass
class Phone:
    """A browser on a phone: keeps the last page, takes the form token from it and says where a form stood."""

    client: FlaskClient
    texts: Texts
    page: str = ""
    at: str = ""

    def open(self, path: str, **headers: str) -> TestResponse:
        answer = self.client.get(path, headers=headers)
        if answer.mimetype == "text/html" and answer.status_code < 500:
            self.page, self.at = answer.text, f"http://localhost{path}"
        return answer

    def send(self, path: str, **fields: str) -> TestResponse:
        """The form at `path` is sent; what it answers, a redirect not followed."""
        if "csrf-token" not in self.page:
            self.open("/verify")
        token = re.search(r'name="csrf-token" content="([^"]+)"', self.page)
        assert token
        said = {"Origin": "http://localhost", "Referer": self.at}
        answer = self.client.post(path, data={"csrf_token": token[1], **fields}, headers=said)
        if answer.mimetype == "text/html":
            self.page = answer.text
        return answer

    def follow(self, answer: TestResponse) -> TestResponse:
        assert answer.status_code == 302, answer.text[:800]
        return self.open(answer.location)

    def log_in(self, number: str, next_path: str = "") -> TestResponse:
        """Asks for a code, reads it from the text message and types it."""
        asked = self.send("/login", phone=number, next=next_path)
        assert asked.status_code == 302, asked.text[:500]
        self.page = ""
        return self.send("/login/code", digits=self.texts.sent[-1][1])


@pytest.fixture
def phone(app: Flask, couriers: Couriers) -> Phone:
    return Phone(app.test_client(), couriers.texts)


@pytest.fixture
def other_phone(app: Flask, couriers: Couriers) -> Phone:
    return Phone(app.test_client(), couriers.texts)


@pytest.fixture
def zhang(phone: Phone, clock: SetClock) -> Phone:
    """The phone of somebody who is logged in and has bound themself."""
    phone.log_in("13800000101")
    bound = phone.send("/patients", name="张秀英", id_number=factories.id_number(901), relation="self")
    assert bound.status_code == 302, bound.text[:800]
    clock.step(seconds=61)
    return phone


@pytest.fixture
def li(other_phone: Phone, clock: SetClock) -> Phone:
    """The phone of somebody else."""
    other_phone.log_in("13900000102")
    bound = other_phone.send("/patients", name="李建国", id_number=factories.id_number(902), relation="self")
    assert bound.status_code == 302, bound.text[:800]
    clock.step(seconds=61)
    return other_phone
