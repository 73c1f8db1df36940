"""What no insurance covers is charged only after the patient agreed to it in so many words.

(医疗保障基金使用监督管理条例, art. 15.) Each agreement, and each refusal, is a row: who, when, by which words.
"""

from __future__ import annotations

from sqlalchemy import select

from app.insurance import errors
from app.insurance.covering import policy_by_code
from app.insurance.models import SelfPayChoice, SelfPayDecision, Split, SplitLine
from app.kernel import audit
from app.kernel.uow import Uow

# The version of the words on the screen that was agreed to; raised whenever they change.
WORDS_VERSION = "2026-11"


def uncovered(uow: Uow, split: Split) -> list[SplitLine]:
    """The lines of an insured patient's prescription that no insurance covers at all.

    Whoever chose a place has agreed to its fee with it, and nothing of it can be left out.
    """
    if split.prescription_id is None or not policy_by_code(uow, split.policy_code).is_insured:
        return []
    lines = uow.session.scalars(select(SplitLine).where(SplitLine.split_id == split.id).order_by(SplitLine.line_no))
    return [line for line in lines if 0 < line.amount_fen == line.full_self_fen]


def without_consent(uow: Uow, split: Split) -> list[SplitLine]:
    """The uncovered lines to which nobody has agreed yet."""
    agreed = {
        (row.line_no, row.amount_fen)
        for row in uow.session.scalars(
            select(SelfPayChoice).where(
                SelfPayChoice.prescription_id == split.prescription_id,
                SelfPayChoice.decision == SelfPayDecision.AGREED,
            )
        )
    }
    return [line for line in uncovered(uow, split) if (line.line_no, line.amount_fen) not in agreed]


def require_consent(uow: Uow, split: Split) -> None:
    """Passes when every uncovered line was agreed to; refuses `consent_missing`."""
    missing = without_consent(uow, split)
    if missing:
        raise errors.ConsentMissing(split=split.public_id, lines=[line.line_no for line in missing])


def agree(uow: Uow, split: Split) -> None:
    """Whoever acts agrees to pay the split's uncovered lines; again, it is quiet."""
    for line in without_consent(uow, split):
        keep(uow, split, line, SelfPayDecision.AGREED)


def keep(uow: Uow, split: Split, line: SplitLine, decision: SelfPayDecision) -> None:
    """What whoever acts decided about the line is on record."""
    uow.session.add(
        SelfPayChoice(
            prescription_id=split.prescription_id,
            line_no=line.line_no,
            drug_name=line.drug_name,
            amount_fen=line.amount_fen,
            decision=decision,
            words_version=WORDS_VERSION,
            decided_at=uow.now(),
            by_kind=uow.actor.kind,
            by_ref=uow.actor.ref,
        )
    )
    audit.record(
        uow, f"self_pay.{decision.value}", "split", split.public_id, line_no=line.line_no, amount_fen=line.amount_fen
    )


def declined_of(uow: Uow, prescription_id: int) -> list[SelfPayChoice]:
    """What the patient did not want of the prescription; shown to the doctor who wrote it."""
    return list(
        uow.session.scalars(
            select(SelfPayChoice)
            .where(SelfPayChoice.prescription_id == prescription_id, SelfPayChoice.decision == SelfPayDecision.DECLINED)
            .order_by(SelfPayChoice.line_no)
        )
    )
