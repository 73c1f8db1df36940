"""The HL7 log: how the exchange is doing, and every message in and out, found by the numbers in it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from flask import redirect, url_for
from flask_babel import gettext

from app.kernel import audit, message_keys, message_search
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.message_keys import Direction, KeyKind
from app.kernel.message_search import SOURCE, Reason, Wanted
from app.kernel.outbox import OutboxItem, OutboxState
from app.kernel.uow import Uow
from app.web import edge, show_work, work
from app.web.staff import ADMIN, IT, PLACE, blueprint
from app.web.staff.hl7_strip import strip
from app.web.staff.lists import address, asked, field, paging, time_fields

STATES = {Direction.IN: InboxState, Direction.OUT: OutboxState}
# What a search may say; a patient's number is typed into the form and stands in the address as a blind index only.
TERMS = (
    *("direction", "control", "visit", "order", "type", "peer", "state", "error"),
    *("from", "from_at", "to", "to_at", "patient"),
)
_NUMBERS = {"control": KeyKind.CONTROL, "visit": KeyKind.VISIT, "order": KeyKind.ORDER, "patient": KeyKind.PATIENT}
_FAILED = {
    Direction.IN: (InboxState.REFUSED, message_search.refusals),
    Direction.OUT: (OutboxState.DEAD, message_search.failures),
}
_INDEX = re.compile(r"[0-9a-f]{32}", re.ASCII)


@blueprint.get("/hl7")
@work.needs(ADMIN, IT)
def hl7() -> edge.Answer:
    """Messages of one direction that fit the search, newest first, below what is told of the exchange's health."""
    uow = edge.current_uow()
    direction = direction_asked()
    wanted = wanted_of(uow, direction)
    rows: Sequence[InboxItem | OutboxItem] = (
        message_search.received(uow, wanted) if direction is Direction.IN else message_search.sent(uow, wanted)
    )
    return work.page(
        "staff/hl7.html",
        PLACE,
        strip=strip(uow),
        direction=direction,
        tabs=[
            {"label": words, "href": url_for("staff.hl7", direction=name), "current": name == direction}
            for name, words in zip(Direction, (gettext("收到"), gettext("发出")), strict=True)
        ],
        filters=_filters(uow, direction),
        patient=work.asked("patient"),
        again_href=address("staff.hl7_again", terms_asked()),
        without_patient=address("staff.hl7", {**terms_asked(), "patient": ""}),
        can_repeat=IT in edge.actor().roles,
        rows=[in_row(row) if isinstance(row, InboxItem) else out_row(row) for row in rows],
        reasons=[_reason(each) for each in _reasons(uow, direction, wanted)],
        paging=paging(rows),
    )


@blueprint.post("/hl7")
@work.needs(ADMIN, IT)
def hl7_search() -> edge.Answer:
    """The search as an address that names nobody; that somebody's messages were looked for is on record."""
    uow = edge.current_uow()
    terms = {name: work.typed(name, 80) for name in TERMS}
    number = work.typed("patient_number", 80)
    if number:
        terms["patient"] = message_keys.searched(uow, KeyKind.PATIENT, number)
        audit.record(uow, "hl7.search", "hl7_message", "", by="patient_number")
    return redirect(address("staff.hl7", {name: value for name, value in terms.items() if value}))


def terms_asked() -> dict[str, str]:
    """What the address says of a search, without the page."""
    return {name: work.asked(name, 80) for name in TERMS if work.asked(name, 80)}


def direction_asked() -> Direction:
    """The direction that the address asks for; what came in, unless it says otherwise."""
    return Direction(work.one_of(work.asked("direction", 3), Direction, Direction.IN))


def wanted_of(uow: Uow, direction: Direction) -> Wanted:
    """The search that stands in the address."""
    given = asked(uow, STATES[direction])
    numbers = [(kind, work.asked(name, 80)) for name, kind in _NUMBERS.items()]
    return Wanted(
        numbers=tuple((kind, value) for kind, value in numbers if value),
        kind=work.asked("type", 40),
        peer=work.asked("peer", 80),
        state=given.state,
        error=work.asked("error", 80),
        since=given.since,
        until=given.until,
        before_id=given.before_id,
    )


def _filters(uow: Uow, direction: Direction) -> list[dict[str, object]]:
    senders = [("", gettext("全部")), *((name, name) for name in message_search.senders(uow))]
    peer = field("peer", gettext("对方"), options=senders if direction is Direction.IN else None)
    has_patient = bool(_INDEX.fullmatch(work.asked("patient")))
    return [
        {"name": "patient_number", "label": gettext("患者号"), "value": "", "is_kept": has_patient},
        field("visit", gettext("就诊号")),
        field("order", gettext("处方号、医嘱号或付款单号")),
        field("control", gettext("控制号")),
        field("type", gettext("类型")),
        peer,
        field("state", gettext("状态"), options=show_work.options(STATES[direction])),
        field("error", gettext("错误")),
        *time_fields(),
    ]


def _reasons(uow: Uow, direction: Direction, wanted: Wanted) -> list[Reason]:
    """Why the messages of a search for refused ones, or dead letters, came to nothing; nothing of any other search."""
    failed, why = _FAILED[direction]
    is_asked_for = wanted.state == failed or (wanted.error and not wanted.state)
    return why(uow, wanted) if is_asked_for else []


def _reason(each: Reason) -> dict[str, object]:
    error = " ".join(part for part in (each.error, each.place) if part) or "—"
    narrowed = {**terms_asked(), "error": each.error, "type": each.kind}
    return {
        "count": each.count,
        "error": error,
        "href": address("staff.hl7", {**narrowed, "peer": each.peer} if each.peer else narrowed) if each.error else "",
        "kind": each.kind.strip("^") or "—",
        "peer": each.peer or "—",
        "first": show_work.exact(each.first_at),
        "last": show_work.exact(each.last_at),
    }


def _tag(item: InboxItem | OutboxItem) -> dict[str, str]:
    tag = show_work.tag(item.state)
    if isinstance(item, OutboxItem) and item.is_silent:
        tag = {"kind": "info", "text": gettext("无需发送")}
    elif isinstance(item, OutboxItem) and item.is_laid_to_rest:
        tag = {"kind": "warn", "text": gettext("未送达，已由人处理")}
    return {**tag, "text": gettext("%(state)s（内容已清除）", state=tag["text"])} if item.emptied_at else tag


def in_row(item: InboxItem) -> dict[str, object]:
    """A received message as a row of the list."""
    return {
        "at": show_work.exact(item.received_at),
        "kind": item.kind.strip("^") or "—",
        "key": item.key,
        "peer": item.source.removeprefix(SOURCE),
        "tag": _tag(item),
        "error": " ".join(part for part in (item.error_code, item.error_place) if part),
        "repeats": item.repeats,
        "href": url_for("staff.hl7_in", item_id=item.id),
    }


def out_row(item: OutboxItem) -> dict[str, object]:
    """A message to another system as a row of the list; before it is written, the event and its key stand for it."""
    event = str(item.payload.get("event", "—"))
    return {
        "at": show_work.exact(item.posted_at),
        "kind": event if item.kind in ("", event) else f"{item.kind} {event}",
        "key": item.control_id if item.peer else item.key,
        "peer": item.peer or item.lane,
        "tag": _tag(item),
        "error": item.last_error,
        "repeats": max(item.tries - 1, 0),
        "href": url_for("staff.hl7_out", item_id=item.id),
    }
