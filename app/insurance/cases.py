"""A settlement's way through the saga: each function is one step, in the unit of whoever takes it.

Asked and pre-settled while the bill waits for its money, settled (2207) once the patient's part is in, and
brought back to where nothing is charged whenever one of the two cannot be had.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from app.events import SettlementFailed, SettlementMade, SplitSettled
from app.insurance import claims, errors, sql, subjects
from app.insurance.answered import Answer
from app.insurance.models import Coverage, Settlement, Split, SplitSource
from app.insurance.ports import Sums, Visit
from app.insurance.states import (
    GOING_BACK,
    OVER,
    SETTLEMENT,
    SPLIT,
    SettlementAction,
    SettlementState,
    SplitAction,
    SplitState,
)
from app.insurance.subjects import Subject
from app.kernel import audit
from app.kernel.ids import new_public_id
from app.kernel.moves import move
from app.kernel.uow import Uow

HALF_DONE_AT_MOST = timedelta(minutes=5)
BACK_OFF_SECONDS = (5, 10, 20, 30, 60, 120, 300)
CHANGED = "figures_changed"
# A 2207 that can neither be believed nor be found wanting by an identity: nobody need look, a new try is asked anew.
QUIET_FLAWS = ("", CHANGED)
_S, _A = SettlementState, SettlementAction
Step = Callable[..., None]
"""What is done to a settlement in the unit that holds it: `step(uow, case, *facts)`."""


def open_case(uow: Uow, subject: Subject, coverage: Coverage) -> Settlement:
    """The insurer is to be asked what it would pay; a subject that has a settlement under way keeps it."""
    standing = live_of(uow, subject)
    if standing is not None:
        return standing
    public_id, now = new_public_id(), uow.now()
    case = Settlement(
        public_id=public_id,
        patient_id=subject.patient_id,
        coverage_id=coverage.id,
        coverage_version=coverage.version,
        batch_no=new_public_id(),
        due_at=now,
        asked_at=now,
        **subjects.key_of(subject),
    )
    uow.session.add(case)
    uow.session.flush()
    audit.record(uow, "settlement.ask", "settlement", public_id)
    return case


def live_of(uow: Uow, subject: Subject) -> Settlement | None:
    """The subject's settlement that is under way or made; None when there is none, or no longer."""
    gone = (*OVER, _S.UNDOING, *GOING_BACK)
    return uow.session.scalars(
        select(Settlement).where(subjects.is_for(Settlement, subject), Settlement.state.not_in(gone))
    ).first()


def newest_of(uow: Uow, subject: Subject) -> Settlement | None:
    """The latest try to settle the subject, however it ended; None when the insurer was never asked."""
    return uow.session.scalars(
        select(Settlement).where(subjects.is_for(Settlement, subject)).order_by(Settlement.id.desc()).limit(1)
    ).first()


def of_split(uow: Uow, split_id: int) -> Settlement | None:
    """The settlement whose figures the split holds; None for our own estimate."""
    return uow.session.scalars(select(Settlement).where(Settlement.split_id == split_id)).first()


def locked(uow: Uow, case_id: int) -> Settlement:
    """The settlement as it stands, held until this unit is finished, and before it what it is for."""
    subjects.lock_subject_of_case(uow, case_id)
    return uow.session.get_one(Settlement, case_id, with_for_update=True, populate_existing=True)


def is_fresh(uow: Uow, split: Split) -> bool:
    """True while the insurer's figures may be asked for: pre-settled, and nothing of the coverage used since."""
    case = of_split(uow, split.id)
    if case is None or case.state is not _S.PRESETTLED or split.state is not SplitState.MADE:
        return False
    return split.year == uow.today().year and _version(uow, case) == case.coverage_version


def _version(uow: Uow, case: Settlement) -> int | None:
    return uow.session.scalar(select(Coverage.version).where(Coverage.id == case.coverage_id))


def presettled(uow: Uow, case: Settlement, split: Split) -> None:
    """The insurer's figures stand as `split`; the patient may pay."""
    version = _version(uow, case)
    move(
        uow,
        SETTLEMENT,
        case,
        _A.PRESETTLE,
        split_id=split.id,
        presettled_at=uow.now(),
        coverage_version=version,
        tries=0,
        flaw="",
    )
    audit.record(uow, "settlement.presettle", "settlement", case.public_id, fund_fen=split.fund_fen)


def take_cash(uow: Uow, split_id: int) -> None:
    """The patient's part is in: insurance's part is due. Figures that stand no longer fail at once."""
    case = of_split(uow, split_id)
    case = locked(uow, case.id) if case else None
    if case is None or case.state is not _S.PRESETTLED:
        split = uow.session.get_one(Split, split_id)
        number = case.id if case else 0
        uow.publish(SettlementFailed(number, split_id, *subjects.named(split), split.patient_id))
        return
    now = uow.now()
    move(uow, SETTLEMENT, case, _A.TAKE_CASH, due_at=now, half_until=now + HALF_DONE_AT_MOST, tries=0)


def begin(uow: Uow, case: Settlement, message_id: str, *, lease_seconds: int) -> None:
    """The one 2207 of this batch is about to be sent under `message_id`; nobody sends it again."""
    due_at = uow.now() + timedelta(seconds=lease_seconds)
    move(uow, SETTLEMENT, case, _A.BEGIN, message_id=message_id, due_at=due_at)


def settle(uow: Uow, case: Settlement, sums: Sums, quoted: Answer) -> None:
    """The 2207 was answered: settled when it says what the patient was shown, else it is to be undone.

    A settlement whose subject fell meanwhile is taken back at once.
    """
    if replace(sums, setl_id="", ratio_bp=0) != quoted.sums:
        lose_sight(uow, case, CHANGED)
        return
    split = uow.session.get_one(Split, case.split_id)
    settled_at = sums.settled_at or uow.now()
    move(uow, SETTLEMENT, case, _A.SETTLE, setl_id=sums.setl_id, settled_at=settled_at, flaw="")
    audit.record(uow, "settlement.settle", "settlement", case.public_id, fund_fen=split.fund_fen)
    if case.is_unwanted:
        reverse(uow, case)
        return
    move(uow, SPLIT, split, SplitAction.SETTLE)
    sql.note_used(uow, case.coverage_id, split)
    named = subjects.named(case)
    uow.publish(SplitSettled(split.id, *named, case.patient_id))
    uow.publish(SettlementMade(case.id, split.id, *named, case.patient_id, *_payers(split)))


def lose_sight(uow: Uow, case: Settlement, flaw: str = "") -> None:
    """Nobody can say what became of the 2207, or its answer must not be believed: it is to be undone (2601)."""
    move(uow, SETTLEMENT, case, _A.LOSE_SIGHT, due_at=uow.now(), tries=0, flaw=flaw)
    audit.record(uow, "settlement.lose_sight", "settlement", case.public_id, outcome=flaw or "no_answer")


def give_cash_back(uow: Uow, case: Settlement) -> None:
    """The insurer does not answer in time: the patient's money goes back now, the 2207 is undone when it answers."""
    move(uow, SETTLEMENT, case, _A.GIVE_CASH_BACK)
    _fail(uow, case)


def undone(uow: Uow, case: Settlement) -> None:
    """Whatever the 2207 did is not any more; an answer that broke an identity stays on the staff's list."""
    is_told = case.state is _S.UNDOING
    action = _A.FINISH_REVERSE if case.flaw in QUIET_FLAWS else _A.HOLD
    move(uow, SETTLEMENT, case, action, setl_id=None)
    if not is_told:
        _fail(uow, case)


def refuse(uow: Uow, case: Settlement, flaw: str) -> None:
    """The insurer said no; a patient who had paid gets the money back."""
    had_paid = case.state is _S.SETTLING
    move(uow, SETTLEMENT, case, _A.REFUSE, flaw=flaw[:60])
    audit.record(uow, "settlement.refuse", "settlement", case.public_id, outcome=flaw[:60])
    if had_paid:
        _fail(uow, case)


def hold(uow: Uow, case: Settlement, flaw: str) -> None:
    """The insurer's answer must not be believed (`flaw`); nothing is charged and a person looks."""
    move(uow, SETTLEMENT, case, _A.HOLD, flaw=flaw[:60])
    audit.record(uow, "settlement.hold", "settlement", case.public_id, outcome=flaw[:60])


def _fail(uow: Uow, case: Settlement) -> None:
    split = uow.session.get_one(Split, case.split_id)
    if SPLIT.may(split.state, SplitAction.VOID):
        move(uow, SPLIT, split, SplitAction.VOID, why=case.flaw or "not_settled")
    if not case.is_unwanted or case.root_split_id is not None:
        uow.publish(SettlementFailed(case.id, split.id, *subjects.named(case), case.patient_id))


def reverse(uow: Uow, case: Settlement) -> None:
    """The settlement is to be taken back at the insurer (2208)."""
    move(uow, SETTLEMENT, case, _A.REVERSE, due_at=uow.now(), tries=0)


def let_go(uow: Uow, case: Settlement) -> None:
    """The settlement is wanted no longer: what was uploaded is withdrawn, what was settled is taken back.

    A 2207 that is on its way is waited for, and taken back when it comes; one that is undone already is quiet.
    """
    if SETTLEMENT.may(case.state, _A.LET_GO):
        # Whoever is asking the insurer at this moment has until the row's time to write down what it said.
        due_at = max(case.due_at, uow.now()) if case.state is _S.WANTED else uow.now()
        move(uow, SETTLEMENT, case, _A.LET_GO, due_at=due_at, tries=0)
    elif case.state is _S.SETTLED:
        reverse(uow, case)
    elif case.state in {_S.SETTLING, _S.UNKNOWN}:
        case.is_unwanted = True


def withdrawn(uow: Uow, case: Settlement) -> None:
    """Nothing of the case is with the insurer any more."""
    move(uow, SETTLEMENT, case, _A.WITHDRAW)


def keep_visit(uow: Uow, case: Settlement, visit: Visit) -> None:
    """The insurer has the visit on its file."""
    claims.keep_visit(uow, case, visit)


def postpone(uow: Uow, case: Settlement, why: str) -> None:
    """The case is tried again later; `why` is a code for the staff's list."""
    wait = BACK_OFF_SECONDS[min(case.tries, len(BACK_OFF_SECONDS) - 1)]
    case.tries += 1
    case.due_at = uow.now() + timedelta(seconds=wait)
    if case.state is _S.WANTED:
        case.flaw = why[:60]


def require_ready(uow: Uow, split: Split) -> None:
    """Refuses `split_changed` when the insurer's figures must be asked for anew before anybody pays by them."""
    if split.source is SplitSource.INSURER and not is_fresh(uow, split):
        raise errors.SplitChanged(split=split.public_id)


def _payers(split: Split) -> tuple[int, int, int, int]:
    return split.fund_fen, split.other_fen, split.account_fen, split.cash_fen
