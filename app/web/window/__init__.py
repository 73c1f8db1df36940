"""The windows of the hall: invoices are printed by the patient's code, bills are paid in cash and by card."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.web import edge, work

CLERK, CASHIER = "invoice_clerk", "cashier"
blueprint = work.surface("window", prefix="/window", guard=edge.require_staff(CLERK, CASHIER))
_PRINTING = frozenset({CLERK})
_PAYING = frozenset({CASHIER})
PLACE = work.Place(
    _l("票据与收费窗口"),
    (
        work.Link(_l("打印票据"), "window.home", _PRINTING, ("window.sheets",)),
        work.Link(
            _l("收费"),
            "window.cashier",
            _PAYING,
            (
                "window.payer",
                "window.bill",
                "window.receipt",
                "window.take_cash",
                "window.take_card",
                "window.hand_back",
            ),
        ),
        work.Link(_l("班次"), "window.drawer", _PAYING, ("window.shift", "window.begin_shift", "window.end_shift")),
    ),
)

from app.web.window import cashier as cashier  # noqa: E402 - the pages hang on the blueprint above
from app.web.window import drawer as drawer  # noqa: E402 - as above
from app.web.window import pages as pages  # noqa: E402 - as above
