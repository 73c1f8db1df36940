"""The patient's phone: the visit as one timeline, and a page for each of its steps."""

from __future__ import annotations

from flask import request

from app.web import edge

OPEN_TO_ALL = {"patient.preferences"}  # letter size and language are also chosen before the log-in


def _guard() -> edge.Answer | None:
    if request.endpoint in OPEN_TO_ALL:
        edge.who_asks("patient")
        return None
    return edge.require_patient()


blueprint = edge.surface("patient", prefix="", guard=_guard)

from app.web.patient import another_place as another_place  # noqa: E402 - the pages hang on the blueprint above
from app.web.patient import arriving as arriving  # noqa: E402
from app.web.patient import bills as bills  # noqa: E402
from app.web.patient import booking as booking  # noqa: E402
from app.web.patient import cancelling as cancelling  # noqa: E402
from app.web.patient import choosing as choosing  # noqa: E402
from app.web.patient import consent as consent  # noqa: E402
from app.web.patient import family as family  # noqa: E402
from app.web.patient import fees as fees  # noqa: E402
from app.web.patient import home as home  # noqa: E402
from app.web.patient import insuring as insuring  # noqa: E402
from app.web.patient import invoices as invoices  # noqa: E402
from app.web.patient import me as me  # noqa: E402
from app.web.patient import moving as moving  # noqa: E402
from app.web.patient import paying as paying  # noqa: E402
from app.web.patient import pickup as pickup  # noqa: E402
from app.web.patient import prescriptions as prescriptions  # noqa: E402
from app.web.patient import releasing as releasing  # noqa: E402
from app.web.patient import reports as reports  # noqa: E402
from app.web.patient import revisits as revisits  # noqa: E402
from app.web.patient import suspensions as suspensions  # noqa: E402
from app.web.patient import visits as visits  # noqa: E402
from app.web.patient import waiting_list as waiting_list  # noqa: E402
from app.web.patient import walking as walking  # noqa: E402
