"""Many invoices at once, filed with the platform of another process over HTTP: no gap and no twin on either side."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from sqlalchemy import select

from app.couriers.fiscal import FiscalPlatform
from app.invoice import filing, followers, issuing, service
from app.invoice.models import Filing
from app.invoice.states import FilingState
from app.kernel.uow import Units
from app.payment.models import Bill
from app.payment.states import BillState
from config import FiscalSettings
from tests import factories_pharmacy as make
from tests.conftest import SetClock
from tests.sandbox.fixtures import RunningSandbox, running_sandbox

WORKERS = 8


@pytest.fixture
def world(tmp_path: Path) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path) as running:
        yield running


def platform(world: RunningSandbox) -> FiscalPlatform:
    env = world.env
    return FiscalPlatform(
        FiscalSettings(env["FISCAL_BASE_URL"], env["FISCAL_APPID"], env["FISCAL_KEY"], env["FISCAL_PLACE_CODE"], 2)
    )


def order(world: RunningSandbox, mode: str, seconds: float = 0) -> None:
    what = {"mode": mode, "scope": "next", "seconds": seconds}
    requests.post(f"{world.http_url}/sandbox/fiscal/switch", json=what, timeout=30).raise_for_status()


def billed(units: Units, count: int) -> list[int]:
    """So many bills of one person, unpaid."""
    with units.open() as uow:
        who = make.a_person(uow)
        made = [make.a_bill(uow, who.patient_id, make.a_prescription(uow, who.patient_id).id) for _ in range(count)]
        return [bill.id for bill in made]


def pay(units: Units, bill_id: int) -> None:
    with units.open() as uow:
        followers.issue_when_paid(uow, make.pay(uow, uow.session.get_one(Bill, bill_id)))


def filed_by_all(units: Units, issuer: FiscalPlatform, clock: SetClock) -> list[Filing]:
    """Workers file together, through one outage and one lost answer, until nothing waits."""

    def work(_: int) -> None:
        while filing.file_due(units, issuer, limit=3):
            pass

    for _ in range(6):
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(work, range(WORKERS)))
        clock.step(seconds=filing.LEASE_SECONDS)
    with units.open() as uow:
        return list(uow.session.scalars(select(Filing).order_by(Filing.id)))


@pytest.mark.parametrize("bills", [16, pytest.param(200, marks=pytest.mark.long)])
def test_issued_and_taken_back_at_once_with_misfortunes(
    units: Units, world: RunningSandbox, clock: SetClock, bills: int
) -> None:
    paid = billed(units, bills)
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda bill_id: pay(units, bill_id), paid))
    with units.open() as uow:
        for bill_id in paid[::4]:
            uow.session.get_one(Bill, bill_id).state = BillState.REFUNDED
            standing = service.valid_invoice_of(uow, bill_id)
            assert standing is not None
            issuing.red_letter(uow, standing)
    order(world, "late", 3)
    order(world, "down")

    filings = filed_by_all(units, platform(world), clock)

    assert {each.state for each in filings} == {FilingState.ISSUED}
    book = requests.get(f"{world.http_url}/sandbox/fiscal/book", timeout=30).json()
    wanted = bills + len(paid[::4])
    assert [each["number"] for each in book] == [f"{number:010d}" for number in range(1, wanted + 1)]
    assert sorted(each["number"] for each in book) == sorted(each.number or "" for each in filings)
    assert len({re.sub("R$", "", each["bus_no"]) for each in book}) == bills
    assert sum(each["total"] for each in book) == 3860 * (bills - len(paid[::4]))
