"""How reconciliation says no."""

from __future__ import annotations

from app.kernel.errors import Refused


class NoteMissing(Refused):
    """A case is closed with a note of what was done about it."""

    code = "note_required"
    http_status = 422


class NotResendable(Refused):
    """No letter told the hospital system of this case, so none can be told again."""

    code = "not_resendable"


class StatementFlawed(Exception):
    """The statement cannot be believed: `flaw` is a stable code, `row_no` the place where it shows (0: none)."""

    def __init__(self, flaw: str, row_no: int = 0) -> None:
        """Keeps the code, e.g. `sha1_differs`, `cut_short`, `column_missing`."""
        super().__init__(flaw)
        self.flaw, self.row_no = flaw, row_no
