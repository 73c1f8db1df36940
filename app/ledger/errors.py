"""How the ledger says no."""

from __future__ import annotations

from app.kernel.errors import Refused


class DoesNotBalance(Refused):
    """The two sides of a movement differ, so it is not booked and what moved does not stand."""

    code = "does_not_balance"
