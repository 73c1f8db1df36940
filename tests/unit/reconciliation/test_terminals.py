"""The card terminals' day beside the bank's: every difference is found, and a file brought anew counts alone."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from app.kernel.errors import Refused
from app.kernel.uow import Actor, Units
from app.payment.models import CashierEntry, CashierShift, PaymentOrder, PayMethod, Refund
from app.payment.states import RefundState
from app.reconciliation import closing, service, signing, terminals
from app.reconciliation.errors import StatementRefused
from app.reconciliation.models import Case, Run, StatementRow
from app.reconciliation.reading_pos import Form
from app.reconciliation.states import CaseKind, CaseState, Outcome, RunState, Source, Subject
from config import PosStatementSettings
from tests import factories
from tests.conftest import SetClock
from tests.unit.reconciliation.planted import Day, begun
from tests.unit.reconciliation.statements import pos_file, slip

USUAL = PosStatementSettings()
FORM = Form(dict(USUAL.columns), dict(USUAL.kinds))
FINANCE = Actor("staff", "finance")


@pytest.fixture
def day(units: Units) -> Day:
    return begun(units)


def yesterday(units: Units) -> date:
    with units.open(reads_only=True) as uow:
        return uow.today() - timedelta(days=1)


def entered(day: Day, slip_no: str, at: datetime, *, fen: int = 2500, is_refund: bool = False) -> None:
    """The slip was entered at the window."""
    number = day.refund(RefundState.SUCCEEDED, at, fen=fen) if is_refund else day.order(at, fen=fen)
    shift_id = _shift(day)
    with day.units.open() as uow:
        refund = uow.session.scalars(select(Refund).where(Refund.out_refund_no == number)).first()
        order = uow.session.scalars(select(PaymentOrder).where(PaymentOrder.out_trade_no == number)).first()
        key = refund.payment_order_id if refund else order.id if order else None
        kept = uow.session.get_one(PaymentOrder, key)
        kept.provider, kept.method = "window", PayMethod.CARD
        uow.session.add(
            CashierEntry(
                shift_id=shift_id,
                payment_order_id=kept.id,
                refund_id=refund.id if refund else None,
                method=PayMethod.CARD,
                amount_fen=-fen if refund else fen,
                terminal_no="T0000001",
                slip_no=slip_no,
                made_at=at,
            )
        )


def _shift(day: Day) -> int:
    with day.units.open() as uow:
        standing = uow.session.scalars(select(CashierShift.id).order_by(CashierShift.id)).first()
        if standing is None:
            shift = CashierShift(staff_id=factories.staff(uow).id, opened_at=day.begins, float_fen=0)
            uow.session.add(shift)
            uow.session.flush()
            standing = shift.id
        return standing


def brought(units: Units, day: date, file: bytes) -> Run:
    with units.open(FINANCE) as uow:
        return terminals.take_in(uow, day=day, content=file, form=FORM)


def cases(units: Units) -> dict[str, tuple[CaseKind, CaseState]]:
    """The cases by what our books, or the bank's, call the slip: day and number."""
    with units.open(reads_only=True) as uow:
        rows = uow.session.scalars(select(Case).order_by(Case.id)).all()
        return {
            f"{'-' if case.subject is Subject.REFUND else ''}{case.number.partition('-')[2]}": (case.kind, case.state)
            for case in rows
        }


def test_every_difference_with_the_bank_is_a_case(units: Units, day: Day, clock: SetClock) -> None:
    noon, last, first = (
        day.begins + timedelta(hours=12),
        day.ends - timedelta(seconds=30),
        day.ends + timedelta(seconds=30),
    )
    for number in ("1", "000002", "3", "4"):
        entered(day, number, noon)
    entered(day, "5", first)
    entered(day, "6", last)
    entered(day, "11", noon, is_refund=True, fen=700)
    entered(day, "12", noon, is_refund=True, fen=700)
    entered(day, "7", noon - timedelta(days=1))  # a slip of the day before, of which the bank tells again today
    rows = [
        slip("000001", 2500, noon),
        slip("2", 2501, noon),
        slip("3", 2500, noon),
        slip("3", 2500, noon + timedelta(minutes=1)).replace("R3", "R33"),
        slip("5", 2500, last),
        slip("7", 2500, noon),
        slip("000011", 700, noon, kind="退货"),
    ]

    run = brought(units, yesterday(units), pos_file(rows))

    assert (run.state, run.rows_there, run.rows_here) == (RunState.MATCHED, 7, 7)
    name = f"{yesterday(units):%y%m%d}"
    found = {
        f"{name}-2": (CaseKind.AMOUNT_DIFFERS, CaseState.OPEN),
        f"{name}-3": (CaseKind.TWICE_THERE, CaseState.OPEN),
        f"{name}-4": (CaseKind.ONLY_HERE, CaseState.OPEN),
        f"{yesterday(units) + timedelta(days=1):%y%m%d}-5": (CaseKind.OTHER_DAY, CaseState.EXPLAINED),
        f"{name}-6": (CaseKind.OTHER_DAY, CaseState.WAITING),
        f"{name}-7": (CaseKind.ONLY_THERE, CaseState.OPEN),
        f"-{name}-12": (CaseKind.ONLY_HERE, CaseState.OPEN),
    }
    assert cases(units) == found

    clock.step(days=1)
    brought(units, yesterday(units), pos_file([slip("6", 2500, first)]))

    found[f"{name}-6"] = (CaseKind.OTHER_DAY, CaseState.EXPLAINED)
    assert cases(units) == found, "slip 5 was told before"


def test_a_file_brought_anew_takes_the_place_of_the_one_before(units: Units, day: Day) -> None:
    noon = day.begins + timedelta(hours=12)
    entered(day, "1", noon)
    first = brought(units, yesterday(units), pos_file([]))
    assert list(cases(units).values()) == [(CaseKind.ONLY_HERE, CaseState.OPEN)]

    again = brought(units, yesterday(units), pos_file([slip("1", 2500, noon)]))

    assert again.id == first.id
    assert list(cases(units).values()) == [(CaseKind.ONLY_HERE, CaseState.EXPLAINED)]
    with units.open(reads_only=True) as uow:
        (side,) = [side for side in closing.sides(uow, yesterday(units)) if side.source is Source.POS]
    assert (side.here, side.is_clear) == (side.there, True)
    with units.open(reads_only=True) as uow:
        assert signing.was_asked(uow, yesterday(units) - timedelta(days=1)), "of a day without cards there is no file"


def test_the_rows_that_were_brought_are_compared_again_at_once(units: Units, day: Day) -> None:
    noon = day.begins + timedelta(hours=12)
    run = brought(units, yesterday(units), pos_file([slip("1", 2500, noon)]))
    assert list(cases(units).values()) == [(CaseKind.ONLY_THERE, CaseState.OPEN)]
    entered(day, "1", noon)

    with units.open(FINANCE) as uow:
        service.compare_again(uow, public_id=run.public_id)

    assert list(cases(units).values()) == [(CaseKind.ONLY_THERE, CaseState.EXPLAINED)]


def test_what_a_bank_whose_day_ends_at_eleven_tells_a_day_later_is_missing_no_longer(
    units: Units, day: Day, clock: SetClock
) -> None:
    evening = day.ends - timedelta(minutes=30)
    entered(day, "1", evening)
    brought(units, yesterday(units), pos_file([]))
    assert list(cases(units).values()) == [(CaseKind.ONLY_HERE, CaseState.OPEN)]
    clock.step(days=1)

    brought(units, yesterday(units), pos_file([slip("1", 2500, evening)]))

    with units.open(reads_only=True) as uow:
        rows = uow.session.scalars(select(Case).order_by(Case.id)).all()
    assert [(case.kind, case.state) for case in rows] == [
        (CaseKind.ONLY_HERE, CaseState.EXPLAINED),
        (CaseKind.OTHER_DAY, CaseState.EXPLAINED),
    ]


def test_of_a_flawed_file_nothing_stays(units: Units, day: Day) -> None:
    noon = day.begins + timedelta(hours=12)
    brought(units, yesterday(units), pos_file([slip("1", 2500, noon)]))
    flawed = {
        "amount_not_valid": [slip("2", 2500, noon), slip("3", 1, noon).replace("0.01", "1e9")],
        "other_day": [slip("2", 2500, noon), slip("3", 2500, noon - timedelta(days=3))],
    }

    for flaw, rows in flawed.items():
        with pytest.raises(StatementRefused) as raised:
            brought(units, yesterday(units), pos_file(rows))
        assert (raised.value.facts["flaw"], raised.value.facts["line"]) == (flaw, 4)
        with pytest.raises(StatementRefused):
            brought(units, yesterday(units) - timedelta(days=1), pos_file(rows))

    with units.open(reads_only=True) as uow:
        assert uow.session.scalars(select(StatementRow.number)).all() == [f"PT0000001-{yesterday(units):%y%m%d}-1"]
        assert uow.session.scalar(select(func.count()).select_from(Run)) == 1
    with pytest.raises(Refused, match="day_not_over"):
        brought(units, yesterday(units) + timedelta(days=1), pos_file([]))


def test_two_files_brought_at_once_leave_the_rows_of_one(units: Units, day: Day) -> None:
    noon, together = day.begins + timedelta(hours=12), Barrier(4)
    files = [pos_file([slip(str(1 + 2 * nth), 2500, noon), slip(str(2 + 2 * nth), 2500, noon)]) for nth in range(4)]

    def bring(file: bytes) -> int:
        together.wait()
        return brought(units, yesterday(units), file).rows_there

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(bring, files)) == [2, 2, 2, 2]

    with units.open(reads_only=True) as uow:
        numbers = uow.session.scalars(select(StatementRow.number).order_by(StatementRow.row_no)).all()
        standing = select(Case.number).where(Case.state == CaseState.OPEN).order_by(Case.number)
        assert list(uow.session.scalars(standing)) == sorted(numbers)
    last = [int(number.rpartition("-")[2]) for number in numbers]
    assert last in [[1, 2], [3, 4], [5, 6], [7, 8]]


@pytest.mark.skipif(os.environ.get("MENZHEN_TEST_DATABASE") != "postgresql", reason="SQLite has one writer at a time")
def test_without_the_runs_lock_the_same_race_fails(units: Units, day: Day) -> None:
    """The control: whoever empties the run and fills it without holding it meets the other's rows."""
    run, together = brought(units, yesterday(units), pos_file([])), Barrier(2)
    row = {"run_id": run.id, "row_no": 1, "subject": Subject.PAYMENT, "number": "P", "foreign_no": "R"}
    told = {"amount_fen": 1, "at": day.begins, "outcome": Outcome.DONE}

    def empty_then_fill(_: int) -> str:
        try:
            with units.open() as uow:
                uow.session.execute(delete(StatementRow).where(StatementRow.run_id == run.id))
                together.wait()
                uow.session.execute(insert(StatementRow), [row | told])
        except IntegrityError:
            return "twice"
        return ""

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(empty_then_fill, range(2))) == ["", "twice"]
    brought(units, yesterday(units), pos_file([]))
