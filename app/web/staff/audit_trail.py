"""Who did or saw what: searched by person, record, deed and day, with the chain's seals verified on demand."""

from __future__ import annotations

from flask_babel import gettext
from sqlalchemy import select

from app.identity.models import Staff
from app.kernel import audit
from app.kernel.audit import AuditEvent, AuditSeal
from app.kernel.uow import Uow
from app.web import edge, show_work, work
from app.web.staff import ADMIN, AUDITOR, PLACE, blueprint
from app.web.staff.lists import PAGE_ROWS, before_id, between, day_fields, field, paging


@blueprint.get("/audit")
@work.needs(ADMIN, AUDITOR)
def audit_trail() -> edge.Answer:
    """The newest audit rows that fit the filter; looking at them is on record too."""
    uow = edge.current_uow()
    rows = _found(uow)
    names = _names(uow, rows)
    seal = _seal(uow)
    page = work.page(
        "staff/audit.html",
        PLACE,
        filters=[
            field("actor", gettext("操作人")),
            field("action", gettext("动作")),
            field("subject", gettext("对象")),
            field("outcome", gettext("结果")),
            *day_fields(),
        ],
        rows=[_row(row, names) for row in rows],
        paging=paging(rows),
        seal=seal,
        checked=_checked(uow) if seal and work.asked("verify", 1) else None,
    )
    audit.record(uow, "audit.read", "audit", "")
    return page


def _found(uow: Uow) -> list[AuditEvent]:
    query = select(AuditEvent).where(*between(uow, AuditEvent.happened_at))
    actor, before = work.asked("actor"), before_id()
    if actor:
        login = uow.session.scalars(select(Staff.public_id).where(Staff.login == actor)).first()
        query = query.where(AuditEvent.actor_ref == (login or actor))
    if work.asked("action"):
        query = query.where(AuditEvent.action.startswith(work.asked("action"), autoescape=True))
    if work.asked("subject"):
        query = query.where(AuditEvent.subject_ref == work.asked("subject"))
    if work.asked("outcome"):
        query = query.where(AuditEvent.outcome == work.asked("outcome"))
    if before is not None:
        query = query.where(AuditEvent.id < before)
    return list(uow.session.scalars(query.order_by(AuditEvent.id.desc()).limit(PAGE_ROWS)))


def _names(uow: Uow, rows: list[AuditEvent]) -> dict[str, str]:
    refs = {row.actor_ref for row in rows if row.actor_kind == "staff"}
    return dict(uow.session.execute(select(Staff.public_id, Staff.name).where(Staff.public_id.in_(refs))).all())


def _row(row: AuditEvent, names: dict[str, str]) -> dict[str, object]:
    return {
        "at": show_work.exact(row.happened_at),
        "who": names.get(row.actor_ref) or f"{row.actor_kind} {row.actor_ref[:8]}".strip(),
        "action": row.action,
        "subject": f"{row.subject_kind} {row.subject_ref}".strip(),
        "outcome": row.outcome,
        "is_ok": row.outcome == "ok",
        "detail": " ".join(f"{name}={value}" for name, value in sorted(row.detail.items())),
    }


def _seal(uow: Uow) -> dict[str, str] | None:
    last = uow.session.scalars(select(AuditSeal).order_by(AuditSeal.last_id.desc()).limit(1)).first()
    return {"at": show_work.exact(last.sealed_at), "head": last.head[:16]} if last else None


def _checked(uow: Uow) -> dict[str, object]:
    """Whether every sealed row stands as it was sealed."""
    problem = audit.verify(uow)
    return {"is_whole": not problem, "problem": problem}
