"""How right the told waiting times were: by department and day, for whoever has to decide whether to trust them."""

from __future__ import annotations

from datetime import timedelta

from app.queueing import own_errors
from app.queueing.models import WaitErrors
from app.scheduling.models import Department
from app.web import edge, show, work
from app.web.staff import ADMIN, AUDITOR, OPERATIONS, PLACE, blueprint

SINCE_DAYS = 14


@blueprint.get("/waits")
@work.needs(ADMIN, OPERATIONS, AUDITOR)
def waits() -> edge.Answer:
    """Two weeks of our own errors."""
    uow = edge.current_uow()
    rows = own_errors.errors_since(uow, uow.today() - timedelta(days=SINCE_DAYS - 1))
    return work.page("staff/waits.html", PLACE, rows=[_row(*row) for row in rows], since_days=SINCE_DAYS)


def _row(errors: WaitErrors, department: Department) -> list[str]:
    return [
        show.day_words(errors.day),
        show.in_language(department.name, department.name_en),
        str(errors.told),
        f"{errors.error_seconds / errors.told / 60:.1f}" if errors.told else "—",
        _share(errors.inside, errors.told),
        _share(errors.earlier, errors.told),
        str(errors.returns),
        _share(errors.late_returns, errors.returns),
    ]


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "—"
