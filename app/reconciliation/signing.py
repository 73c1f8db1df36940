"""Signing a day off 日结签字: for which totals it was given stays as it is; what changes later is a correction."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from app.identity.models import Staff
from app.kernel import audit
from app.kernel.errors import NotFound
from app.kernel.ids import new_public_id
from app.kernel.inserts import insert_into
from app.kernel.uow import Uow
from app.reconciliation import closing, totals
from app.reconciliation.closing import Drawer, Side
from app.reconciliation.errors import CasesOpen, DayNotCompared, DayNotOver, DaySigned, DrawersOff
from app.reconciliation.models import Case, DaySignature, Run
from app.reconciliation.states import Source
from app.reconciliation.totals import Change, Totals

# For so long what changes on a signed day is carried to the next one that is signed.
DAYS_CARRIED = 31


@dataclass(frozen=True)
class Correction:
    """What changed on a day after it was signed off, and is in no other day's signature yet."""

    day: date
    changes: list[Change]


def sign(uow: Uow, *, day: date, note: str = "") -> DaySignature:
    """The asking person signs the day off for the totals that stand now; done once for a day.

    Refuses `day_not_over`, `day_signed`, `day_not_compared`, `cases_open`, and `drawers_off` where a drawer is off and
    no note says why.
    """
    if day >= uow.today():
        raise DayNotOver(day=day.isoformat())
    # Whoever compares a run of the day anew comes before this or after it.
    uow.session.scalars(select(Run).where(Run.day == day).order_by(Run.id).with_for_update()).all()
    if of_day(uow, day) is not None:
        raise DaySigned(day=day.isoformat())
    off_fen = _refuse_unless_ready(uow, day, note.strip())
    signer = uow.session.get_one(Staff, uow.actor.id)
    facts: dict[str, Any] = {
        "day": day,
        "signed_by": signer.id,
        "signed_name": signer.name,
        "signed_at": uow.now(),
        "note": note.strip()[:200],
        "drawers_off_fen": off_fen,
        "totals": totals.of_day(uow, day),
        "left_open": [_left(*row) for row in closing.cases(uow, day) if row[0].state in closing.PENDING],
        "carried": [_carried(each) for each in corrections(uow, day)],
    }
    return _keep(uow, facts)


def of_day(uow: Uow, day: date) -> DaySignature | None:
    """The day's signature; None when nobody has signed it off."""
    return uow.session.scalars(select(DaySignature).where(DaySignature.day == day)).first()


def signed(uow: Uow, day: date) -> DaySignature:
    """The day's signature; else NotFound."""
    found = of_day(uow, day)
    if found is None:
        raise NotFound
    return found


def points(uow: Uow, day: date) -> tuple[list[Side], list[Drawer]]:
    """Who keeps the day from being signed off: sides not compared or with unexplained cases, drawers not counted."""
    sides = closing.sides(uow, day)
    awaited = [side for side in sides if not side.is_compared or side.unexplained]
    return awaited, [drawer for drawer in closing.drawers(uow, day) if drawer.shifts_open]


def was_asked(uow: Uow, day: date) -> bool:
    """True when the morning's comparing has begun for the day, or when this house asks nobody.

    What the office brings by hand is asked of nobody, and does not come on a day on which nothing happened.
    """
    asked = select(Run.id).where(Run.source != Source.POS).limit(1)
    return uow.session.scalar(asked) is None or uow.session.scalar(asked.where(Run.day == day)) is not None


def figures(kept: dict[str, Any]) -> Totals:
    """Totals as they were before a row kept them."""
    return {what: (int(count), int(fen)) for what, (count, fen) in kept.items()}


def changed_since(uow: Uow, signature: DaySignature) -> list[Change]:
    """What the signed day's figures are now, where they are others than it was signed for."""
    return totals.changes(figures(signature.totals), totals.of_day(uow, signature.day))


def corrections(uow: Uow, day: date) -> list[Correction]:
    """What the day has to carry of those before it: what changed on them since they were signed, oldest first.

    A signed day carries what its signature says; one that is not, what is in no signature yet of the unbroken row of
    signed days before it.
    """
    signature = of_day(uow, day)
    if signature is not None:
        return [_correction(each) for each in signature.carried]
    signatures = _row_before(uow, day)
    found = (
        Correction(each.day, totals.changes(_known(each, signatures), totals.of_day(uow, each.day)))
        for each in signatures
    )
    return [each for each in found if each.changes]


def digest_of(facts: dict[str, Any]) -> str:
    """The SHA-256 of all that a signature says."""
    named = {name: facts[name] for name in _SIGNED_FOR}
    text = json.dumps(named, default=str, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def is_as_signed(signature: DaySignature) -> bool:
    """True when the row says what it said when it was written."""
    return digest_of(vars(signature)) == signature.digest


_SIGNED_FOR = ("day", "signed_by", "signed_name", "note", "drawers_off_fen", "totals", "left_open", "carried")


def _refuse_unless_ready(uow: Uow, day: date, note: str) -> int:
    """By how much the drawers were off, when nothing keeps the day from being signed off."""
    sides, uncounted = points(uow, day)
    waits = [side.source.value for side in sides if not side.is_compared]
    waits += [drawer.method.value for drawer in uncounted]
    if waits or not was_asked(uow, day):
        raise DayNotCompared(sides=waits)
    if sides:
        raise CasesOpen(count=sum(side.unexplained for side in sides))
    off_fen = sum(drawer.counted_off_fen for drawer in closing.drawers(uow, day))
    if off_fen and not note:
        raise DrawersOff(off_fen=off_fen)
    return off_fen


def _keep(uow: Uow, facts: dict[str, Any]) -> DaySignature:
    """Of two that sign at once one finds the day signed."""
    digest, public_id = digest_of(facts), new_public_id()
    made = uow.session.scalars(
        insert_into(uow, DaySignature)
        .values(public_id=public_id, digest=digest, **facts)
        .on_conflict_do_nothing(index_elements=["day"])
        .returning(DaySignature)
    ).first()
    if made is None:
        raise DaySigned(day=facts["day"].isoformat())
    day = facts["day"].isoformat()
    audit.record(uow, "reconciliation.sign", "day_signature", public_id, day=day, digest=digest)
    return made


def _left(case: Case, run: Run) -> dict[str, Any]:
    return {
        "case": case.public_id,
        "source": run.source.value,
        "subject": case.subject.value,
        "kind": case.kind.value,
        "here_fen": case.here_fen,
        "there_fen": case.there_fen,
        "note": case.note,
    }


def _carried(correction: Correction) -> dict[str, Any]:
    return {"day": correction.day.isoformat(), "changes": [[*change] for change in correction.changes]}


def _correction(kept: dict[str, Any]) -> Correction:
    rows = [Change(what, tuple(was), tuple(now)) for what, was, now in kept["changes"]]
    return Correction(date.fromisoformat(kept["day"]), rows)


def _row_before(uow: Uow, day: date) -> list[DaySignature]:
    """The signed days right before the day, without a gap, oldest first."""
    rows = uow.session.scalars(
        select(DaySignature)
        .where(DaySignature.day < day, DaySignature.day >= day - timedelta(days=DAYS_CARRIED))
        .order_by(DaySignature.day.desc())
    )
    found = [each for back, each in enumerate(rows, 1) if each.day == day - timedelta(days=back)]
    return found[::-1]


def _known(signature: DaySignature, signatures: list[DaySignature]) -> Totals:
    """The day's totals as the last signature knew them that says something of it."""
    known = figures(signature.totals)
    for later in signatures:
        for each in map(_correction, later.carried):
            if each.day == signature.day:
                known |= {change.what: change.now for change in each.changes}
    return known
