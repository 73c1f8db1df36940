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
