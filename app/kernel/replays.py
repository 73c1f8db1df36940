"""Messages that a person sees to: handed in again as they came, or as a copy that they mended, or laid to rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from sqlalchemy import select, update

from app.kernel import audit, inbox, outbox
from app.kernel.errors import BadInput, Refused
from app.kernel.ids import new_digits
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.outbox import OutboxItem
from app.kernel.uow import Uow

TOPIC = "hl7_replay"
AT_ONCE = 1000
REASON_AT_MOST = 200


class ReasonNotGiven(Refused):
    """Handing in again, or looking at a person's data, needs a reason of at most 200 characters."""

    code: ClassVar[str] = "hl7_reason_required"


class CopyNotValid(BadInput):
    """The copy is empty, or does not begin with MSH and its separators."""

    code: ClassVar[str] = "hl7_copy_not_valid"


def given(reason: str) -> str:
    """The reason without outer blanks; refuses `hl7_reason_required`."""
    reason = reason.strip()
    if not reason or len(reason) > REASON_AT_MOST:
        raise ReasonNotGiven
    return reason


def needs_copy(item: InboxItem) -> bool:
    """True for a message that had its effect or is filed: under its own control id it would only get its old answer."""
    return item.state in (InboxState.DONE, InboxState.FILED) and not item.error_code


def ask(uow: Uow, item: InboxItem, *, reason: str, edited: bytes | None = None) -> str:
    """The message will be taken again by the adapter: whole, in the order of asking; gives the request's key.

    A refused or waiting one is taken anew under its own control id; one that had its effect, and an `edited` one, as a
    copy with a control id of its own, linked to the original. Who asked and why is on record. Refuses
    `hl7_reason_required`, `hl7_copy_not_valid`, `hl7_message_emptied`.
    """
    reason = given(reason)
    if item.emptied_at:
        raise outbox.Emptied
    if edited is not None and not (edited.startswith(b"MSH") and len(edited) > 8):
        raise CopyNotValid
    key = f"RP{new_digits(14)}"
    is_copy = edited is not None or needs_copy(item)
    payload = {
        "event": "Replay",
        "inbox_id": item.id,
        "control_id": key if is_copy else "",
        "is_edited": edited is not None,
        "by": uow.actor.ref,
    }
    outbox.post(uow, TOPIC, key, payload, lane=_lane(item.id))
    if edited is not None:
        uow.session.execute(
            update(OutboxItem).where(OutboxItem.topic == TOPIC, OutboxItem.key == key).values(body=edited)
        )
    how = "edited" if edited is not None else "copy" if is_copy else "as_is"
    audit.record(uow, "hl7.replay_asked", "hl7_message", item.id, how=how, reason=reason, request=key)
    return key


def lay_to_rest(uow: Uow, item: InboxItem | OutboxItem, **why: object) -> bool:
    """A refused message or a dead letter needs nobody any more; False for any other one, which stays as it is.

    `why` is kept on record: the reason that a person gave, or the copy that was taken in its place.
    """
    if isinstance(item, InboxItem):
        is_rested, action, place = inbox.lay_to_rest(uow, item.id), "hl7.close_refused", "inbox"
        why = {"code": item.error_code, **why}
    else:
        is_rested, action, place = outbox.lay_to_rest(uow, item.id), "outbox.lay_to_rest", "outbox"
    if is_rested:
        audit.record(uow, action, place, item.key, outcome="ok", **why)
    return is_rested


def ask_all(uow: Uow, items: Sequence[InboxItem], *, reason: str) -> int:
    """Each of the messages will be taken again, in this order; gives how many."""
    reason = given(reason)
    with uow.session.no_autoflush:  # what is put on record goes out with the commit, not row by row
        for item in items:
            ask(uow, item, reason=reason)
    return len(items)


def requests_for(uow: Uow, item_id: int) -> Sequence[OutboxItem]:
    """Every request to take this message again, oldest first; `result_id` in the payload is the row it led to."""
    asked = select(OutboxItem).where(OutboxItem.topic == TOPIC, OutboxItem.lane == _lane(item_id))
    return uow.session.scalars(asked.order_by(OutboxItem.id)).all()


def _lane(item_id: int) -> str:
    return f"message-{item_id}"
