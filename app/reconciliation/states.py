"""How a run and a case live, and the words for what is compared and what is found."""

from __future__ import annotations

import enum

from app.kernel.moves import Machine


class RunState(enum.StrEnum):
    """`due` waits for the statement, `loaded` has all of its rows, `refused` is one that cannot be believed."""

    DUE = "due"
    LOADED = "loaded"
    MATCHED = "matched"
    REFUSED = "refused"


class RunAction(enum.StrEnum):
    """What can happen to a run; a refused statement is fetched anew, a matched one compared anew, when asked for."""

    LOAD = "load"
    REFUSE = "refuse"
    MATCH = "match"
    FETCH_AGAIN = "fetch_again"
    COMPARE_AGAIN = "compare_again"


RUN = Machine(
    "reconciliation_run",
    RunState.DUE,
    {
        (RunState.DUE, RunAction.LOAD): RunState.LOADED,
        (RunState.DUE, RunAction.REFUSE): RunState.REFUSED,
        (RunState.REFUSED, RunAction.FETCH_AGAIN): RunState.DUE,
        (RunState.LOADED, RunAction.MATCH): RunState.MATCHED,
        (RunState.MATCHED, RunAction.COMPARE_AGAIN): RunState.DUE,
    },
)


class CaseState(enum.StrEnum):
    """`open` needs a person, `waiting` may explain itself by what is told next; the others are over."""

    OPEN = "open"
    WAITING = "waiting"
    REPAIRED = "repaired"
    EXPLAINED = "explained"
    CLOSED = "closed"


class CaseAction(enum.StrEnum):
    """What can happen to a case: `repair` and `explain` by itself, `close` by a person with a note.

    `leave`: it stays what it is, with the reason why. `resend`: the letter that the hospital system says it does not
    have goes out once more.
    """

    WAIT = "wait"
    RESEND = "resend"
    MISS = "miss"
    REPAIR = "repair"
    EXPLAIN = "explain"
    LEAVE = "leave"
    CLOSE = "close"


CASE = Machine(
    "reconciliation_case",
    CaseState.OPEN,
    {
        (CaseState.OPEN, CaseAction.WAIT): CaseState.WAITING,
        (CaseState.OPEN, CaseAction.RESEND): CaseState.WAITING,
        (CaseState.WAITING, CaseAction.MISS): CaseState.OPEN,
        (CaseState.OPEN, CaseAction.REPAIR): CaseState.REPAIRED,
        (CaseState.OPEN, CaseAction.EXPLAIN): CaseState.EXPLAINED,
        (CaseState.WAITING, CaseAction.EXPLAIN): CaseState.EXPLAINED,
        (CaseState.OPEN, CaseAction.LEAVE): CaseState.OPEN,
        (CaseState.WAITING, CaseAction.LEAVE): CaseState.WAITING,
        (CaseState.OPEN, CaseAction.CLOSE): CaseState.CLOSED,
        (CaseState.WAITING, CaseAction.CLOSE): CaseState.CLOSED,
    },
)


class Source(enum.StrEnum):
    """Who tells: WeChat Pay's trade bill 交易账单 and fund flow 资金账单, Alipay, the insurer, the hospital system.

    `pos`: the bank, of the card terminals, by a file that the office brings.
    """

    WECHAT = "wechat"
    WECHAT_FUNDS = "wechat_funds"
    ALIPAY = "alipay"
    POS = "pos"
    INSURER = "insurer"
    HOSPITAL = "hospital"


class Subject(enum.StrEnum):
    """What a row is about: money in, money back, a movement on the merchant's account, an insurer's settlement."""

    PAYMENT = "payment"
    REFUND = "refund"
    FLOW = "flow"
    SETTLEMENT = "settlement"


class Outcome(enum.StrEnum):
    """How the row says it ended; `unreadable`: the row says nothing that could be believed.

    `disputed`: its sender says that both sides differ in it, and does not say by how much.
    """

    DONE = "done"
    IN_PROGRESS = "in_progress"
    FAILED = "failed"
    DISPUTED = "disputed"
    UNREADABLE = "unreadable"


class CaseKind(enum.StrEnum):
    """How a pair differs. Only `open_here` of a payment is mended by itself."""

    OPEN_HERE = "open_here"
    ONLY_THERE = "only_there"
    ONLY_HERE = "only_here"
    AMOUNT_DIFFERS = "amount_differs"
    TWICE_THERE = "twice_there"
    IN_PROGRESS_THERE = "in_progress_there"
    FAILED_THERE = "failed_there"
    OTHER_DAY = "other_day"
    DISPUTED = "disputed"
    UNREADABLE = "unreadable"
