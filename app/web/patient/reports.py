"""Reports of tests: announced without a word of what they say, and read here."""

from __future__ import annotations

from flask import render_template, url_for
from flask_babel import lazy_gettext as _l

from app.reports import service as reports_service
from app.reports.models import Report
from app.reports.rules import ObservationIn
from app.reports.states import ReportState
from app.web import edge, show
from app.web.patient import blueprint, family

STATES: dict[ReportState, tuple[str, object]] = {
    ReportState.PRELIMINARY: ("wait", _l("初步结果")),
    ReportState.FINAL: ("ok", _l("正式报告")),
    ReportState.CORRECTED: ("warn", _l("已更正")),
    ReportState.WITHDRAWN: ("bad", _l("已撤回")),
}
# HL7 table 0078, the flags of abnormal results; any other flag is shown as it came.
FLAGS = {
    "": ("", ""),
    "N": ("", ""),
    "H": ("warn", _l("↑ 偏高")),
    "L": ("warn", _l("↓ 偏低")),
    "HH": ("bad", _l("↑↑ 明显偏高")),
    "LL": ("bad", _l("↓↓ 明显偏低")),
    "A": ("warn", _l("异常")),
    "AA": ("bad", _l("明显异常")),
    "<": ("warn", _l("低于检测范围")),
    ">": ("warn", _l("高于检测范围")),
    "W": ("warn", _l("较前变差")),
}


@blueprint.get("/reports")
def reports() -> edge.Answer:
    """The account's reports, newest first."""
    uow = edge.current_uow()
    names = family.names(uow)
    rows = [
        {
            **_head(found, names),
            "href": url_for("patient.report", report_id=found.public_id),
            "is_new": not found.read_at,
        }
        for found in reports_service.list_of_account(uow)
    ]
    return render_template("patient/reports.html", reports=rows)


def _head(found: Report, names: dict[int, str]) -> dict[str, object]:
    kind, words = STATES[found.state]
    return {
        "title": found.name,
        "name": names[found.patient_id],
        "at": show.moment(found.reported_at),
        "kind": kind,
        "state": str(words),
    }


@blueprint.get("/reports/<report_id>")
@edge.writes
def report(report_id: str) -> edge.Answer:
    """One report; it counts as read from now on."""
    uow = edge.current_uow()
    found = reports_service.mark_read(uow, public_id=report_id)
    is_withdrawn = found.state == ReportState.WITHDRAWN
    rows = [] if is_withdrawn else [_observation(row) for row in reports_service.observations_of(uow, found)]
    return render_template(
        "patient/report.html", report=_head(found, family.names(uow)), rows=rows, is_withdrawn=is_withdrawn
    )


def _observation(row: ObservationIn) -> dict[str, str]:
    kind, words = FLAGS.get(row.flag, ("info", row.flag))
    return {
        "name": row.name,
        "value": f"{row.value} {row.unit}".strip(),
        "range": row.reference_range,
        "kind": kind,
        "flag": str(words),
    }
