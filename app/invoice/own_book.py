"""The embedded issuer: invoices keep the numbers of the hospital's own book, and are no fiscal receipts 非财政票据."""

from __future__ import annotations

from app.invoice.ports import Numbers, RedSheet, Sheet


class OwnBook:
    """Issues without asking anyone: the number in the book is the number for the world."""

    name = "own"
    is_fiscal = False

    def issue(self, sheet: Sheet) -> Numbers:
        """The number it has already."""
        return sheet.own

    def take_back(self, sheet: RedSheet) -> Numbers:
        """The number it has already."""
        return sheet.own

    def look_up(self, sheet: Sheet | RedSheet) -> Numbers | None:
        """The number it has already."""
        return sheet.own
