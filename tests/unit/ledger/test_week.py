"""After a week of money coming, failing and going back the ledger is balanced, and a wrong fen is found and named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import OperationalError

from app import events
from app.invoice.models import Invoice
from app.invoice.states import InvoiceKind
from app.kernel.uow import Units, Uow
from app.ledger import followers, for_staff, proving
from app.ledger.accounts import Account, Movement
from app.ledger.models import DayBalance, Journal, Posting, Proof
from app.payment.models import Bill, BillLine, PaymentOrder, Refund
from app.payment.states import BillState, RefundState
from tests import factories_prescription as written
from tests.conftest import SetClock, is_postgres
from tests.unit.ledger.week import Week

KEPT = "day_balance_differs"


@pytest.fixture
def week(units: Units, clock: SetClock) -> Week:
    with units.open() as uow:
        written.stocked(uow)
    return Week(units, clock, written.a_reviewer(units))


def forget_balances(units: Units) -> None:
    with units.open() as uow:
        uow.session.execute(delete(DayBalance))


def day(week: Week) -> None:
    week.play(days=1, happenings=9)


def balances(units: Units) -> dict[Account, int]:
    found: dict[Account, int] = {}
    with units.open(reads_only=True) as uow:
        for row in for_staff.trial_balance(uow, uow.today()):
            found[row.account] = found.get(row.account, 0) + row.after_fen
    return found


def journal(units: Units, movement: Movement, which: int = 0) -> Journal:
    with units.open(reads_only=True) as uow:
        wanted = select(Journal).where(Journal.movement == movement).order_by(Journal.id)
        return uow.session.scalars(wanted).all()[which]


def named(found: list[proving.Flaw]) -> set[int | None]:
    """The bills that the flaws name; a balance kept for a day that was changed afterwards names none."""
    return {flaw.bill_id for flaw in found if flaw.kind != KEPT}


def test_the_trial_balance_of_a_week_is_nought_and_says_what_the_bills_say(units: Units, week: Week) -> None:
    week.play(days=7, happenings=6)

    found = balances(units)
    with units.open(reads_only=True) as uow:
        orders = uow.session.execute(select(func.sum(PaymentOrder.paid_fen))).scalar_one()
        back = select(func.coalesce(func.sum(Refund.amount_fen), 0))
        arrived = uow.session.execute(back.where(Refund.state == RefundState.SUCCEEDED)).scalar_one()
        failed = uow.session.execute(back.where(Refund.state == RefundState.FAILED)).scalar_one()
        left = [
            func.sum(getattr(BillLine, f"{payer}_fen") - getattr(BillLine, f"refunded_{payer}_fen"))
            for payer in ("fund", "account", "cash")
        ]
        is_paid = Bill.state.in_((BillState.PAID, BillState.PARTLY_REFUNDED))
        fund, account, cash = uow.session.execute(
            select(*left).join(Bill, Bill.id == BillLine.bill_id).where(is_paid)
        ).one()
        total = fund + account + cash
        red = select(func.count()).select_from(Invoice).where(Invoice.kind == InvoiceKind.RED)
        proofs = uow.session.scalars(select(Proof)).all()
        assert uow.session.execute(red).scalar_one() >= 7
        assert proving.flaws(uow) == []
    assert sum(found.values()) == 0
    assert found[Account.IN_TRANSIT] == orders - arrived
    assert found[Account.REFUNDS_PAYABLE] == -failed < 0
    assert (found[Account.INCOME], found[Account.FUND], found[Account.PERSONAL_ACCOUNT]) == (-total, fund, account)
    assert found[Account.ADVANCE] == 0
    assert [proof.flaws for proof in proofs] == [[]] * 7
    assert all(proof.journals > 10 and proof.turnover_fen > 0 for proof in proofs)


def test_one_fen_on_one_side_is_named_by_its_journal(units: Units, week: Week) -> None:
    day(week)
    wrong = journal(units, Movement.EARN)
    only = update(Posting).where(Posting.journal_id == wrong.id, Posting.account == Account.INCOME)
    with units.open() as uow:
        uow.session.execute(only.values(amount_fen=Posting.amount_fen - 1))

    with units.open(reads_only=True) as uow:
        found = proving.flaws(uow)

    assert proving.Flaw("journal_unbalanced", wrong.id, wrong.bill_id, -1) in found
    assert named(found) == {wrong.bill_id}
    with units.open() as uow:
        uow.session.execute(only.values(amount_fen=Posting.amount_fen + 1))


DIFFERS = {
    Movement.RECEIVE: "received_differs",
    Movement.EARN: "earned_differs",
    Movement.INSURE: "insured_differs",
    Movement.UNINSURE: "uninsured_differs",
    Movement.GIVE_BACK: "given_back_differs",
    Movement.ARRIVE_BACK: "arrived_back_differs",
}


def shifted(units: Units, wrong: Journal, fen: int) -> None:
    """The journal says `fen` more on both sides, so that it still balances."""
    of_it = select(Posting.id).where(Posting.journal_id == wrong.id).order_by(Posting.id)
    with units.open() as uow:
        for side, change in ((Posting.amount_fen > 0, fen), (Posting.amount_fen < 0, -fen)):
            one = uow.session.scalars(of_it.where(side)).first()
            changed = update(Posting).where(Posting.id == one)
            uow.session.execute(changed.values(amount_fen=Posting.amount_fen + change))


def test_one_fen_on_both_sides_of_any_movement_is_named_by_journal_and_bill(units: Units, week: Week) -> None:
    day(week)

    assert set(DIFFERS) == set(Movement)
    for movement, kind in DIFFERS.items():
        wrong = journal(units, movement)
        shifted(units, wrong, 1)
        with units.open(reads_only=True) as uow:
            found = proving.flaws(uow)
        shifted(units, wrong, -1)

        assert "journal_unbalanced" not in {flaw.kind for flaw in found}
        assert [abs(flaw.off_fen) for flaw in found if (flaw.kind, flaw.journal_id) == (kind, wrong.id)] == [1]
        assert named(found) == {wrong.bill_id}


def test_money_that_was_never_booked_is_named_by_its_bill(units: Units, week: Week) -> None:
    day(week)
    lost = journal(units, Movement.RECEIVE, 2)
    with units.open() as uow:
        order = uow.session.get_one(PaymentOrder, lost.subject_id)
        uow.session.execute(delete(Posting).where(Posting.journal_id == lost.id))
        uow.session.execute(delete(Journal).where(Journal.id == lost.id))

    with units.open(reads_only=True) as uow:
        found = proving.flaws(uow)

    assert proving.Flaw("received_differs", None, order.bill_id, -order.paid_fen) in found
    assert named(found) == {order.bill_id}
    with units.open() as uow:
        followers.receive_when_received(uow, events.MoneyReceived(order.id, order.bill_id))
    forget_balances(units)


def test_the_night_writes_down_what_it_found_and_does_so_once(
    units: Units, week: Week, caplog: pytest.LogCaptureFixture
) -> None:
    day(week)
    wrong = journal(units, Movement.RECEIVE)
    one = update(Posting).where(Posting.journal_id == wrong.id, Posting.account == Account.IN_TRANSIT)
    week.clock.step(days=1)
    with units.open() as uow:
        uow.session.execute(one.values(amount_fen=Posting.amount_fen + 1))

    with units.open() as uow:
        assert [proving.prove_yesterday(uow), proving.prove_yesterday(uow)] == [1, 0]

    with units.open() as uow:
        newest = for_staff.proofs(uow)[0]
        assert ["journal_unbalanced", wrong.id, wrong.bill_id, 1] in newest.flaws
        uow.session.execute(one.values(amount_fen=Posting.amount_fen - 1))
    assert "the ledger does not hold" in caplog.text
    forget_balances(units)


@pytest.mark.skipif(not is_postgres(), reason="SQLite stops no statement")
def test_the_proof_of_years_is_not_stopped_as_a_request_would_be(
    units: Units, week: Week, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "SELECT NULL::bigint AS journal_id, NULL::bigint AS bill_id, 0 AS off_fen FROM pg_sleep(0.3) AS slept"
    monkeypatch.setitem(proving.PROOFS, "long", f"{long} WHERE slept::text = 'never'")

    def prove(prover: Callable[[Uow], object]) -> None:
        with units.open() as uow:
            uow.session.execute(text("SET LOCAL statement_timeout = '100ms'"))
            prover(uow)

    prove(proving.prove_yesterday)
    with pytest.raises(OperationalError):
        prove(proving.flaws)


def trial_balances(units: Units, week: Week, days: int) -> list[list[for_staff.Balance]]:
    with units.open(reads_only=True) as uow:
        return [for_staff.trial_balance(uow, uow.today() - timedelta(days=ago)) for ago in range(days)]


def test_from_kept_balances_every_day_looks_as_if_all_history_were_added_up(units: Units, week: Week) -> None:
    week.play(days=3, happenings=4)
    week.opens("D9")
    week.fee_paid()
    week.clock.step(days=2)
    week.drugs_taken_back()

    from_kept = trial_balances(units, week, 7)
    with units.open(reads_only=True) as uow:
        assert uow.session.scalar(select(func.count(DayBalance.day.distinct()))) == 3
    forget_balances(units)

    assert trial_balances(units, week, 7) == from_kept
    assert [len(day) > 0 for day in from_kept] == [True] * 6 + [False]


def test_a_closed_day_is_not_added_up_again_and_an_error_planted_in_it_is_found(units: Units, week: Week) -> None:
    week.play(days=2, happenings=2)
    before = balances(units)
    wrong = journal(units, Movement.EARN)

    shifted(units, wrong, 1)
    assert balances(units) == before  # nothing of the closed day was read
    week.clock.step(days=1)
    with units.open() as uow:
        assert proving.prove_yesterday(uow) == 1
        told = proving.latest_flaws(uow)
        shown = [abs(flaw.off_fen) for flaw in told if flaw.kind == KEPT]
    shifted(units, wrong, -1)

    assert named(told) == {wrong.bill_id}
    assert shown
    assert set(shown) == {1}
    forget_balances(units)


@pytest.mark.parametrize("deed", [update(DayBalance).values(amount_fen=DayBalance.amount_fen + 7), delete(DayBalance)])
def test_a_kept_balance_that_was_changed_or_taken_away_is_found(units: Units, week: Week, deed) -> None:
    week.play(days=2, happenings=1)
    with units.open() as uow:
        first = uow.session.scalars(select(DayBalance).where(DayBalance.amount_fen != 0).limit(1)).one()
        assert proving.flaws(uow) == []
        uow.session.execute(deed.where(DayBalance.id == first.id))

    with units.open(reads_only=True) as uow:
        found = proving.flaws(uow)

    off_fen = 7 if deed.is_update else -first.amount_fen
    assert found == [proving.Flaw(KEPT, None, None, off_fen)]
    forget_balances(units)


def test_a_day_is_closed_when_all_that_was_begun_before_midnight_is_at_its_end(units: Units, week: Week) -> None:
    week.clock.step(hours=14, minutes=29)
    week.drugs_paid()  # at 23:59
    week.clock.step(minutes=15)
    with units.open() as uow:
        assert proving.prove_yesterday(uow) == 1  # the day before that, on which nothing happened
        assert uow.session.scalars(select(DayBalance)).all() == []

    week.clock.step(minutes=2)
    with units.open() as uow:
        assert proving.prove_yesterday(uow) == 1
        kept = uow.session.scalars(select(DayBalance)).all()
    assert sum(row.amount_fen for row in kept) == 0
