"""The invoice window: the patient's pickup code or the visit's number brings the visit's invoices, to be printed."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.web import edge, work

blueprint = work.surface("window", prefix="/window", guard=edge.require_staff("invoice_clerk"))
PLACE = work.Place(_l("票据窗口"), (work.Link(_l("打印票据"), "window.home", also=("window.sheets",)),))

from app.web.window import pages as pages  # noqa: E402 - the pages hang on the blueprint above
