"""How a bill, an order for its money and a refund live: each table of moves is one life."""

from __future__ import annotations

import enum

from app.kernel.moves import Machine


class BillState(enum.StrEnum):
    """`void` was never paid; `refunding` is on its way back to the patient.

    `settling`: the patient's part is in, the insurer's is not yet. `partly_refunded`: some of its lines, or pieces of
    them, are back or on their way.
    """

    OPEN = "open"
    SETTLING = "settling"
    PAID = "paid"
    VOID = "void"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDING = "refunding"
    REFUNDED = "refunded"


class BillAction(enum.StrEnum):
    """What can be done with a bill."""

    TAKE_CASH = "take_cash"
    PAY = "pay"
    VOID = "void"
    GIVE_BACK_PART = "give_back_part"
    GIVE_BACK = "give_back"
    ARRIVE_BACK = "arrive_back"


# A void registration bill is paid after all when the fee comes late and the place can be had again.
BILL = Machine(
    "bill",
    BillState.OPEN,
    {
        (BillState.OPEN, BillAction.PAY): BillState.PAID,
        (BillState.OPEN, BillAction.TAKE_CASH): BillState.SETTLING,
        (BillState.SETTLING, BillAction.PAY): BillState.PAID,
        (BillState.SETTLING, BillAction.VOID): BillState.VOID,
        (BillState.VOID, BillAction.PAY): BillState.PAID,
        (BillState.OPEN, BillAction.VOID): BillState.VOID,
        (BillState.PAID, BillAction.GIVE_BACK_PART): BillState.PARTLY_REFUNDED,
        (BillState.PARTLY_REFUNDED, BillAction.GIVE_BACK_PART): BillState.PARTLY_REFUNDED,
        (BillState.PAID, BillAction.GIVE_BACK): BillState.REFUNDING,
        (BillState.PARTLY_REFUNDED, BillAction.GIVE_BACK): BillState.REFUNDING,
        (BillState.REFUNDING, BillAction.ARRIVE_BACK): BillState.REFUNDED,
    },
)


class OrderState(enum.StrEnum):
    """`unknown`: the provider did not answer; `mismatch`: it speaks of other money than ours, a person must look."""

    CREATED = "created"
    ASKED = "asked"
    UNKNOWN = "unknown"
    PAID = "paid"
    CLOSED = "closed"
    MISMATCH = "mismatch"
    REFUND_DUE = "refund_due"
    REFUNDED = "refunded"


class OrderAction(enum.StrEnum):
    """What can happen to an order placed with a provider."""

    ASK = "ask"
    LOSE_SIGHT = "lose_sight"
    PAY = "pay"
    CLOSE = "close"
    DIFFER = "differ"
    GIVE_BACK = "give_back"
    ARRIVE_BACK = "arrive_back"


LIVE = (OrderState.CREATED, OrderState.ASKED, OrderState.UNKNOWN)

# Money that comes for a closed order or after a mismatch is still money: it is taken in, and the bill decides.
# A mismatch is over when the provider says that there is no such money, or a person has seen to it there.
ORDER = Machine(
    "payment_order",
    OrderState.CREATED,
    {
        (OrderState.CREATED, OrderAction.ASK): OrderState.ASKED,
        (OrderState.UNKNOWN, OrderAction.ASK): OrderState.ASKED,
        (OrderState.CREATED, OrderAction.LOSE_SIGHT): OrderState.UNKNOWN,
        (OrderState.CREATED, OrderAction.PAY): OrderState.PAID,
        (OrderState.ASKED, OrderAction.PAY): OrderState.PAID,
        (OrderState.UNKNOWN, OrderAction.PAY): OrderState.PAID,
        (OrderState.CLOSED, OrderAction.PAY): OrderState.PAID,
        (OrderState.MISMATCH, OrderAction.PAY): OrderState.PAID,
        (OrderState.CREATED, OrderAction.CLOSE): OrderState.CLOSED,
        (OrderState.ASKED, OrderAction.CLOSE): OrderState.CLOSED,
        (OrderState.UNKNOWN, OrderAction.CLOSE): OrderState.CLOSED,
        (OrderState.MISMATCH, OrderAction.CLOSE): OrderState.CLOSED,
        (OrderState.CREATED, OrderAction.DIFFER): OrderState.MISMATCH,
        (OrderState.ASKED, OrderAction.DIFFER): OrderState.MISMATCH,
        (OrderState.UNKNOWN, OrderAction.DIFFER): OrderState.MISMATCH,
        (OrderState.CLOSED, OrderAction.DIFFER): OrderState.MISMATCH,
        (OrderState.PAID, OrderAction.GIVE_BACK): OrderState.REFUND_DUE,
        (OrderState.REFUND_DUE, OrderAction.ARRIVE_BACK): OrderState.REFUNDED,
    },
)


class MixedOrderState(enum.StrEnum):
    """`placed`: insurance's part and the patient's can be paid together; `failed`: they were not, and never will be.

    `mismatch`: provider or insurer speaks of other sums than were quoted; nothing is booked, a person must look.
    """

    CREATED = "created"
    PLACED = "placed"
    UNKNOWN = "unknown"
    MISMATCH = "mismatch"
    PAID = "paid"
    FAILED = "failed"


class MixedOrderAction(enum.StrEnum):
    """What can happen to a mixed order."""

    PLACE = "place"
    LOSE_SIGHT = "lose_sight"
    DIFFER = "differ"
    PAY = "pay"
    FAIL = "fail"


_M, _D = MixedOrderState, MixedOrderAction
MIXED_LIVE = (_M.CREATED, _M.PLACED, _M.UNKNOWN, _M.MISMATCH)
# A mismatch is over when the other side tells the sums that were quoted, or a person lets both parts go back.
MIXED_ORDER = Machine(
    "mixed_order",
    _M.CREATED,
    {
        (_M.CREATED, _D.PLACE): _M.PLACED,
        (_M.UNKNOWN, _D.PLACE): _M.PLACED,
        (_M.CREATED, _D.LOSE_SIGHT): _M.UNKNOWN,
        (_M.CREATED, _D.DIFFER): _M.MISMATCH,
        (_M.PLACED, _D.DIFFER): _M.MISMATCH,
        (_M.UNKNOWN, _D.DIFFER): _M.MISMATCH,
        (_M.CREATED, _D.PAY): _M.PAID,
        (_M.PLACED, _D.PAY): _M.PAID,
        (_M.UNKNOWN, _D.PAY): _M.PAID,
        (_M.MISMATCH, _D.PAY): _M.PAID,
        (_M.CREATED, _D.FAIL): _M.FAILED,
        (_M.PLACED, _D.FAIL): _M.FAILED,
        (_M.UNKNOWN, _D.FAIL): _M.FAILED,
        (_M.MISMATCH, _D.FAIL): _M.FAILED,
    },
)


class RefundState(enum.StrEnum):
    """`sent`: the provider took it on and has not said how it ended; `failed` waits for a person.

    `reversing`: the insurer is to take its part back first; `resettling`: it has, and settles what is left anew, which
    says how much goes back.
    """

    REQUESTED = "requested"
    REVERSING = "reversing"
    RESETTLING = "resettling"
    SENT = "sent"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class RefundAction(enum.StrEnum):
    """What can happen to a refund."""

    AWAIT_INSURER = "await_insurer"
    RESETTLE = "resettle"
    RELEASE = "release"
    SEND = "send"
    SUCCEED = "succeed"
    FAIL = "fail"


# A failed refund succeeds after all when a person completes it on the provider's own page, or sends it once more.
REFUND = Machine(
    "refund",
    RefundState.REQUESTED,
    {
        (RefundState.REQUESTED, RefundAction.AWAIT_INSURER): RefundState.REVERSING,
        (RefundState.REVERSING, RefundAction.RESETTLE): RefundState.RESETTLING,
        (RefundState.REVERSING, RefundAction.RELEASE): RefundState.REQUESTED,
        (RefundState.RESETTLING, RefundAction.RELEASE): RefundState.REQUESTED,
        (RefundState.REQUESTED, RefundAction.SEND): RefundState.SENT,
        (RefundState.FAILED, RefundAction.SEND): RefundState.SENT,
        (RefundState.REQUESTED, RefundAction.SUCCEED): RefundState.SUCCEEDED,
        (RefundState.SENT, RefundAction.SUCCEED): RefundState.SUCCEEDED,
        (RefundState.FAILED, RefundAction.SUCCEED): RefundState.SUCCEEDED,
        (RefundState.REQUESTED, RefundAction.FAIL): RefundState.FAILED,
        (RefundState.SENT, RefundAction.FAIL): RefundState.FAILED,
    },
)
WITH_INSURER = (RefundState.REVERSING, RefundState.RESETTLING)


class ClaimState(enum.StrEnum):
    """What became of staff's asking for a refund: `waiting` for a second person, or was decided."""

    WAITING = "waiting"
    GRANTED = "granted"
    DECLINED = "declined"


class ClaimAction(enum.StrEnum):
    """What can be done with it."""

    GRANT = "grant"
    DECLINE = "decline"


CLAIM = Machine(
    "refund_claim",
    ClaimState.WAITING,
    {
        (ClaimState.WAITING, ClaimAction.GRANT): ClaimState.GRANTED,
        (ClaimState.WAITING, ClaimAction.DECLINE): ClaimState.DECLINED,
    },
)


class CashierShiftState(enum.StrEnum):
    """A drawer is `open` in one cashier's hands, and `closed` when its money was counted."""

    OPEN = "open"
    CLOSED = "closed"


class CashierShiftAction(enum.StrEnum):
    """What can be done with a cashier's shift."""

    CLOSE = "close"


CASHIER_SHIFT = Machine(
    "cashier_shift",
    CashierShiftState.OPEN,
    {(CashierShiftState.OPEN, CashierShiftAction.CLOSE): CashierShiftState.CLOSED},
)
