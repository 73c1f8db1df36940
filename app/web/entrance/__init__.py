"""The doors: how patients and staff log in and out; open to all, so each door counts how often it is tried."""

from __future__ import annotations

from app.web import edge

blueprint = edge.surface("entrance", prefix="", guard=edge.open_to_all)

from app.web.entrance import by_phone as by_phone  # noqa: E402 - the pages hang on the blueprint above
from app.web.entrance import by_wechat as by_wechat  # noqa: E402
from app.web.entrance import for_staff as for_staff  # noqa: E402
from app.web.entrance import own_password as own_password  # noqa: E402
from app.web.entrance import second_step as second_step  # noqa: E402
from app.web.entrance import unsent as unsent  # noqa: E402
