"""How reconciliation says no."""

from __future__ import annotations

from app.kernel.errors import Refused


class NoteMissing(Refused):
    """A case is closed with a note of what was done about it."""

    code = "note_required"
    http_status = 422


class DayNotOver(Refused):
    """A day is signed off when it is over."""

    code = "day_not_over"


class DayNotCompared(Refused):
    """A side has not told all of the day, or a drawer of it is not counted; facts: `sides`."""

    code = "day_not_compared"


class CasesOpen(Refused):
    """Cases of the day are neither over nor left open with a reason; facts: `count`."""

    code = "cases_open"


class DrawersOff(Refused):
    """The day's drawers held other cash than they should have, and nobody says why; facts: `off_fen`."""

    code = "drawers_off"
    http_status = 422


class DaySigned(Refused):
    """The day is signed off already; what changes on it now is a correction on the next one."""

    code = "day_signed"


class NotResendable(Refused):
    """No letter told the hospital system of this case, so none can be told again."""

    code = "not_resendable"


class StatementRefused(Refused):
    """The file that was brought cannot be believed, and nothing of it was kept; facts: `flaw`, `line`, `column`."""

    code = "statement_refused"
    http_status = 422


class StatementFlawed(Exception):
    """The statement cannot be believed: `flaw` is a stable code, `row_no` the place where it shows (0: none)."""

    def __init__(self, flaw: str, row_no: int = 0, column: str = "") -> None:
        """Keeps the code, e.g. `sha1_differs`, `cut_short`, `column_missing`, and the column where that is known."""
        super().__init__(flaw)
        self.flaw, self.row_no, self.column = flaw, row_no, column
