"""What reconciliation needs of those who tell of a day's money; called between units of work, never in one."""

from __future__ import annotations

import enum
from datetime import date
from typing import BinaryIO, Protocol


class StatementAbsent(Exception):
    """There is no statement of that day, since nothing happened on it (`NO_STATEMENT_EXIST`); asking again is vain."""


class StatementNotReady(Exception):
    """The statement cannot be had yet: `code` is the provider's (`STATEMENT_CREATING`) or ours (`provider_away`)."""

    def __init__(self, code: str = "STATEMENT_CREATING") -> None:
        """Keeps the code."""
        super().__init__(code)
        self.code = code


class StatementKind(enum.StrEnum):
    """The provider's two statements: `trade` lists orders and refunds, `funds` what moved on the account."""

    TRADE = "trade"
    FUNDS = "funds"


class StatementSource(Protocol):
    """Where a day's statement comes from, as a file that is as it was sent, zipped or not."""

    def fetch(self, kind: StatementKind, day: date, into: BinaryIO) -> str:
        """The file stands in `into`; returns the SHA1 (hex) its sender says it has."""
