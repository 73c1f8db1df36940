"""A split's life: worked out, settled with the insurance, and undone if the visit takes it back."""

from __future__ import annotations

import enum

from app.kernel.moves import Machine


class SplitState(enum.StrEnum):
    """`made` is an estimate 预估; `settled` has used up coverage; `reversed` gave it back; `void` never used any."""

    MADE = "made"
    SETTLED = "settled"
    REVERSED = "reversed"
    VOID = "void"


class SplitAction(enum.StrEnum):
    """What can be done with a split."""

    SETTLE = "settle"
    REVERSE = "reverse"
    VOID = "void"


MOVES = {
    (SplitState.MADE, SplitAction.SETTLE): SplitState.SETTLED,
    (SplitState.MADE, SplitAction.VOID): SplitState.VOID,
    (SplitState.SETTLED, SplitAction.REVERSE): SplitState.REVERSED,
}
SPLIT = Machine("split", SplitState.MADE, MOVES)
LIVE = (SplitState.MADE, SplitState.SETTLED)
