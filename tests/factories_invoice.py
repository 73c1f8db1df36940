"""An issuer of invoices in memory, whose answers the test sets."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from app.invoice.ports import IssuerAway, IssuerRefused, Numbers, RedSheet, Sheet


@dataclass
class Platform:
    """An issuer in memory with a book of its own; `away`, `late` and `refuses` are how it answers the next calls."""

    name: str = "fiscal"
    is_fiscal: bool = True
    away: bool = False
    late: bool = False
    refuses: str = ""
    remembers: bool = True
    issued: dict[str, Numbers] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def issue(self, sheet: Sheet) -> Numbers:
        assert sum(fen for _, fen in sheet.items) == sheet.total_fen == sum(line.amount_fen for line in sheet.lines)
        return self._issue("issue", sheet)

    def take_back(self, sheet: RedSheet) -> Numbers:
        assert sheet.original in self.issued.values(), "a red invoice names the numbers that were given to the blue one"
        return self._issue("take back", sheet)

    def _issue(self, call: str, sheet: Sheet | RedSheet) -> Numbers:
        self._hear(call)
        if self.refuses:
            raise IssuerRefused(self.refuses)
        with self.lock:
            if sheet.bus_no in self.issued and self.remembers:
                raise IssuerAway("known")
            number = f"{len(self.issued) + 1:010d}"
            self.issued[sheet.bus_no if self.remembers else number] = Numbers(
                "44060126", number, "a1b2c3", "https://p/1"
            )
        if self.late:
            raise IssuerAway("timed out")
        return Numbers("44060126", number, "a1b2c3", "https://p/1")

    def look_up(self, sheet: Sheet | RedSheet) -> Numbers | None:
        self._hear("look up")
        return self.issued.get(sheet.bus_no)

    def _hear(self, call: str) -> None:
        with self.lock:
            self.calls.append(call)
        if self.away:
            raise IssuerAway("timed out")
