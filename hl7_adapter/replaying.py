"""Takes messages again that a person handed in: through the same door, with the same effect and answer as any other."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from sqlalchemy.exc import OperationalError

from app.kernel import audit, message_keys, outbox, replays
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.message_keys import Direction, KeyKind
from app.kernel.outbox import OutboxItem
from app.kernel.uow import Actor, Units, Uow
from hl7_adapter.ack import each_of
from hl7_adapter.er7 import parse
from hl7_adapter.gate import Door
from hl7_adapter.intake import receive

AT_ONCE = 20
LEASE_SECONDS = 120
POLL_SECONDS = 1.0
OPERATOR_DOOR = Door(is_operator=True)
_CONTROL_ID_FIELD = 9  # MSH-10, counted in the split first line: MSH-1 is the separator itself
_US = Actor("peer", "hl7-replayer")
_log = logging.getLogger("hl7_adapter.replaying")


class NoHead(ValueError):
    """The message has no MSH with a place for a control id, so no copy of it can be made."""


class Replayer:
    """Takes what was handed in until it is told to stop; two at once do no harm."""

    def __init__(self, units: Units) -> None:
        """Nothing is taken yet."""
        self.stopping = asyncio.Event()
        self._units = units

    async def run(self) -> None:
        """Takes round after round until `stopping` is set; the message in hand is finished first."""
        while not self.stopping.is_set():
            try:
                taken = await asyncio.to_thread(take_again, self._units)
            except Exception as failure:  # noqa: BLE001 - the database may be away for a while; the replayer stays
                _log.warning("nothing could be taken again", extra={"code": type(failure).__name__})
                taken = 0
            if not taken:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.stopping.wait(), POLL_SECONDS)


def take_again(units: Units) -> int:
    """Takes up to 20 of the messages that were handed in, in the order of asking; returns how many."""
    with units.open(_US) as uow:
        requests = outbox.claim(uow, replays.TOPIC, limit=AT_ONCE, lease_seconds=LEASE_SECONDS)
    for request in requests:
        try:
            _take(units, request)
        except OperationalError:
            raise
        except Exception as failure:  # noqa: BLE001 - one that cannot be taken must not hold up the others
            code = "not_sendable" if isinstance(failure, (NoHead, UnicodeEncodeError)) else type(failure).__name__
            _log.warning("a message could not be taken again", extra={"item": request.id, "code": code})
            with units.open(_US) as uow:
                outbox.mark_failed(uow, request.id, code, is_final=True)
    return len(requests)


def _take(units: Units, request: OutboxItem) -> None:
    original_id, control_id = int(request.payload["inbox_id"]), str(request.payload["control_id"])
    with units.open(_US, reads_only=True) as uow:
        raw = request.body or uow.session.get_one(InboxItem, original_id).body
    if not raw:  # it was emptied between the asking and this
        raise outbox.Emptied
    answer = receive(units, with_control_id(raw, control_id) if control_id else raw, OPERATOR_DOOR) or b""
    with units.open(_US) as uow:
        result_id: int | None = original_id
        if control_id:
            result_id = message_keys.newest_with(uow, Direction.IN, KeyKind.CONTROL, control_id)
            if result_id is not None:
                copy = uow.session.get_one(InboxItem, result_id)
                copy.copy_of_id = original_id
                _close_mended(uow, original_id, copy)
        item = uow.session.get_one(OutboxItem, request.id)
        item.payload = {**item.payload, "result_id": result_id}
        outbox.mark_sent(uow, request.id, answer=answer)
        code = answered(answer)
        audit.record(
            uow,
            "hl7.replayed",
            "hl7_message",
            original_id,
            outcome="ok" if code in ("AA", "CA") else code or "no_answer",
            result=result_id,
            request=request.key,
            asked_by=request.payload["by"],
        )


def _close_mended(uow: Uow, original_id: int, copy: InboxItem) -> None:
    """A refused message whose mended copy had its effect needs nobody any more; its code and place stay on it.

    A copy of another type is no mended one: it was made to prepare the ground.
    """
    original = uow.session.get_one(InboxItem, original_id)
    if copy.state is InboxState.DONE and copy.kind == original.kind:
        replays.lay_to_rest(uow, original, mended_by=copy.id)


def answered(answer: bytes) -> str:
    """MSA-1 of the last of the answers; '' without one."""
    each = each_of(answer)
    return parse(each[-1]).get("MSA-1") if each else ""


def with_control_id(raw: bytes, control_id: str) -> bytes:
    """The same message under another MSH-10, every other byte as it was; raises NoHead."""
    message = parse(raw)
    heads = message.segments("MSH")
    head, mark = heads[0].raw if heads else "", message.delimiters.field
    fields = head.split(mark)
    if len(fields) <= _CONTROL_ID_FIELD:
        raise NoHead
    fields[_CONTROL_ID_FIELD] = control_id
    text = message.decoded.text.replace(head, mark.join(fields), 1)
    return message.decoded.bom + text.encode(message.decoded.codec)
