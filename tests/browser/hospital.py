"""The demo hospital in the middle of a morning, behind real HTTP: every page of every surface has something to show."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from flask import Flask
from playwright.sync_api import Browser, BrowserContext
from sqlalchemy import create_engine, select
from werkzeug.serving import WSGIRequestHandler, make_server

from app import create_app
from app.cli import demo_hospital, invariants
from app.cli.seed import seed
from app.couriers.chosen import Couriers
from app.identity import logins
from app.identity import service as identity
from app.identity.models import Account, Staff
from app.identity.rules import read_phone
from app.kernel.db import Base, db
from app.kernel.uow import Actor, Units
from app.scheduling import service as scheduling
from app.scheduling.models import Department, HalfDay
from config import read_settings
from tests import factories_payment
from tests.conftest import MORNING, SetClock, quicken
from tests.factories import Clinic, Person
from tests.factories_invoice import Platform
from tests.private_postgres import free_port
from tests.web.conftest import Texts, WeChat
from tests.web.work_fixtures import House

NEEDED = {
    "doctor": "zhang.wei",
    "other_doctor": "zheng.jie",
    "nurse": "liu.yan",
    "reviewer": "li.na",
    "picker": "chen.jing",
    "checker": "wang.fang",
    "clerk": "zhao.min",
    "cashier": "zhou.qian",
    "admin": "admin",
}
ASKED_FOR_A_CODE = "asked"
TERMINAL, WINDOW, INVOICE_TERMINAL = "W1-000001", "W1", "INV-00000001"


@dataclass
class Hospital:
    """The running application, who is in the house, and the public ids of what happened: `ids["bag.ready"]`."""

    house: House
    texts: Texts
    base_url: str
    people: dict[str, Person] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def clock(self) -> SetClock:
        return self.house.clock

    @property
    def units(self) -> Units:
        return self.house.units

    def session_of(self, who: str, **more: object) -> str:
        """The cookie of a browser on which `who` is logged in: a patient or a kind of staff; anyone else is nobody."""
        kept: dict[str, object] = {"lang": "zh_Hans_CN", **more}
        if who in NEEDED or who in self.people:
            kind = "staff" if who in NEEDED else "patient"
            kept[f"{kind}_secret"] = self._log_in(who)
        if who in {"picker", "checker"}:
            kept["terminal"] = {"code": TERMINAL, "window": WINDOW}
        if who == "clerk":
            kept["invoice_terminal"] = INVOICE_TERMINAL
        if who == ASKED_FOR_A_CODE:
            kept |= {"code_id": "waits", "code_phone": "138****8000"}
        if who == "sun":
            kept["asked"] = {self.ids["bill.open"]: ["weixin://wxpay/bizpayurl?pr=a1b2c3d4", {}]}
        if who == "lin":
            kept["unsent"] = self._typed()
        signer = self.house.app.session_interface.get_signing_serializer(self.house.app)  # type: ignore[attr-defined]
        return str(signer.dumps(kept))

    def _typed(self) -> str:
        """Somebody's words that wait in their browser to be sent."""
        at = self.clock.now().isoformat()
        words = [["name", "李秀兰"], ["relation", "parent"]]
        told = {"kind": "patient", "who": "", "at": at, "path": "/patients", "page": "/patients/new", "fields": words}
        return self.units.keys.seal(json.dumps(told), "cookie.unsent")

    def _log_in(self, who: str) -> str:
        with self.units.open() as uow:
            if who in NEEDED:
                actor = self.house.actors[who]
                return logins._begin(uow, actor, staff_id=actor.id).secret
            person = self.people[who]
            return logins._begin(uow, person.actor, account_id=person.account.id).secret

    def context(
        self, browser: Browser, who: str, *, screen: tuple[int, int], has_javascript: bool = True, **more: object
    ) -> BrowserContext:
        """A browser's context on which `who` is logged in; `more` goes into its session (elder, lang)."""
        context = browser.new_context(
            viewport={"width": screen[0], "height": screen[1]}, locale="zh-CN", java_script_enabled=has_javascript
        )
        context.add_cookies([{"name": "menzhen", "value": self.session_of(who, **more), "url": self.base_url}])
        return context


def _app(database_url: str, base_url: str, clock: SetClock, texts: Texts) -> Flask:
    settings = replace(
        read_settings({"MENZHEN_MODE": "demo", "MENZHEN_DATABASE_URL": database_url, "MENZHEN_BASE_URL": base_url}),
        data_keys=(("test", b"k" * 32),),
        index_key=b"i" * 32,
    )
    app = create_app(settings, clock=clock)
    couriers = Couriers(
        factories_payment.Till(),  # type: ignore[arg-type]
        factories_payment.notification_keys(),
        texts,  # type: ignore[arg-type]
        WeChat(),  # type: ignore[arg-type]
        invoices=Platform(refuses="E0003"),
    )
    app.extensions["menzhen"] = replace(app.extensions["menzhen"], couriers=couriers)
    quicken(app.extensions["menzhen"].units.engine)
    return app


def _clinic(units: Units, code: str, doctor: str) -> Clinic:
    with units.open() as uow:
        department = uow.session.scalars(select(Department).where(Department.code == code)).one()
        practitioner = scheduling.practitioner_by_code(uow, doctor)
        today = uow.today()
        cards = scheduling.cards(uow, practitioner_id=practitioner.id, from_day=today, to_day=today)
        morning = next(card.session for card in cards if card.session.half_day == HalfDay.AM)
        return Clinic(department, practitioner, morning)


def account_of(units: Units, number: str) -> Person:
    """The person of the demo hospital with this phone."""
    with units.open() as uow:
        index = uow.keys.index(read_phone(number), "phone")
        account = uow.session.scalars(select(Account).where(Account.phone_index == index)).one()
        uow.actor = Actor("patient", account.public_id, account.id)
        return Person(account, identity.patients_of(uow)[0][0])


def _staff(units: Units) -> dict[str, Actor]:
    with units.open() as uow:
        known = {member.login: logins.staff_actor(member) for member in uow.session.scalars(select(Staff))}
        return {kind: known[login] for kind, login in NEEDED.items()}


@contextmanager
def open_hospital(folder: Path, at: object = MORNING) -> Iterator[Hospital]:
    """The seeded hospital on a database in `folder`, served on a free port; at its end its promises must hold."""
    clock, texts = SetClock(at), Texts()  # type: ignore[arg-type]
    url = f"sqlite:///{folder / 'hospital.db'}"
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    engine.dispose()
    port = free_port()
    base_url = f"http://127.0.0.1:{port}"
    app = _app(url, base_url, clock, texts)
    units: Units = app.extensions["menzhen"].units
    with units.open() as uow:
        seed(uow)
    house = House(
        app, units, clock, _clinic(units, "GI", "D001"), _staff(units), app.extensions["menzhen"].couriers.payments
    )
    hospital = Hospital(house, texts, base_url)
    hospital.people = {
        name: account_of(units, phone)
        for name, (phone, *_) in zip(("zhang", "li"), demo_hospital.PATIENTS, strict=True)
    }
    with _served(app, port):
        yield hospital
    with units.open(reads_only=True) as uow:
        assert invariants.broken(uow) == {}, "promises that do not hold after the visit"
    with app.app_context():
        db.engine.dispose()


class Quietly(WSGIRequestHandler):
    """Answers without a line in the log for each."""

    def log_request(self, code: object = "-", size: object = "-") -> None:
        pass


@contextmanager
def _served(app: Flask, port: int) -> Iterator[None]:
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=Quietly)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
