"""The life of a message: queued, handed over, and one fate that never changes."""

from __future__ import annotations

import enum

from app.kernel.moves import Machine


class Channel(enum.StrEnum):
    """How a message reaches its recipient; every message also stands in the inbox on the phone's page."""

    WECHAT = "wechat"
    SMS = "sms"
    INAPP = "inapp"


class MessageState(enum.StrEnum):
    """`sent` is taken by the provider; `delivered`, `failed` and `suppressed` are final."""

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    SUPPRESSED = "suppressed"


class MessageAction(enum.StrEnum):
    """What can happen to a message."""

    SEND = "send"
    SHOW = "show"
    DELIVER = "deliver"
    FAIL = "fail"
    SUPPRESS = "suppress"


MOVES: dict[tuple[MessageState, MessageAction], MessageState] = {
    (MessageState.QUEUED, MessageAction.SEND): MessageState.SENT,
    (MessageState.QUEUED, MessageAction.SHOW): MessageState.DELIVERED,
    (MessageState.QUEUED, MessageAction.FAIL): MessageState.FAILED,
    (MessageState.QUEUED, MessageAction.SUPPRESS): MessageState.SUPPRESSED,
    (MessageState.SENT, MessageAction.DELIVER): MessageState.DELIVERED,
    (MessageState.SENT, MessageAction.FAIL): MessageState.FAILED,
}
MESSAGE = Machine("message", MessageState.QUEUED, MOVES)
FINAL = frozenset({MessageState.DELIVERED, MessageState.FAILED, MessageState.SUPPRESSED})
