"""What reconciliation needs of those who tell of a day's money; called between units of work, never in one."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
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
        """The file stands in `into`; returns the SHA1 (hex) its sender says it has, '' where none is said."""


@dataclass(frozen=True)
class DayTotals:
    """What we have settled of one kind of insurance (insutype 险种) on a day, in fen; '' is all kinds together."""

    day: date
    insutype: str
    count: int = 0
    total_fen: int = 0
    fund_fen: int = 0
    account_fen: int = 0
    cash_fen: int = 0


@dataclass(frozen=True)
class Settled:
    """One settlement as our books have it."""

    setl_id: str
    mdtrt_id: str
    psn_no: str
    total_fen: int
    fund_fen: int
    account_fen: int


class InsurerAccounts(Protocol):
    """What the insurer says of a day's settlements. Every call raises StatementNotReady when no answer can be had."""

    def is_equal(self, ours: DayTotals) -> bool:
        """True when the insurer's totals of the day are ours (3201)."""

    def pack(self, settled: Iterable[Settled], into: BinaryIO) -> None:
        """The settlements stand in `into` as the insurer takes them; nobody is asked."""

    def differences(self, ours: DayTotals, packed: BinaryIO, into: BinaryIO) -> None:
        """The insurer's file of what differs from the packed settlements stands in `into` (9101, 3202, 9102)."""
