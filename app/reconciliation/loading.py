"""A day's statement comes in: fetched into a file between two units, checked whole, then kept row by row."""

from __future__ import annotations

import itertools
import logging
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import BinaryIO

from sqlalchemy import delete, insert

from app.kernel.moves import move
from app.kernel.uow import Actor, Units
from app.reconciliation import reading, reading_alipay, reading_hospital, reading_insurer
from app.reconciliation.errors import StatementFlawed
from app.reconciliation.models import Run, StatementRow
from app.reconciliation.ports import StatementAbsent, StatementKind, StatementNotReady, StatementSource
from app.reconciliation.rows import RowIn
from app.reconciliation.states import RUN, RunAction, RunState, Source

BATCH = 2000
AGAIN = timedelta(minutes=30)  # 申请交易账单: STATEMENT_CREATING, ask again after half an hour
JOB = Actor("job", "reconciliation")
_log = logging.getLogger(__name__)
Fetch = Callable[[BinaryIO], str]
Read = Callable[[BinaryIO, str], Iterator[RowIn]]
"""The rows of a file, given the SHA1 that its sender says it has."""


def _wechat(form: reading.Form) -> Read:
    def read(file: BinaryIO, sha1: str) -> Iterator[RowIn]:
        reading.check_whole(file, sha1)
        return reading.rows_of(file, form)

    return read


READINGS: dict[Source, tuple[StatementKind, Read]] = {
    Source.WECHAT: (StatementKind.TRADE, _wechat(reading.TRADE)),
    Source.WECHAT_FUNDS: (StatementKind.FUNDS, _wechat(reading.FUNDS)),
    Source.ALIPAY: (StatementKind.TRADE, lambda file, _sha1: reading_alipay.rows_of(file)),
    Source.INSURER: (StatementKind.TRADE, lambda file, _sha1: reading_insurer.rows_of(file)),
    Source.HOSPITAL: (StatementKind.TRADE, lambda file, _sha1: reading_hospital.rows_of(file)),
}


def load(units: Units, source: StatementSource, run: Run) -> bool:
    """The run has its statement's rows; False when it must be asked for again, or cannot be believed (`refused`)."""
    kind, _ = READINGS[run.source]
    return take_in(units, run, lambda file: source.fetch(kind, run.day, file))


def take_in(units: Units, run: Run, fetch: Fetch) -> bool:
    """As `load`, with the file from anywhere: `fetch` writes it and returns the SHA1 it is said to have."""
    read = READINGS[run.source][1]
    with tempfile.TemporaryFile() as file:
        try:
            sha1 = fetch(file)
            keep(units, run, read(file, sha1))
        except StatementAbsent:
            keep(units, run, ())
        except StatementNotReady as error:
            _wait(units, run, error.code)
            return False
        except StatementFlawed as error:
            _refuse(units, run, error)
            return False
    return True


def keep(units: Units, run: Run, rows: Iterable[RowIn]) -> None:
    """The run is loaded with these rows and no others: what an earlier try left is gone.

    Kept in pieces, so that a day of any length neither fills the memory nor holds the others up.
    """
    with units.open(JOB) as uow:
        uow.session.execute(delete(StatementRow).where(StatementRow.run_id == run.id))
    count = sum_fen = 0
    remaining = iter(rows)
    while piece := list(itertools.islice(remaining, BATCH)):
        count += len(piece)
        sum_fen += sum(row.amount_fen for row in piece)
        with units.open(JOB) as uow:
            uow.session.execute(insert(StatementRow), [{"run_id": run.id, **vars(row)} for row in piece])
    with units.open(JOB) as uow:
        kept = uow.session.get_one(Run, run.id, with_for_update=True)
        if kept.state == RunState.DUE:
            move(uow, RUN, kept, RunAction.LOAD, rows_there=count, sum_there_fen=sum_fen, code="")


def _wait(units: Units, run: Run, code: str) -> None:
    with units.open(JOB) as uow:
        waits = uow.session.get_one(Run, run.id, with_for_update=True)
        waits.code, waits.due_at = code[:40].lower(), uow.now() + AGAIN


def _refuse(units: Units, run: Run, error: StatementFlawed) -> None:
    _log.warning("a statement was refused", extra={"code": error.flaw, "item": error.row_no})
    with units.open(JOB) as uow:
        uow.session.execute(delete(StatementRow).where(StatementRow.run_id == run.id))
        refused = uow.session.get_one(Run, run.id, with_for_update=True)
        move(uow, RUN, refused, RunAction.REFUSE, why=f"row {error.row_no}", code=error.flaw)
