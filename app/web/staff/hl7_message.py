"""One HL7 message: what was sent, answered and done; persons are hidden until there is a reason to see them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from flask import flash, redirect, request, url_for
from flask_babel import gettext

from app.identity import for_staff
from app.kernel import audit, logbook, message_search, replays
from app.kernel.audit import AuditEvent
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.message_search import SOURCE, TOPIC
from app.kernel.outbox import OutboxItem, OutboxState
from app.kernel.uow import Uow
from app.web import edge, show_work, work
from app.web.staff import ADMIN, IT, PLACE, blueprint
from app.web.staff.hl7 import in_row, out_row
from app.web.staff.hl7_masking import codec_of, lines_of, masked, text_of
from app.web.staff.hl7_tree import fault_in_answer, shown
from app.web.words import title_for_staff

EDITED_CHARS_AT_MOST = 300_000


@blueprint.get("/hl7/in/<int:item_id>")
@work.needs(ADMIN, IT)
def hl7_in(item_id: int) -> edge.Answer:
    """A received message and our answer, persons hidden; the look is on record."""
    uow = edge.current_uow()
    item = logbook.received_item(uow, SOURCE, item_id)
    audit.record(uow, "hl7.read", "inbox", item.key)
    return _in_page(uow, item, is_revealed=False)


@blueprint.post("/hl7/in/<int:item_id>/reveal")
@work.needs(IT)
def hl7_in_reveal(item_id: int) -> edge.Answer:
    """The same with its persons, and the form for an edited copy; who looked and why is on record."""
    uow = edge.current_uow()
    item = logbook.received_item(uow, SOURCE, item_id)
    audit.record(uow, "hl7.reveal", "hl7_message", item.id, reason=replays.given(request.form.get("reason", "")))
    return _in_page(uow, item, is_revealed=True)


@blueprint.post("/hl7/in/<int:item_id>/replay")
@work.needs(IT)
@edge.do_once
def hl7_replay(item_id: int) -> edge.Answer:
    """The message, or the edited copy in the form, is handed in again; the page tells what became of it."""
    uow = edge.current_uow()
    item = logbook.received_item(uow, SOURCE, item_id)
    edited = _edited(item) if "text" in request.form else None
    replays.ask(uow, item, reason=request.form.get("reason", ""), edited=edited)
    flash(gettext("已交给接口程序重放，几秒后刷新查看结果"), "ok")
    return redirect(url_for("staff.hl7_in", item_id=item_id))


@blueprint.post("/hl7/in/<int:item_id>/close")
@work.needs(ADMIN, IT)
def close_refused(item_id: int) -> edge.Answer:
    """A refused message that a person has dealt with leaves the work list; its code and place stay on it."""
    uow = edge.current_uow()
    item = logbook.received_item(uow, SOURCE, item_id)
    if replays.lay_to_rest(uow, item):
        flash(gettext("已标记为处理完毕"), "ok")
    return redirect(url_for("staff.hl7", state=InboxState.REFUSED.value))


@blueprint.get("/hl7/out/<int:item_id>")
@work.needs(ADMIN, IT)
def hl7_out(item_id: int) -> edge.Answer:
    """A message to the hospital system and its answer, persons hidden; before the first try, what it will tell."""
    uow = edge.current_uow()
    item = logbook.posted_item(uow, TOPIC, item_id)
    audit.record(uow, "hl7.read", "outbox", item.key)
    return _out_page(uow, item, is_revealed=False)


@blueprint.post("/hl7/out/<int:item_id>/reveal")
@work.needs(IT)
def hl7_out_reveal(item_id: int) -> edge.Answer:
    """The same with its persons; who looked and why is on record."""
    uow = edge.current_uow()
    item = logbook.posted_item(uow, TOPIC, item_id)
    audit.record(uow, "hl7.reveal", "outbox", item.key, reason=replays.given(request.form.get("reason", "")))
    return _out_page(uow, item, is_revealed=True)


@blueprint.post("/hl7/out/<int:item_id>/rest")
@work.needs(ADMIN, IT)
def lay_to_rest(item_id: int) -> edge.Answer:
    """A dead letter that a person saw to otherwise is sent no more; who says so and why is on record."""
    uow = edge.current_uow()
    item = logbook.posted_item(uow, TOPIC, item_id)
    reason = replays.given(request.form.get("reason", ""))
    if replays.lay_to_rest(uow, item, reason=reason):
        flash(gettext("已标记为处理完毕"), "ok")
    return redirect(url_for("staff.hl7_out", item_id=item_id))


def _edited(item: InboxItem) -> bytes:
    """What was typed, in the original's character set and with the standard's line ends."""
    lines = request.form.get("text", "").replace("\x0b", "").replace("\x1c", "").splitlines()
    text = "".join(f"{line}\r" for line in lines if line.strip())
    codec = codec_of(item.body)
    try:
        return text.encode("utf-8" if codec == "utf-8-sig" else codec)
    except UnicodeEncodeError as foreign:
        raise replays.CopyNotValid(fields={"text": "not_in_charset"}) from foreign


def _in_page(uow: Uow, item: InboxItem, *, is_revealed: bool) -> str:
    said, why = _visible(item.body, is_revealed=is_revealed), title_for_staff(item.error_code)
    copies = message_search.copies_of(uow, item)
    is_editable = is_revealed and not item.emptied_at and len(said) <= EDITED_CHARS_AT_MOST
    return work.page(
        "staff/hl7_message.html",
        PLACE,
        row=in_row(item),
        facts=[
            *([{"label": gettext("原因"), "value": why}] if why else []),
            {"label": gettext("应答"), "value": _answered(item)},
            {"label": gettext("对象"), "value": item.subject_ref or "—"},
        ],
        request_segments=shown(said, item.error_place),
        answers=_answers(item.answer, is_revealed=is_revealed),
        done=show_work.exact(item.done_at),
        deeds=_deeds(uow, [*logbook.deeds_on(uow, "hl7_message", str(item.id)), *logbook.deeds_by(uow, item)]),
        links=_links(item, copies),
        requests=[_request(each) for each in replays.requests_for(uow, item.id)],
        is_revealed=is_revealed,
        emptied=show_work.exact(item.emptied_at),
        reveal_href="" if item.emptied_at else _for_it("staff.hl7_in_reveal", item.id),
        replay_href="" if item.emptied_at else _for_it("staff.hl7_replay", item.id),
        is_copied=replays.needs_copy(item),
        text=said if is_editable else "",
        list_href=url_for("staff.hl7"),
        close_href=url_for("staff.close_refused", item_id=item.id) if item.state == InboxState.REFUSED else "",
        again_href="",
        rest_href="",
        unanswered=gettext("还没有应答"),
    )


def _out_page(uow: Uow, item: OutboxItem, *, is_revealed: bool) -> str:
    planned = (
        "" if item.body or item.emptied_at else json.dumps(item.payload, ensure_ascii=False, indent=1, sort_keys=True)
    )
    said = _visible(item.body, is_revealed=is_revealed) if item.body else ""
    fault = fault_in_answer(lines_of(text_of(item.answer))) if item.answer else ""
    is_dead = item.state == OutboxState.DEAD
    return work.page(
        "staff/hl7_message.html",
        PLACE,
        row=out_row(item),
        facts=[{"label": gettext("事件"), "value": item.key}],
        planned=planned,
        emptied=show_work.exact(item.emptied_at),
        request_segments=shown(said, fault),
        answers=_answers(item.answer, is_revealed=is_revealed),
        done=show_work.exact(item.sent_at),
        deeds=_deeds(uow, logbook.deeds_on(uow, "outbox", item.key[:64])),
        links=[],
        requests=[],
        is_revealed=is_revealed,
        reveal_href=_for_it("staff.hl7_out_reveal", item.id) if item.body else "",
        replay_href="",
        list_href=url_for("staff.hl7", direction="out"),
        close_href="",
        again_href=url_for("staff.send_again", item_id=item.id) if is_dead else "",
        rest_href=url_for("staff.lay_to_rest", item_id=item.id) if is_dead else "",
        unanswered=gettext("没有发出消息：对方不需要知道这件事") if item.is_silent else gettext("还没有应答"),
    )


def _visible(body: bytes, *, is_revealed: bool) -> str:
    return lines_of(text_of(body)) if is_revealed else masked(text_of(body))


def _answers(answer: bytes | None, *, is_revealed: bool) -> list[object]:
    return list(shown(_visible(answer, is_revealed=is_revealed))) if answer else []


def _answered(item: InboxItem) -> str:
    time = "" if item.took_ms is None else f"{item.took_ms} ms"
    return " · ".join(part for part in (item.answer_code, time) if part) or "—"


def _for_it(endpoint: str, item_id: int) -> str:
    return url_for(endpoint, item_id=item_id) if IT in edge.actor().roles else ""


def _links(item: InboxItem, copies: Sequence[InboxItem]) -> list[dict[str, str]]:
    original = [(gettext("原消息"), item.copy_of_id)] if item.copy_of_id else []
    made = [(gettext("副本 %(key)s", key=copy.key), copy.id) for copy in copies]
    return [{"label": label, "href": url_for("staff.hl7_in", item_id=item_id)} for label, item_id in (*original, *made)]


def _request(each: OutboxItem) -> dict[str, object]:
    result_id = each.payload.get("result_id")
    return {
        "at": show_work.exact(each.posted_at),
        "key": each.key,
        "tag": show_work.tag(each.state),
        "error": each.last_error or "—",
        "href": url_for("staff.hl7_in", item_id=result_id) if result_id else "",
    }


def _deeds(uow: Uow, rows: Sequence[AuditEvent]) -> list[list[str]]:
    names = for_staff.names_by_ref(uow, {row.actor_ref for row in rows if row.actor_kind == "staff"})
    return [
        [
            show_work.exact(row.happened_at),
            names.get(row.actor_ref) or f"{row.actor_kind} {row.actor_ref}".strip(),
            row.action,
            f"{row.subject_kind} {row.subject_ref}".strip(),
            row.outcome,
            str(row.detail.get("reason", "")) or ", ".join(row.detail.get("noted", ())) or "—",
        ]
        for row in sorted(rows, key=lambda row: row.id)
    ]
