"""A split's life, and a settlement's with the insurer: worked out, settled, and undone if the visit takes it back."""

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


class SettlementState(enum.StrEnum):
    """`due`: the patient's part is in; `settling`: 2207 is on its way; `unknown`: nobody can say what became of it.

    `undoing` is `unknown` with the patient's money on its way back; `held` (an answer that must not be believed) and
    `failed` (the insurer said no) charged nothing and wait for the patient or the staff. `reversing` is to be taken
    back; `taking_back`: 2208 or 6203 is on its way; `doubtful`: nobody can say what became of that; `stuck`: the
    insurer will not take it back, a person must ask there.
    """

    WANTED = "wanted"
    PRESETTLED = "presettled"
    DUE = "due"
    SETTLING = "settling"
    UNKNOWN = "unknown"
    UNDOING = "undoing"
    SETTLED = "settled"
    REVERSING = "reversing"
    TAKING_BACK = "taking_back"
    DOUBTFUL = "doubtful"
    STUCK = "stuck"
    REVERSED = "reversed"
    WITHDRAWING = "withdrawing"
    WITHDRAWN = "withdrawn"
    HELD = "held"
    FAILED = "failed"


class SettlementAction(enum.StrEnum):
    """What can happen to a settlement; only `begin` sends a 2207, and nothing leads back before it.

    Only `begin_reverse` sends a 2208 or 6203; another follows when it is certain (`reverse_again`) that the one before
    did nothing.

    `settle_by_order`: the patient paid a pay order, with which the insurer settled by itself. Where the settlement had
    come to another end before, that is taken back.
    """

    PRESETTLE = "presettle"
    TAKE_CASH = "take_cash"
    BEGIN = "begin"
    SETTLE = "settle"
    SETTLE_BY_ORDER = "settle_by_order"
    LOSE_SIGHT = "lose_sight"
    GIVE_CASH_BACK = "give_cash_back"
    REVERSE = "reverse"
    BEGIN_REVERSE = "begin_reverse"
    DOUBT = "doubt"
    REVERSE_AGAIN = "reverse_again"
    GET_STUCK = "get_stuck"
    FINISH_REVERSE = "finish_reverse"
    LET_GO = "let_go"
    WITHDRAW = "withdraw"
    HOLD = "hold"
    REFUSE = "refuse"


_S, _A = SettlementState, SettlementAction
SETTLEMENT = Machine(
    "settlement",
    _S.WANTED,
    {
        (_S.WANTED, _A.PRESETTLE): _S.PRESETTLED,
        (_S.PRESETTLED, _A.TAKE_CASH): _S.DUE,
        (_S.DUE, _A.BEGIN): _S.SETTLING,
        (_S.SETTLING, _A.SETTLE): _S.SETTLED,
        (_S.PRESETTLED, _A.SETTLE_BY_ORDER): _S.SETTLED,
        (_S.WITHDRAWING, _A.SETTLE_BY_ORDER): _S.REVERSING,
        (_S.WITHDRAWN, _A.SETTLE_BY_ORDER): _S.REVERSING,
        (_S.FAILED, _A.SETTLE_BY_ORDER): _S.REVERSING,
        (_S.REVERSED, _A.SETTLE_BY_ORDER): _S.REVERSING,
        (_S.HELD, _A.SETTLE_BY_ORDER): _S.REVERSING,
        (_S.SETTLING, _A.LOSE_SIGHT): _S.UNKNOWN,
        (_S.UNKNOWN, _A.GIVE_CASH_BACK): _S.UNDOING,
        (_S.SETTLED, _A.REVERSE): _S.REVERSING,
        (_S.UNKNOWN, _A.FINISH_REVERSE): _S.REVERSED,
        (_S.UNDOING, _A.FINISH_REVERSE): _S.REVERSED,
        (_S.REVERSING, _A.BEGIN_REVERSE): _S.TAKING_BACK,
        (_S.TAKING_BACK, _A.FINISH_REVERSE): _S.REVERSED,
        (_S.TAKING_BACK, _A.DOUBT): _S.DOUBTFUL,
        (_S.TAKING_BACK, _A.GET_STUCK): _S.STUCK,
        (_S.DOUBTFUL, _A.REVERSE_AGAIN): _S.REVERSING,
        (_S.DOUBTFUL, _A.FINISH_REVERSE): _S.REVERSED,
        (_S.STUCK, _A.REVERSE_AGAIN): _S.REVERSING,
        (_S.STUCK, _A.FINISH_REVERSE): _S.REVERSED,
        (_S.WANTED, _A.HOLD): _S.HELD,
        (_S.UNKNOWN, _A.HOLD): _S.HELD,
        (_S.UNDOING, _A.HOLD): _S.HELD,
        (_S.WANTED, _A.REFUSE): _S.FAILED,
        (_S.SETTLING, _A.REFUSE): _S.FAILED,
        (_S.WANTED, _A.LET_GO): _S.WITHDRAWING,
        (_S.PRESETTLED, _A.LET_GO): _S.WITHDRAWING,
        (_S.DUE, _A.LET_GO): _S.WITHDRAWING,
        (_S.HELD, _A.LET_GO): _S.WITHDRAWING,
        (_S.FAILED, _A.LET_GO): _S.WITHDRAWING,
        (_S.WITHDRAWING, _A.WITHDRAW): _S.WITHDRAWN,
    },
)
OVER = (_S.REVERSED, _S.WITHDRAWING, _S.WITHDRAWN, _S.HELD, _S.FAILED)
COMING_BACK = (_S.REVERSING, _S.TAKING_BACK, _S.DOUBTFUL)
GOING_BACK = (*COMING_BACK, _S.STUCK)
TO_DO = (
    _S.WANTED,
    _S.DUE,
    _S.SETTLING,
    _S.UNKNOWN,
    _S.UNDOING,
    _S.REVERSING,
    _S.TAKING_BACK,
    _S.DOUBTFUL,
    _S.WITHDRAWING,
)
# A 2207 is about to be sent, or on its way: whether it settled is not certain before it has left these.
UNDER_WAY = (_S.DUE, _S.SETTLING, _S.UNKNOWN, _S.UNDOING)
# While it is in one of these the insurer may have paid for it.
MAY_HOLD = (_S.SETTLING, _S.UNKNOWN, _S.UNDOING, _S.SETTLED, *GOING_BACK)
