"""Asking the insurer, between units of work: every question is due work of a row, and its answer a step of that row.

A case is given to one worker at a time by its `due_at`. The 2207 alone is never repeated: a worker that dies after
`begin` leaves the case `settling`, and when its time is over the case is `unknown` and is undone by 2601 under the
2207's own message number. How a settlement is taken back stands in `taking_back`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from app.insurance import cases, claims, service, sql, taking_back
from app.insurance.answered import Answer
from app.insurance.models import Settlement, Split
from app.insurance.ports import (
    AnswerFlawed,
    Claim,
    Insurer,
    InsurerAway,
    InsurerRefused,
    MobileCentre,
    Visit,
    for_log,
)
from app.insurance.states import GOING_BACK, SETTLEMENT, SettlementAction, SettlementState
from app.kernel.uow import Actor, Units, Uow

LEASE_SECONDS = 60
# So long before a case must be whole the patient's money goes back without waiting for the insurer any longer.
CASH_BACK_BEFORE = timedelta(minutes=2)
JOB = Actor("job", "settlement")
_S = SettlementState
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Brief:
    """What a worker needs of a case outside a unit."""

    case_id: int
    batch_no: str
    visit: Visit | None
    message_id: str


def work_due(units: Units, insurer: Insurer, centre: MobileCentre | None = None, *, limit: int = 20) -> int:
    """Every settlement whose time has come is a step further; returns how many. Job; two at once share the work."""
    with units.open(JOB) as uow:
        next_at = uow.now() + timedelta(seconds=LEASE_SECONDS)
        due = sql.claim_settlements(uow, limit=limit, next_at=next_at)
    for case_id, state in due:
        try:
            if state in GOING_BACK:
                taking_back.work(units, insurer, case_id, centre)
            else:
                _STEPS[state](units, insurer, case_id)
        except Exception:  # noqa: BLE001 - one case's trouble must not keep the others waiting
            _log.exception("settlement %d: the step from %s failed", case_id, state.value)
    return len(due)


def presettle(units: Units, insurer: Insurer, case_id: int) -> None:
    """The insurer says what it would pay (1101, 2201, 2203A, 2204, 2206), and the bill is opened by its figures."""
    with units.open(JOB) as uow:
        case = uow.session.get_one(Settlement, case_id)
        claim, visit = claims.claim_of(uow, case), claims.visit_of(uow, case)
    try:
        answer = _ask(units, insurer, case_id, claim, visit)
    except InsurerAway:
        _step(units, case_id, _S.WANTED, cases.postpone, "away")
    except InsurerRefused as no:
        _step(units, case_id, _S.WANTED, cases.refuse, str(no))
    except AnswerFlawed as flawed:
        _log.error("settlement %d: the insurer's answer must not be believed: %s", case_id, flawed.flaw)
        _step(units, case_id, _S.WANTED, cases.hold, flawed.flaw)
    else:
        _step(units, case_id, _S.WANTED, service.keep_answer, claim, answer)


def _ask(units: Units, insurer: Insurer, case_id: int, claim: Claim, visit: Visit | None) -> Answer:
    if visit is None:
        visit = _register(units, insurer, case_id, claim)
    else:  # somebody was here before and did not come to the end
        insurer.withdraw(visit, claim.batch_no)
    insurer.diagnose(visit, claim)
    graded = insurer.upload(visit, claim)
    return Answer(graded, insurer.presettle(visit, claim.batch_no, graded))


def _register(units: Units, insurer: Insurer, case_id: int, claim: Claim) -> Visit:
    person = insurer.identify(claim.certificate)
    with units.open(JOB, reads_only=True) as uow:
        patient_id = uow.session.get_one(Settlement, case_id).patient_id
        if not claims.is_patient(uow, patient_id, person):
            raise InsurerRefused("1101: the card is another person's")
    visit = insurer.register(person, claim)
    with units.open(JOB) as uow:
        cases.keep_visit(uow, cases.locked(uow, case_id), visit)
    return visit


def settle(units: Units, insurer: Insurer, case_id: int) -> None:
    """2207, once: the message number stands before the call; no answer, or a false one, leaves the case unknown."""
    with units.open(JOB) as uow:
        case = cases.locked(uow, case_id)
        if not SETTLEMENT.may(case.state, SettlementAction.BEGIN):
            return
        cases.begin(uow, case, insurer.new_message_id(), lease_seconds=LEASE_SECONDS)
        brief = _brief(uow, case)
        split = uow.session.get_one(Split, case.split_id)
        quoted = claims.answer_of(case, split, service.lines_of(uow, split.id))
    assert brief.visit is not None
    try:
        made = insurer.settle(brief.visit, brief.batch_no, quoted.lines, brief.message_id)
    except InsurerAway:
        _step(units, case_id, _S.SETTLING, cases.lose_sight)
    except InsurerRefused as no:
        _step(units, case_id, _S.SETTLING, cases.refuse, str(no))
    except AnswerFlawed as flawed:
        _log.error("settlement %d: the insurer's answer must not be believed: %s", case_id, flawed.flaw)
        _step(units, case_id, _S.SETTLING, cases.lose_sight, flawed.flaw)
    else:
        _step(units, case_id, _S.SETTLING, cases.settle, made, quoted)


def lose_sight(units: Units, _insurer: Insurer, case_id: int) -> None:
    """Whoever sent the 2207 did not live to hear the answer."""
    _step(units, case_id, _S.SETTLING, cases.lose_sight)


def undo(units: Units, insurer: Insurer, case_id: int) -> None:
    """2601 under the 2207's number; the patient's money goes back when it is done, or when it takes too long."""
    brief = _look(units, case_id)
    assert brief.visit is not None
    try:
        insurer.undo(brief.visit, brief.message_id)
    except (InsurerAway, InsurerRefused) as error:
        _log.warning("settlement %d: 2601 was not answered (%s)", case_id, for_log(error))
        with units.open(JOB) as uow:
            case = cases.locked(uow, case_id)
            if case.state is _S.UNKNOWN and _is_urgent(uow, case):
                cases.give_cash_back(uow, case)
            if case.state in {_S.UNKNOWN, _S.UNDOING}:
                cases.postpone(uow, case, "undo")
        return
    with units.open(JOB) as uow:
        case = cases.locked(uow, case_id)
        if case.state in {_S.UNKNOWN, _S.UNDOING}:
            cases.undone(uow, case)


def _is_urgent(uow: Uow, case: Settlement) -> bool:
    return case.half_until is not None and uow.now() >= case.half_until - CASH_BACK_BEFORE


def withdraw(units: Units, insurer: Insurer, case_id: int) -> None:
    """2205 and 2202 of what was uploaded and is not wanted; an insurer that knows of nothing has nothing of it."""
    brief = _look(units, case_id)
    try:
        if brief.visit is not None:
            insurer.withdraw(brief.visit, brief.batch_no)
            insurer.cancel_register(brief.visit, brief.batch_no)
    except InsurerRefused as no:
        _log.info("settlement %d: nothing to withdraw (%s)", case_id, for_log(no))
    except InsurerAway:
        return _step(units, case_id, _S.WITHDRAWING, cases.postpone, "withdraw")
    return _step(units, case_id, _S.WITHDRAWING, cases.withdrawn)


def _look(units: Units, case_id: int) -> _Brief:
    with units.open(JOB, reads_only=True) as uow:
        return _brief(uow, uow.session.get_one(Settlement, case_id))


def _brief(uow: Uow, case: Settlement) -> _Brief:
    visit = claims.visit_of(uow, case)
    return _Brief(case.id, case.batch_no, visit, case.message_id or "")


def _step(units: Units, case_id: int, state: SettlementState, step: cases.Step, *facts: object) -> None:
    """`step(uow, case, *facts)`, if the case is still in the state it was worked on in; quiet otherwise."""
    with units.open(JOB) as uow:
        case = cases.locked(uow, case_id)
        if case.state is state:
            step(uow, case, *facts)


_STEPS: dict[SettlementState, Callable[[Units, Insurer, int], None]] = {
    _S.WANTED: presettle,
    _S.DUE: settle,
    _S.SETTLING: lose_sight,
    _S.UNKNOWN: undo,
    _S.UNDOING: undo,
    _S.WITHDRAWING: withdraw,
}
