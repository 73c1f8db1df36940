"""How analytics says no."""

from __future__ import annotations

from app.kernel.errors import Refused


class BadChannel(Refused):
    """A channel needs a name and a target that is a path of our own pages."""

    code = "bad_channel"
    http_status = 422
