"""Reconciliation: each day's runs with both sides' figures, the cases that need a person, and one case with its end."""

from __future__ import annotations

from flask import flash, redirect, url_for
from flask_babel import gettext

from app.kernel import audit
from app.kernel.money import yuan_text
from app.kernel.outbox import OutboxItem
from app.reconciliation import for_staff, letters, service
from app.reconciliation.models import Case, Run
from app.reconciliation.states import CASE, RUN, CaseAction, CaseState, RunAction, RunState
from app.web import edge, show_work, work
from app.web.staff import AUDITOR, FINANCE, OPERATIONS, PLACE, blueprint
from app.web.staff import reconciliation_words as words
from app.web.staff.lists import before_id, field, paging


@blueprint.get("/reconciliation")
@work.needs(OPERATIONS, FINANCE, AUDITOR)
def reconciliation() -> edge.Answer:
    """The runs of the last days and the work list, or the cases in the state that is asked for."""
    uow = edge.current_uow()
    asked = work.one_of(work.asked("state", 16), CaseState)
    rows = for_staff.cases(uow, CaseState(asked) if asked else None, before_id=before_id())
    states = [("", gettext("未结束")), *((state.value, str(text)) for state, (_, text) in words.CASE_STATES.items())]
    return work.page(
        "staff/reconciliation.html",
        PLACE,
        runs=[_run(*row) for row in for_staff.runs(uow)],
        cases=[_case(case, run) for case, run in rows],
        day_href=url_for("staff.day_end"),
        filters=[field("state", gettext("状态"), options=states)],
        paging=paging([case for case, _ in rows]),
        may_act=FINANCE in edge.actor().roles,
    )


@blueprint.get("/reconciliation/cases/<case_id>")
@work.needs(OPERATIONS, FINANCE, AUDITOR)
def reconciliation_case(case_id: str) -> edge.Answer:
    """One case: both sides, what to do next, what became of it; that it was looked at is on record."""
    uow = edge.current_uow()
    case = service.case_named(uow, case_id)
    audit.record(uow, "reconciliation.read", "reconciliation_case", case.public_id)
    run = for_staff.run_of_case(uow, case)
    is_finance = FINANCE in edge.actor().roles
    may_close = is_finance and CASE.may(case.state, CaseAction.CLOSE)
    letter = letters.letter_of(uow, case, run)
    may_compare = is_finance and case.state in for_staff.PENDING and RUN.may(run.state, RunAction.COMPARE_AGAIN)
    may_resend = is_finance and letter is not None and CASE.may(case.state, CaseAction.RESEND)
    return work.page(
        "staff/reconciliation_case.html",
        PLACE,
        kind=str(words.KINDS[case.kind]),
        tag=_tag(words.CASE_STATES[case.state]),
        next_step=words.next_step(run.source, case.kind) if case.state in for_staff.PENDING else "",
        facts=[*_facts(case, run), *_letter(letter)],
        history=[
            [show_work.exact(move.moved_at), str(words.CASE_STATES[CaseState(move.to_state)][1]), move.by_kind]
            for move in for_staff.history(uow, case)
        ],
        close_href=url_for("staff.close_case", case_id=case.public_id) if may_close else "",
        leave_href=url_for("staff.leave_case", case_id=case.public_id),
        resend_href=url_for("staff.resend_booking", case_id=case.public_id) if may_resend else "",
        compare_href=url_for("staff.compare_again", run_id=run.public_id) if may_compare else "",
    )


@blueprint.post("/reconciliation/cases/<case_id>/close")
@work.needs(FINANCE)
def close_case(case_id: str) -> edge.Answer:
    """A person is done with the case; refuses `note_required`, `illegal_move`."""
    service.close(edge.current_uow(), public_id=case_id, note=work.typed("note", 200))
    flash(gettext("差错已处理"), "ok")
    return redirect(url_for("staff.reconciliation"))


@blueprint.post("/reconciliation/cases/<case_id>/resend")
@work.needs(FINANCE)
def resend_booking(case_id: str) -> edge.Answer:
    """The letter that the hospital system does not have goes out again; refuses `not_resendable`, `illegal_move`."""
    uow = edge.current_uow()
    letters.resend(uow, service.case_named(uow, case_id))
    flash(gettext("已重新发送，医院系统收到后自动重新核对"), "ok")
    return redirect(url_for("staff.reconciliation_case", case_id=case_id))


@blueprint.post("/reconciliation/runs/<run_id>/compare")
@work.needs(FINANCE)
def compare_again(run_id: str) -> edge.Answer:
    """A day that was compared is asked for and compared anew; refuses `illegal_move`."""
    run = service.compare_again(edge.current_uow(), public_id=run_id)
    flash(gettext("将重新核对"), "ok")
    return redirect(url_for("staff.day_end", day=run.day.isoformat()))


@blueprint.post("/reconciliation/runs/<run_id>/again")
@work.needs(FINANCE)
def fetch_statement_again(run_id: str) -> edge.Answer:
    """A refused statement is fetched anew; refuses `illegal_move`."""
    service.fetch_again(edge.current_uow(), public_id=run_id)
    flash(gettext("将重新下载对账单"), "ok")
    return redirect(url_for("staff.reconciliation"))


def _tag(state: tuple[str, object]) -> dict[str, str]:
    return {"kind": state[0], "text": str(state[1])}


def _run(run: Run, pending: int) -> dict[str, object]:
    return {
        "day": run.day.isoformat(),
        "day_href": url_for("staff.day_end", day=run.day.isoformat()),
        "source": str(words.SOURCES[run.source]),
        "there": f"{run.rows_there} · {yuan_text(run.sum_there_fen)}",
        "here": f"{run.rows_here} · {yuan_text(run.sum_here_fen)}",
        "pending": pending,
        "tag": _tag(words.RUN_STATES[run.state]),
        "code": str(words.CODES.get(run.code, run.code)),
        "again": url_for("staff.fetch_statement_again", run_id=run.public_id) if run.state == RunState.REFUSED else "",
    }


def _case(case: Case, run: Run) -> dict[str, object]:
    return {
        "day": run.day.isoformat(),
        "source": str(words.SOURCES[run.source]),
        "kind": f"{words.SUBJECTS[case.subject]} · {words.KINDS[case.kind]}",
        "there": words.yuan(case.there_fen),
        "here": words.yuan(case.here_fen),
        "tag": _tag(words.CASE_STATES[case.state]),
        "href": url_for("staff.reconciliation_case", case_id=case.public_id),
    }


def _letter(letter: OutboxItem | None) -> list[dict[str, str]]:
    """How the letter stands that told the hospital system of the booking."""
    if letter is None:
        return []
    return [{"label": gettext("HL7 消息"), "value": str(words.LETTER_STATES[letter.state])}]


def _facts(case: Case, run: Run) -> list[dict[str, str]]:
    facts = (
        (gettext("对账单"), f"{words.SOURCES[run.source]} · {run.day}"),
        (gettext("项目"), str(words.SUBJECTS[case.subject])),
        (gettext("本院单号"), case.number),
        (gettext("对方单号"), case.foreign_no),
        (gettext("对方金额（元）"), words.yuan(case.there_fen)),
        (gettext("本院金额（元）"), words.yuan(case.here_fen)),
        (gettext("时间"), show_work.exact(case.at)),
        (gettext("说明"), case.note),
    )
    return [{"label": label, "value": value or "—"} for label, value in facts]
