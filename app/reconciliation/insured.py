"""The insurer's statement of a day: totals first (3201), and where they differ settlement by settlement (3202).

The insurer sends no list of its own; it says how our list differs from it. What it says is laid over our list, and the
result is kept and matched like any other statement.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import BinaryIO

from sqlalchemy import ColumnElement, func, or_, select

from app.insurance import claims
from app.insurance.models import Settlement, Split
from app.insurance.states import SettlementState
from app.kernel.clock import at_hospital
from app.kernel.uow import Actor, Units, Uow
from app.reconciliation import reading_insurer as reading
from app.reconciliation.ports import DayTotals, InsurerAccounts, Settled, StatementKind
from app.reconciliation.reading_insurer import Difference, Verdict
from app.reconciliation.states import Outcome

# 险种 of the two basic insurances, asked about on days on which we settled none of them, too.
BASIC_INSURANCES = ("310", "390")
PIECE = 500
JOB = Actor("job", "reconciliation")
_IS_SETTLED = Settlement.state == SettlementState.SETTLED
INSURED_FEN = Split.fund_fen + Split.other_fen + Split.account_fen


class InsurerStatement:
    """A statement source that asks the insurer; `fetch` opens units of its own and calls between them."""

    def __init__(self, units: Units, insurer: InsurerAccounts) -> None:
        """Nothing is asked yet."""
        self._units = units
        self._insurer = insurer

    def fetch(self, _kind: StatementKind, day: date, into: BinaryIO) -> str:
        """Every settlement of the day as the insurer has it stands in `into` (see `reading_insurer`)."""
        with self._units.open(JOB, reads_only=True) as uow:
            totals = totals_of(uow, day)
        differing = [each for each in totals if not self._insurer.is_equal(each)]
        told = self._differences(day, totals) if differing else []
        with self._units.open(JOB, reads_only=True) as uow:
            begins, _ = _bounds(uow, day)
            reading.write(into, _laid_over(uow, day, told))
            if differing and not told:
                reading.write(into, [(each.insutype, each.insutype, 0, begins, Outcome.DISPUTED) for each in differing])
        return ""

    def _differences(self, day: date, totals: list[DayTotals]) -> list[Difference]:
        names = ("count", "total_fen", "fund_fen", "account_fen", "cash_fen")
        whole = DayTotals(day, "", *(sum(getattr(each, name) for each in totals) for name in names))
        with tempfile.TemporaryFile() as packed, tempfile.TemporaryFile() as answer:
            with self._units.open(JOB, reads_only=True) as uow:
                self._insurer.pack(_settled(uow, day), packed)
            self._insurer.differences(whole, packed, answer)
            return [each for each in reading.differences(answer) if each.verdict is not Verdict.EQUAL]


def totals_of(uow: Uow, day: date) -> list[DayTotals]:
    """What stands settled of the day, by kind of insurance, the basic ones always."""
    columns = (Split.total_fen, Split.fund_fen + Split.other_fen, Split.account_fen, Split.cash_fen)
    rows = uow.session.execute(
        select(Settlement.insutype, func.count(), *(func.sum(column) for column in columns))
        .join(Split, Split.id == Settlement.split_id)
        .where(_IS_SETTLED, *_on_day(uow, day))
        .group_by(Settlement.insutype)
    )
    found = {row[0]: DayTotals(day, row[0], *(int(figure) for figure in row[1:])) for row in rows}
    return [found.get(kind) or DayTotals(day, kind) for kind in sorted({*BASIC_INSURANCES, *found})]


def _on_day(uow: Uow, day: date) -> tuple[ColumnElement[bool], ...]:
    begins, ends = _bounds(uow, day)
    return Settlement.settled_at >= begins, Settlement.settled_at < ends


def _bounds(uow: Uow, day: date) -> tuple[datetime, datetime]:
    return at_hospital(day, time(0), uow.zone), at_hospital(day + timedelta(days=1), time(0), uow.zone)


def _settled(uow: Uow, day: date) -> Iterator[Settled]:
    """The day's settlements with the insurer's number of each person, which is for the insurer only."""
    rows = uow.session.execute(
        select(Settlement, Split)
        .join(Split, Split.id == Settlement.split_id)
        .where(_IS_SETTLED, *_on_day(uow, day))
        .order_by(Settlement.id)
        .execution_options(yield_per=PIECE)
    )
    for case, split in rows:
        yield Settled(
            setl_id=case.setl_id or "",
            mdtrt_id=case.mdtrt_id,
            psn_no=claims.psn_no_of(uow, case),
            total_fen=split.total_fen,
            fund_fen=split.fund_fen + split.other_fen,
            account_fen=split.account_fen,
        )


def _laid_over(uow: Uow, day: date, told: list[Difference]) -> Iterator[reading.Line]:
    """Our settlements as the insurer has them: without those it does not know, with those that only it knows."""
    differing = {each.setl_id: each for each in told}
    rows = uow.session.execute(
        select(Settlement.batch_no, Settlement.setl_id, INSURED_FEN, Settlement.settled_at)
        .join(Split, Split.id == Settlement.split_id)
        .where(_IS_SETTLED, *_on_day(uow, day))
        .order_by(Settlement.id)
        .execution_options(yield_per=PIECE)
    )
    for batch_no, setl_id, fen, at in rows:
        assert setl_id is not None
        assert at is not None
        said = differing.pop(setl_id, None)
        if said is None:
            yield batch_no, setl_id, fen, at, Outcome.DONE
        elif said.verdict is not Verdict.ONLY_HERE:
            is_told = said.insured_fen != fen
            yield batch_no, setl_id, said.insured_fen, at, Outcome.DONE if is_told else Outcome.DISPUTED
    begins, _ = _bounds(uow, day)
    ours = _batches(uow, differing.values())
    for said in differing.values():
        number = ours.get(said.setl_id) or ours.get(said.message_id) or said.setl_id
        yield number, said.setl_id, said.insured_fen, begins, Outcome.DONE


def _batches(uow: Uow, told: Iterable[Difference]) -> dict[str, str]:
    """Which of our settlements, however they ended here, the insurer speaks of: its numbers to our batch's."""
    told = list(told)
    rows = uow.session.execute(
        select(Settlement.batch_no, Settlement.setl_id, Settlement.message_id).where(
            or_(
                Settlement.setl_id.in_([each.setl_id for each in told]),
                Settlement.message_id.in_([each.message_id for each in told if each.message_id]),
            )
        )
    )
    return {number: batch_no for batch_no, *numbers in rows for number in numbers if number}
