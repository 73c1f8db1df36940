"""Some patients of the simulated day use the pages: log-in, booking, paying, checking in, the revisit, over HTTP."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from app.kernel.uow import Units
from app.scheduling import service as scheduling
from sandbox.his.people import Person
from tools.play import paying, registering, waiting
from tools.play.people import Person as Played
from tools.play.visit import Visit
from tools.rehearsal.house import HouseByServices, awaited


@dataclass
class HouseWithPhones:
    """Every `every`th patient does their own part by the pages; all else is done by the services behind them."""

    services: HouseByServices
    units: Units
    endpoints: dict[str, Any]
    every: int
    by_pages: int = 0
    _phones: dict[str, Visit] = field(default_factory=dict)
    _visits: dict[str, Visit] = field(default_factory=dict)

    def prepare(self, department: str, doctors: list[str], *, slot_minutes: int, fee_fen: int) -> None:
        """See `HouseByServices`."""
        self.services.prepare(department, doctors, slot_minutes=slot_minutes, fee_fen=fee_fen)

    def meet(self, who: Person) -> None:
        """A code by text message proves the phone, the patient binds themself."""
        if self._has_phone(who) and who.mrn not in self._phones:
            visit = Visit(self.endpoints, person=_played(who))
            address = f"10.{secrets.randbelow(256)}.{secrets.randbelow(256)}.{secrets.randbelow(254) + 1}"
            visit.phone.session.headers["X-Forwarded-For"] = address
            registering.login(visit)
            registering.bind(visit)
            self._phones[who.mrn] = visit
            self.by_pages += 1
        self.services.meet(who)

    def book(self, who: Person, doctor: str) -> None:
        """The place is held on the session's page and its fee paid inside WeChat."""
        visit = self._phones.get(who.mrn)
        if visit is None:
            self.services.book(who, doctor)
            return
        phone = visit.phone
        page = phone.open(f"/sessions/{self._session(doctor)}")
        form = page.form("/registrations$")
        page = phone.send(page, form, patient=form.choices["patient"][0])
        visit["registration"] = page.url.rsplit("/", 1)[-1]
        visit["bill"] = page.form(r"/bills/[^/]+/pay").action.split("/")[2]
        self._visits[page.value_of("就诊号")] = visit
        registering.pay_fee(visit)

    def check_in(self, visit_number: str) -> None:
        """One tap on the visit's page."""
        visit = self._visits.get(visit_number)
        if visit is None:
            self.services.check_in(visit_number)
        else:
            waiting.check_in(visit)

    def call_in(self, visit_number: str) -> None:
        """See `HouseByServices`."""
        self.services.call_in(visit_number)

    def review(self, prescription: str) -> None:
        """See `HouseByServices`."""
        self.services.review(prescription)

    def pay(self, who: Person, prescription: str) -> None:
        """The drugs' bill is found among the bills and paid."""
        visit = self._phones.get(who.mrn)
        if visit is None:
            self.services.pay(who, prescription)
            return
        fee = visit.known.get("bill", "none")

        def listed() -> str | None:
            bills = visit.phone.open("/bills").links(r"/bills/[^/]+$")
            return next((each for each in bills if not each.endswith(fee)), None)

        bill = awaited(listed, f"the bill of {prescription}")
        paying.pay(visit, bill, bill.rsplit("/", 1)[-1])

    def hand_over(self, who: Person, prescription: str) -> None:
        """See `HouseByServices`."""
        self.services.hand_over(who, prescription)

    def finish(self, visit_number: str, revisit_day: date) -> None:
        """See `HouseByServices`."""
        self.services.finish(visit_number, revisit_day)

    def book_revisit(self, who: Person) -> None:
        """One tap on the plan's page, and the fee."""
        visit = self._phones.get(who.mrn)
        if visit is None:
            self.services.book_revisit(who)
            return
        plan = visit.phone.open("/revisits").links(r"/revisits/[^/]+$")[0]
        page = visit.phone.press(visit.phone.open(plan), r"/revisits/[^/]+/book$")
        bill = page.form(r"/bills/[^/]+/pay").action.split("/")[2]
        paying.pay(visit, f"/registrations/{page.url.rsplit('/', 1)[-1]}", bill)

    def settle(self) -> None:
        """See `HouseByServices`."""
        self.services.settle()

    def _has_phone(self, who: Person) -> bool:
        return int(who.mrn[-5:]) % self.every == 0

    def _session(self, doctor: str) -> str:
        with self.units.open(reads_only=True) as uow:
            practitioner = scheduling.practitioner_by_code(uow, doctor)
            today = uow.today()
            cards = scheduling.cards(uow, practitioner_id=practitioner.id, from_day=today, to_day=today)
        return cards[0].session.public_id


def _played(who: Person) -> Played:
    return Played(
        name=who.name,
        id_number=who.id_number,
        birth_day=f"{who.birth_day:%Y%m%d}",
        sex=who.sex,
        phone=who.phone,
        record_number=who.mrn,
        member_number=who.member_number,
    )
