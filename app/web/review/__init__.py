"""The pharmacist's review of prescriptions: let it pass after four checks, or send it back with a reason."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.prescription.service import REVIEWER
from app.web import edge, work

blueprint = work.surface("review", prefix="/review", guard=edge.require_staff(REVIEWER))
PLACE = work.Place(_l("处方审核"), (work.Link(_l("待审核"), "review.home", also=("review.one",)),))

from app.web.review import pages as pages  # noqa: E402 - the pages hang on the blueprint above
