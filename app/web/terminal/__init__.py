"""The pharmacy's terminal: pick and check bags, scan the patient's code, match the bag, hand it over once."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.web import edge, work

blueprint = work.surface("terminal", prefix="/terminal", guard=edge.require_staff("pharmacist"))
PLACE = work.Place(
    _l("门诊药房"),
    (
        work.Link(
            _l("发药"),
            "terminal.home",
            also=("terminal.scanned", "terminal.serve", "terminal.mismatch", "terminal.done"),
        ),
        work.Link(_l("配药"), "terminal.picking_queue", also=("terminal.picking_bag",)),
        work.Link(_l("未取药"), "terminal.uncollected"),
        work.Link(_l("窗口"), "terminal.choose_window"),
        work.Link(_l("扫码枪设置"), "terminal.set_up"),
    ),
)

from app.web.terminal import picking as picking  # noqa: E402 - the pages hang on the blueprint above
from app.web.terminal import place as place  # noqa: E402
from app.web.terminal import scanning as scanning  # noqa: E402
from app.web.terminal import serving as serving  # noqa: E402
