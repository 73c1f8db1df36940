"""One session's kept places and its own release time, changed by hand while it has patients."""

from __future__ import annotations

from datetime import datetime

from flask import flash, redirect, url_for
from flask_babel import gettext

from app.kernel.errors import BadInput
from app.kernel.uow import Uow
from app.scheduling import keeping, opening
from app.scheduling.models import BookingChannel, ClinicSession
from app.web import edge, show, work
from app.web.staff import ADMIN, OPERATIONS, blueprint
from app.web.staff.shifts import LABELS


def forms(uow: Uow, sits: ClinicSession) -> dict[str, object]:
    """What the session's page shows of both, and fills its forms with."""
    now = keeping.kept_now(uow, sits)
    figures = {f"kept_{channel.value}": count for channel, count in now.by_channel.items()}
    figures["kept_until_minutes"] = now.until_minutes
    own = sits.release_at.astimezone(uow.zone) if sits.release_at else None
    return {
        "free": now.free,
        "is_by_hand": sits.is_kept_by_hand,
        "fields": [{"name": name, "label": str(LABELS[name]), "value": value} for name, value in figures.items()],
        "release": show.moment(sits.release_at) if sits.release_at else "",
        "release_day": own.date().isoformat() if own else "",
        "release_clock": own.strftime("%H:%M") if own else "",
    }


@blueprint.post("/schedules/<session_id>/kept")
@work.needs(ADMIN, OPERATIONS)
def keep_places(session_id: str) -> edge.Answer:
    """So many of the free places are kept for each channel; refuses what keeping.keep does."""
    kept = {channel: _figure(f"kept_{channel.value}") for channel in BookingChannel}
    keeping.keep(edge.current_uow(), public_id=session_id, kept=kept, until_minutes=_figure("kept_until_minutes"))
    flash(gettext("留号已保存；已挂的号不变"), "ok")
    return redirect(url_for("staff.session_page", session_id=session_id))


def _figure(name: str) -> int:
    """The figure typed, 0 for an empty field, -1 for what is none."""
    text = work.typed(name, 9)
    found = work.whole(text) if text else 0
    return -1 if found is None else found


@blueprint.post("/schedules/<session_id>/release")
@work.needs(ADMIN, OPERATIONS)
def release_session(session_id: str) -> edge.Answer:
    """The session has its own release, or with an empty day its department's; refuses what keeping.release does.

    Also `clock_change` for a time that is not on the clock that day.
    """
    uow = edge.current_uow()
    keeping.release(uow, public_id=session_id, release_at=_moment(uow))
    flash(gettext("放号时间已保存；已挂的号不变"), "ok")
    return redirect(url_for("staff.session_page", session_id=session_id))


def _moment(uow: Uow) -> datetime | None:
    typed, clock = work.typed("release_day", 10), work.typed("release_clock", 5)
    if not typed:
        return None
    day = work.day(typed)
    at = work.clock_time(clock or "00:00")
    if at is None:
        raise BadInput(fields={"release_clock": "not_valid"})
    if day is None:
        raise BadInput(fields={"release_day": "not_valid"})
    return opening.starting(day, at, uow.zone)
