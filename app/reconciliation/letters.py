"""A booking that the hospital system says it does not have: the letter that told it goes out once more, on a click.

The same bytes under the same control id (MSH-10) make a second time quiet there, so nothing can be booked twice by it.
"""

from __future__ import annotations

from sqlalchemy import select

from app.kernel import audit, outbox
from app.kernel.moves import move
from app.kernel.outbox import OutboxItem, OutboxState
from app.kernel.uow import Uow
from app.payment.models import Bill, Refund
from app.reconciliation.errors import NotResendable
from app.reconciliation.models import Case, Run
from app.reconciliation.states import CASE, RUN, CaseAction, CaseKind, CaseState, RunAction, RunState, Source, Subject

TOPIC = "hospital"
_MISSING = (Run.source == Source.HOSPITAL, Case.kind == CaseKind.ONLY_HERE)


def letter_of(uow: Uow, case: Case, run: Run) -> OutboxItem | None:
    """The letter that told the hospital system; None for a case that is about no such letter."""
    if run.source is not Source.HOSPITAL or case.kind is not CaseKind.ONLY_HERE:
        return None
    if case.subject is Subject.REFUND:
        key = uow.session.scalar(select(Refund.id).where(Refund.public_id == case.number))
        event = "RefundSucceeded"
    else:
        key = uow.session.scalar(select(Bill.id).where(Bill.public_id == case.number))
        event = "BillPaid"
    wanted = select(OutboxItem).where(OutboxItem.topic == TOPIC, OutboxItem.key == f"{event}:{key}")
    return uow.session.scalars(wanted).first()


def resend(uow: Uow, case: Case) -> None:
    """The letter is told once more, and its case waits for the hospital system's statement.

    Refuses `not_resendable`, and `illegal_move` for a case that is not open.
    """
    run = uow.session.get_one(Run, case.run_id)
    letter = letter_of(uow, case, run)
    if letter is None:
        raise NotResendable(case=case.public_id)
    move(uow, CASE, case, CaseAction.RESEND)
    outbox.tell_again(uow, letter.id)
    audit.record(uow, "reconciliation.resend", "outbox", letter.key, case=case.public_id)


def wait_for_answers(uow: Uow, run: Run) -> int:
    """What is missing there because its letter is still on its way is no case for a person yet; returns how many."""
    wanted = (Case.run_id == run.id, Case.state == CaseState.OPEN, *_MISSING)
    waits = 0
    for case in uow.session.scalars(select(Case).join(Run, Run.id == Case.run_id).where(*wanted)):
        letter = letter_of(uow, case, run)
        if letter is not None and letter.state in (OutboxState.WAITING, OutboxState.SENDING):
            move(uow, CASE, case, CaseAction.WAIT)
            waits += 1
    return waits


def follow(uow: Uow) -> None:
    """Whose letter was answered is looked for in the day's statement once more; whose letter died is open again."""
    rows = uow.session.execute(
        select(Case, Run).join(Run, Run.id == Case.run_id).where(Case.state == CaseState.WAITING, *_MISSING)
    ).all()
    for case, run in rows:
        letter = letter_of(uow, case, run)
        if letter is None or letter.state == OutboxState.DEAD:
            move(uow, CASE, case, CaseAction.MISS)
        elif letter.state == OutboxState.SENT and run.state == RunState.MATCHED:
            move(uow, RUN, run, RunAction.COMPARE_AGAIN, due_at=uow.now(), code="")
