"""Who did or saw what: searched by person, record, deed and day, with the chain's seals verified on demand."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext

from app.identity import for_staff
from app.kernel import audit, logbook
from app.kernel.audit import AuditEvent
from app.kernel.uow import Uow
from app.web import edge, show_work, work
from app.web.staff import ADMIN, AUDITOR, PLACE, blueprint
from app.web.staff.lists import asked, day_fields, field, paging


@blueprint.get("/audit")
@work.needs(ADMIN, AUDITOR)
def audit_trail() -> edge.Answer:
    """The newest audit rows that fit the filter; looking at them is on record too."""
    uow = edge.current_uow()
    rows = _found(uow)
    names = for_staff.names_by_ref(uow, {row.actor_ref for row in rows if row.actor_kind == "staff"})
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


def _found(uow: Uow) -> Sequence[AuditEvent]:
    """An actor may be given by login or by the word of the trail itself."""
    actor = work.asked("actor")
    of = logbook.AskedOfTrail(
        actor_ref=(for_staff.ref_of_login(uow, actor) or actor) if actor else "",
        action=work.asked("action"),
        subject=work.asked("subject"),
        outcome=work.asked("outcome"),
    )
    return logbook.trail(uow, of, asked(uow))


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
    last = logbook.last_seal(uow)
    return {"at": show_work.exact(last.sealed_at), "head": last.head[:16]} if last else None


def _checked(uow: Uow) -> dict[str, object]:
    """Whether every sealed row stands as it was sealed."""
    problem = audit.verify(uow)
    return {"is_whole": not problem, "problem": problem}
