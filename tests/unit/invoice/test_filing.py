"""Invoices come to their issuer's numbers once, whoever is away, refuses, dies or asks at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.invoice import filing, followers, issuing, service
from app.invoice.models import Filing, Invoice
from app.invoice.own_book import OwnBook
from app.invoice.ports import Numbers, Sheet
from app.invoice.states import FilingState, InvoiceKind
from app.kernel.errors import NotFound
from app.kernel.moves import IllegalMove
from app.kernel.uow import Units
from app.payment.models import Bill
from app.payment.states import BillState
from tests import factories_pharmacy as make
from tests.conftest import SetClock
from tests.factories_invoice import Platform


def paid(units: Units, count: int = 1) -> list[Bill]:
    with units.open() as uow:
        person = make.a_person(uow)
        made = [
            make.a_bill(uow, person.patient_id, make.a_prescription(uow, person.patient_id).id) for _ in range(count)
        ]
        for bill in made:
            followers.issue_when_paid(uow, make.pay(uow, bill))
        return made


def filings(units: Units) -> list[Filing]:
    with units.open() as uow:
        return list(uow.session.scalars(select(Filing).order_by(Filing.id)))


def test_the_embedded_issuer_keeps_the_books_own_number_and_is_no_fiscal_receipt(units: Units) -> None:
    (bill,) = paid(units)

    assert filing.file_due(units, OwnBook()) == 1
    assert filing.file_due(units, OwnBook()) == 0

    with units.open() as uow:
        invoice = service.valid_invoice_of(uow, bill.id)
        numbers = service.numbers_of(uow, invoice)
        assert (numbers.batch_code, numbers.number) == (invoice.batch_code, invoice.number)
        assert not service.is_fiscal(uow, invoice)


def test_the_platforms_numbers_stand_on_the_paper_and_verify(units: Units) -> None:
    (bill,) = paid(units)
    with units.open() as uow:
        before = service.paper_fields(uow, service.valid_invoice_of(uow, bill.id), payee="仁和示范医院")
    assert (before["is_fiscal"], before["code"], before["verify_text"]) == (False, "11060126", "")

    assert filing.file_due(units, Platform()) == 1

    with units.open() as uow:
        invoice = service.valid_invoice_of(uow, bill.id)
        fields = service.paper_fields(uow, invoice, payee="仁和示范医院")
        assert [fields[name] for name in ("is_fiscal", "code", "number", "check_code", "verify_text")] == [
            *(True, "44060126", "0000000001", "a1b2c3", "https://p/1")
        ]
        seen = service.verify(uow, batch_code="44060126", number="0000000001", check_code="a1b2c3")
        assert (seen.number, seen.total_fen) == ("0000000001", invoice.total_fen)
        own = {"batch_code": invoice.batch_code, "number": invoice.number, "check_code": invoice.check_code}
        assert service.verify(uow, **own).total_fen == invoice.total_fen
        with pytest.raises(NotFound):
            service.verify(uow, batch_code="44060126", number="0000000001", check_code="a1b2c4")


def test_an_answer_that_was_lost_is_looked_up_and_never_asked_for_anew(units: Units, clock: SetClock) -> None:
    paid(units)
    platform = Platform(late=True)

    filing.file_due(units, platform)
    assert filings(units)[0].state == FilingState.UNKNOWN
    assert filing.file_due(units, platform) == 0, "it waits before it is looked up"
    clock.step(seconds=filing.BACK_OFF_SECONDS[0])
    filing.file_due(units, platform)

    assert platform.calls == ["issue", "look up"]
    assert [(each.state, each.number) for each in filings(units)] == [(FilingState.ISSUED, "0000000001")]


def test_what_is_not_there_is_asked_for_again_under_the_same_number(units: Units, clock: SetClock) -> None:
    paid(units)
    platform = Platform(away=True)
    filing.file_due(units, platform)
    bus_no = filings(units)[0].bus_no

    for _ in range(3):
        clock.step(seconds=filing.BACK_OFF_SECONDS[-1])
        filing.file_due(units, platform)
    platform.away = False
    clock.step(seconds=filing.BACK_OFF_SECONDS[-1])
    filing.file_due(units, platform)
    filing.file_due(units, platform)

    assert platform.calls == ["issue", *["look up"] * 4, "issue"]
    assert list(platform.issued) == [bus_no]
    assert filings(units)[0].state == FilingState.ISSUED


def test_an_invoice_that_cannot_be_read_holds_up_no_other(units: Units, clock: SetClock) -> None:
    paid(units, 3)
    with units.open() as uow:
        first = uow.session.scalars(select(Invoice).order_by(Invoice.id)).first()
        first.data_sealed = first.data_sealed[:-8] + "AAAAAAAA"

    for _ in range(2):
        filing.file_due(units, Platform())
        clock.step(seconds=filing.LEASE_SECONDS)

    assert [each.state for each in filings(units)] == [FilingState.REQUESTED, *[FilingState.ISSUED] * 2]


def test_a_worker_that_died_while_asking_leaves_a_question(units: Units, clock: SetClock) -> None:
    """Control: an issuer that forgets what it was asked issues twice for the same death."""
    for remembers in (True, False):
        paid(units)
        platform = Platform(remembers=remembers)
        with pytest.raises(KeyboardInterrupt):
            filing.file_due(units, _Dies(platform))

        clock.step(seconds=filing.LEASE_SECONDS)
        while filing.file_due(units, platform):
            pass

        assert len(platform.issued) == (1 if remembers else 2)
    assert {each.state for each in filings(units)} == {FilingState.ISSUED}


class _Dies:
    """The platform issues, and the process that asked is gone."""

    name = "fiscal"
    is_fiscal = True

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def issue(self, sheet: Sheet) -> Numbers:
        self._platform.issue(sheet)
        raise KeyboardInterrupt


def test_a_refused_invoice_waits_for_a_person(units: Units) -> None:
    (bill,) = paid(units)
    platform = Platform(refuses="E0003")

    filing.file_due(units, platform)

    with units.open() as uow:
        ((refused, invoice),) = filing.troubled(uow)
        assert (refused.state, refused.last_error, invoice.bill_id) == (FilingState.FAILED, "E0003", bill.id)
        assert not service.is_fiscal(uow, invoice)
    platform.refuses = ""
    assert filing.file_due(units, platform) == 0
    with units.open() as uow:
        filing.ask_again(uow, refused.public_id)
    filing.file_due(units, platform)
    with units.open() as uow:
        assert filing.troubled(uow) == []
        with pytest.raises(IllegalMove):
            filing.ask_again(uow, refused.public_id)
        with pytest.raises(NotFound):
            filing.ask_again(uow, "nobody")


def test_a_red_invoice_waits_for_its_blue_one_and_names_its_numbers(units: Units, clock: SetClock) -> None:
    (bill,) = paid(units)
    with units.open() as uow:
        uow.session.get_one(Bill, bill.id).state = BillState.REFUNDED
        issuing.red_letter(uow, service.valid_invoice_of(uow, bill.id))
    platform = Platform(away=True)
    assert filing.file_due(units, platform) == 1

    platform.away = False
    clock.step(seconds=filing.BACK_OFF_SECONDS[0])
    while filing.file_due(units, platform):
        pass

    assert platform.calls == ["issue", "look up", "issue", "take back"]
    with units.open() as uow:
        red = uow.session.scalars(select(Invoice).where(Invoice.kind == InvoiceKind.RED)).one()
        fields = service.paper_fields(uow, red, payee="仁和示范医院")
        assert (fields["number"], fields["original_number"]) == ("0000000002", "0000000001")


def test_what_one_issuer_has_begun_no_other_issues(units: Units, clock: SetClock) -> None:
    (bill,) = paid(units)
    filing.file_due(units, Platform(away=True))
    with units.open() as uow:
        uow.session.get_one(Bill, bill.id).state = BillState.REFUNDED
        issuing.red_letter(uow, service.valid_invoice_of(uow, bill.id))
    clock.at(clock.now() + timedelta(days=1))

    assert filing.file_due(units, OwnBook()) == 0


@pytest.mark.parametrize("bills", [30, pytest.param(200, marks=pytest.mark.long)])
def test_many_workers_at_once_leave_no_gap_and_no_twin(units: Units, bills: int) -> None:
    paid(units, bills)
    platform = Platform(remembers=False)

    def work(_: int) -> None:
        while filing.file_due(units, platform, limit=5):
            pass

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))

    assert platform.calls == ["issue"] * bills
    assert sorted(each.number or "" for each in filings(units)) == [f"{n:010d}" for n in range(1, bills + 1)]
