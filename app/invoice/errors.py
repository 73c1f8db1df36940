"""How invoicing says no."""

from __future__ import annotations

from app.kernel.errors import Refused


class NotARemainder(Refused):
    """What is said to be left of a bill is not less than its invoice tells, or is more than was paid for a line."""

    code = "not_a_remainder"
