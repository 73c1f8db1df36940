"""Proving the ledger: every night for the day that is over, and whenever somebody asks."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, literal, select, text

from app.kernel.clock import hospital_day
from app.kernel.inserts import insert_into
from app.kernel.long_runs import run_long
from app.kernel.uow import Uow
from app.ledger.models import DayBalance, Journal, Posting, Proof
from app.ledger.proofs import PROOFS

# A flood of flaws has one cause; the first hundred name it.
MOST_FLAWS = 100
# Whatever was begun before midnight, and stands on the page of the day before, is at its end by then.
CLOSED_AFTER = timedelta(minutes=15)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Flaw:
    """Something the ledger says wrong: of which journal and bill (their keys), by how many fen."""

    kind: str
    journal_id: int | None
    bill_id: int | None
    off_fen: int


def flaws(uow: Uow) -> list[Flaw]:
    """All that is wrong with the ledger at this moment, at most a hundred of each kind; nothing when it holds."""
    return [
        Flaw(kind, journal_id, bill_id, int(off_fen))
        for kind, question in PROOFS.items()
        for journal_id, bill_id, off_fen in uow.session.execute(
            text(f"SELECT journal_id, bill_id, off_fen FROM ({question}) AS found LIMIT {MOST_FLAWS}")  # noqa: S608 - our own statements
        )
    ]


def latest_flaws(uow: Uow) -> list[Flaw]:
    """What the last nightly proof found; nothing when it found nothing or there was none yet."""
    found = uow.session.scalars(select(Proof.flaws).order_by(Proof.day.desc()).limit(1)).first()
    return [Flaw(*flaw) for flaw in found or []]


def prove_yesterday(uow: Uow) -> int:
    """The day that is closed is proven, once; returns how many days that were (0 or 1). Flaws are on the log by kind.

    Its balances are kept, and all that were kept before are proven with it.
    """
    day = hospital_day(uow.now() - CLOSED_AFTER, uow.zone) - timedelta(days=1)
    if uow.session.scalar(select(Proof.id).where(Proof.day == day)) is not None:
        return 0
    run_long(uow)
    _keep_balances(uow, day)
    found = flaws(uow)
    journals, turnover_fen = turnover(uow, day)
    made = uow.session.scalar(
        insert_into(uow, Proof)
        .values(
            day=day,
            proven_at=uow.now(),
            journals=journals,
            turnover_fen=turnover_fen,
            flaws=[[flaw.kind, flaw.journal_id, flaw.bill_id, flaw.off_fen] for flaw in found],
        )
        .on_conflict_do_nothing(index_elements=["day"])
        .returning(Proof.id)
    )
    for kind in sorted({flaw.kind for flaw in found}):
        count = sum(flaw.kind == kind for flaw in found)
        _log.warning("the ledger does not hold", extra={"code": kind, "count": count})
    return 0 if made is None else 1


def _keep_balances(uow: Uow, day: date) -> None:
    """What every account held at the end of `day` is kept, added up from its first posting on; quiet when it is."""
    held = (
        select(literal(day, DayBalance.day.type), Posting.account, Posting.party, func.sum(Posting.amount_fen))
        .join(Journal, Journal.id == Posting.journal_id)
        .where(Journal.day <= day)
        .group_by(Posting.account, Posting.party)
    )
    insert = insert_into(uow, DayBalance).from_select(["day", "account", "party", "amount_fen"], held)
    uow.session.execute(insert.on_conflict_do_nothing(index_elements=["day", "account", "party"]))


def turnover(uow: Uow, day: date) -> tuple[int, int]:
    """How many journals the day has, and the fen on their debit sides."""
    row = uow.session.execute(
        select(func.count(Journal.id.distinct()), func.coalesce(func.sum(Posting.amount_fen), 0))
        .join(Posting, Posting.journal_id == Journal.id)
        .where(Journal.day == day, Posting.amount_fen > 0)
    ).one()
    return int(row[0]), int(row[1])
