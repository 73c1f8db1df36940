"""An invoice's life: it is issued, and at most taken back by a red one; it is never edited."""

from __future__ import annotations

import enum

from app.kernel.moves import Machine


class InvoiceKind(enum.StrEnum):
    """`blue` 蓝票 says what was paid; `red` 红票 takes a blue one back with the same sums below zero."""

    BLUE = "blue"
    RED = "red"


class InvoiceState(enum.StrEnum):
    """A blue invoice that was taken back is `red_lettered` 已冲红; everything else stands as `issued`."""

    ISSUED = "issued"
    RED_LETTERED = "red_lettered"


class InvoiceAction(enum.StrEnum):
    """What can be done with an invoice."""

    RED_LETTER = "red_letter"


MOVES = {(InvoiceState.ISSUED, InvoiceAction.RED_LETTER): InvoiceState.RED_LETTERED}
INVOICE = Machine("invoice", InvoiceState.ISSUED, MOVES)


class FilingState(enum.StrEnum):
    """`requested` was not asked for yet; `unknown` was, without an answer; `failed` was refused: a person must look."""

    REQUESTED = "requested"
    UNKNOWN = "unknown"
    ISSUED = "issued"
    FAILED = "failed"


class FilingAction(enum.StrEnum):
    """What can happen to the filing of an invoice with whoever issues its numbers."""

    ASK = "ask"
    ISSUE = "issue"
    FIND_ABSENT = "find_absent"
    REFUSE = "refuse"
    ASK_AGAIN = "ask_again"


# `unknown` is written before the issuer is asked, so that a process that dies meanwhile leaves a question, not a doubt.
FILING = Machine(
    "filing",
    FilingState.REQUESTED,
    {
        (FilingState.REQUESTED, FilingAction.ASK): FilingState.UNKNOWN,
        (FilingState.UNKNOWN, FilingAction.ISSUE): FilingState.ISSUED,
        (FilingState.UNKNOWN, FilingAction.FIND_ABSENT): FilingState.REQUESTED,
        (FilingState.UNKNOWN, FilingAction.REFUSE): FilingState.FAILED,
        (FilingState.FAILED, FilingAction.ASK_AGAIN): FilingState.REQUESTED,
    },
)


class PrintCode(enum.StrEnum):
    """What an invoice window is answered with; the codes never change, the words for them live with the pages."""

    OK = "ok"
    UNPAID = "unpaid"
    NO_INVOICE = "no_invoice"
    UNKNOWN_VISIT = "unknown_visit"
    CODE_EXPIRED = "code_expired"
    UNKNOWN_CODE = "unknown_code"
    NOT_A_PICKUP_CODE = "not_a_pickup_code"
    POSTER_CODE = "poster_code"
