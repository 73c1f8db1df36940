"""The doctor's desk, the nurse's check-in and the registration desk: who waits, whom to call, who has no phone."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.web import edge, work

DOCTOR, NURSE, REGISTRAR = "doctor", "nurse", "registrar"
blueprint = work.surface("desk", prefix="/desk", guard=edge.require_staff(DOCTOR, NURSE, REGISTRAR))
PLACE = work.Place(
    _l("医生工作台"),
    (
        work.Link(
            _l("今日门诊"),
            "desk.sessions",
            frozenset({DOCTOR}),
            ("desk.session_queue", "desk.visit_page", "desk.prescribe", "desk.do_prescribe"),
        ),
        work.Link(
            _l("窗口挂号"),
            "desk.register",
            frozenset({NURSE, REGISTRAR}),
            ("desk.find_patient", "desk.at_window", "desk.slip", "desk.waiting_slip"),
        ),
        work.Link(_l("候补通知"), "desk.to_be_told", frozenset({NURSE, REGISTRAR})),
        work.Link(_l("报到"), "desk.check_in", frozenset({NURSE}), ("desk.arrived", "desk.do_check_in")),
    ),
)

MOST_SEARCHES_PER_HOUR = 300


def count_search() -> None:
    """One more look for a patient by a card's number; refuses `too_many` beyond 300 an hour of one person."""
    edge.limit("desk.patient", edge.actor().ref, at_most=MOST_SEARCHES_PER_HOUR, window_seconds=3600)


from app.web.desk import arriving as arriving  # noqa: E402 - the pages hang on the blueprint above
from app.web.desk import prescribing as prescribing  # noqa: E402
from app.web.desk import queue as queue  # noqa: E402
from app.web.desk import registering as registering  # noqa: E402
from app.web.desk import visit as visit  # noqa: E402
from app.web.desk import vouching as vouching  # noqa: E402
from app.web.desk import waiting as waiting  # noqa: E402
