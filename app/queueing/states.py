"""The life of a queue ticket."""

from __future__ import annotations

import enum

from app.kernel.moves import Machine


class TicketState(enum.StrEnum):
    """Where a ticket stands in the queue."""

    WAITING = "waiting"
    CALLED = "called"
    SERVING = "serving"
    PASSED = "passed"
    AWAY = "away"
    DONE = "done"
    VOID = "void"


class TicketAction(enum.StrEnum):
    """What can happen to a ticket; `pass_over` is 过号: called and not come; `come_back` is 回诊: back from tests.

    `undo_…` takes the deed back within a minute; `hand_over` sends to another doctor's room; `take_back` undoes a
    check-in that was a mistake.
    """

    CALL = "call"
    BEGIN = "begin"
    PASS_OVER = "pass_over"  # noqa: S105 - a turn in the queue, no password
    RETURN = "return"
    FINISH = "finish"
    SEND_FOR_TESTS = "send_for_tests"
    COME_BACK = "come_back"
    CLOSE = "close"
    HAND_OVER = "hand_over"
    UNDO_CALL = "undo_call"
    UNDO_PASS = "undo_pass"  # noqa: S105 - a turn in the queue, no password
    UNDO_BEGIN = "undo_begin"
    UNDO_FINISH = "undo_finish"
    TAKE_BACK = "take_back"
    CHECK_IN_AGAIN = "check_in_again"


S, A = TicketState, TicketAction
MOVES = {
    (S.WAITING, A.CALL): S.CALLED,
    (S.CALLED, A.CALL): S.CALLED,  # called again: the patient did not hear it
    (S.CALLED, A.BEGIN): S.SERVING,
    (S.CALLED, A.PASS_OVER): S.PASSED,
    (S.PASSED, A.RETURN): S.WAITING,
    (S.SERVING, A.FINISH): S.DONE,
    (S.SERVING, A.SEND_FOR_TESTS): S.AWAY,
    (S.AWAY, A.COME_BACK): S.WAITING,
    (S.AWAY, A.CLOSE): S.VOID,
    (S.WAITING, A.CLOSE): S.VOID,
    (S.CALLED, A.CLOSE): S.VOID,
    (S.PASSED, A.CLOSE): S.VOID,
    (S.WAITING, A.HAND_OVER): S.WAITING,
    (S.CALLED, A.HAND_OVER): S.WAITING,
    (S.CALLED, A.UNDO_CALL): S.WAITING,
    (S.PASSED, A.UNDO_PASS): S.CALLED,
    (S.WAITING, A.UNDO_PASS): S.CALLED,  # whoever was put back into the line by the rules at once
    (S.SERVING, A.UNDO_BEGIN): S.CALLED,
    (S.DONE, A.UNDO_FINISH): S.SERVING,
    (S.WAITING, A.TAKE_BACK): S.VOID,
    (S.PASSED, A.TAKE_BACK): S.VOID,
    (S.VOID, A.CHECK_IN_AGAIN): S.WAITING,  # whose check-in was taken back, and who comes now
}
TICKET = Machine("ticket", S.WAITING, MOVES)
