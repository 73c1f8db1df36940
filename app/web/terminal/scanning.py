"""The scan of a patient's code: stored and answered, shown as a verdict that is read in two seconds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from flask import Response, jsonify, redirect, request, url_for
from flask_babel import gettext

from app.kernel.errors import BadInput
from app.pharmacy import for_staff
from app.pharmacy import service as pharmacy
from app.pharmacy.models import Bag
from app.pharmacy.scanning import ScanResult
from app.pharmacy.states import ScanCode, ScanKind, Verdict
from app.runtime import runtime
from app.web import edge, show, work
from app.web.terminal import PLACE, blueprint
from app.web.terminal.handed import just_handed_over
from app.web.terminal.place import is_chosen, terminal
from app.web.terminal.verdicts import verdict_facts

MOST_SCANS_PER_MINUTE = 120


@blueprint.get("/")
def home() -> edge.Answer:
    """Ready for the next patient's code; a terminal without a window chooses one first."""
    if not is_chosen():
        return redirect(url_for("terminal.choose_window"))
    uow = edge.current_uow()
    here = terminal()
    queue = pharmacy.queue(uow, window_code=here.window_code)
    return work.page(
        "terminal/ready.html",
        PLACE,
        window=_window_name(here.window_code),
        nonce=edge.once_key(),
        counts=_counts([bag for bag, _ in queue]),
        handed=just_handed_over(uow, here),
    )


def _counts(bags: list[Bag]) -> list[dict[str, object]]:
    states = [bag.state.value for bag in bags]
    return [
        {"value": states.count("queued"), "label": gettext("等待配药"), "href": url_for("terminal.picking_queue")},
        {"value": states.count("picking"), "label": gettext("正在配药"), "href": url_for("terminal.picking_queue")},
        {"value": states.count("ready"), "label": gettext("可以取药"), "href": url_for("terminal.picking_queue")},
    ]


def _window_name(code: str) -> str:
    window = pharmacy.window_by_code(edge.current_uow(), code)
    return window.name if window else code


def _with_window_name(facts: Mapping[str, object]) -> dict[str, object]:
    named = {"window": _window_name(str(facts["window"]))} if facts.get("window") else {}
    return {**facts, **named}


def sent() -> dict[str, str]:
    """What was sent, as a form or as JSON; a JSON body that is no object counts as empty."""
    if request.is_json:
        body = request.get_json(silent=True)
        return {str(name): str(value) for name, value in body.items()} if isinstance(body, dict) else {}
    return dict(request.form.items())


def nonce_of(said: dict[str, str]) -> str:
    """The scan's nonce, 8 to 64 characters; refuses `bad_input` without one."""
    nonce = work.clean(said.get("nonce", ""), 65)
    if not 8 <= len(nonce) <= 64:
        raise BadInput(fields={"nonce": "length"})
    return nonce


def _occurred_at(said: dict[str, str]) -> datetime | None:
    text = said.get("occurred_at", "")
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
        return instant.astimezone(UTC) if instant.tzinfo else None
    except (ValueError, OverflowError) as error:
        raise BadInput(fields={"occurred_at": "not_an_instant"}) from error


@blueprint.post("/scan")
def scan() -> edge.Answer:
    """The code is judged once for its nonce; leads to the verdict, or says it as JSON (ids and codes only)."""
    here, said = terminal(), sent()
    nonce, occurred_at = nonce_of(said), _occurred_at(said)
    edge.limit("terminal.scan", here.code, at_most=MOST_SCANS_PER_MINUTE, window_seconds=60)
    result = pharmacy.redeem(
        edge.current_uow(),
        digits=work.clean(said.get("digits", ""), 200),
        nonce=nonce,
        terminal=here,
        key=runtime().settings.pickup_key,
        occurred_at=occurred_at,
    )
    if request.accept_mimetypes.best == "application/json":
        return as_json(result)
    if result.verdict == Verdict.GRANTED:
        return redirect(url_for("terminal.serve", bag_id=result.bag_public_id))
    return redirect(url_for("terminal.scanned", scan_id=result.scan_public_id))


def as_json(result: ScanResult) -> Response:
    """The stored answer for a machine: no name, no drug."""
    return jsonify(
        verdict=result.verdict.value,
        code=result.code.value,
        scan=result.scan_public_id,
        bag=result.bag_public_id,
        facts=result.facts,
        is_repeat=result.is_repeat,
    )


@blueprint.get("/scans/<scan_id>")
def scanned(scan_id: str) -> edge.Answer:
    """The verdict on one scan of this terminal, and the box for the next one."""
    uow = edge.current_uow()
    row = for_staff.scan_of_terminal(uow, scan_id, terminal())
    bag = for_staff.bag_of_scan(uow, row)
    if row.kind == ScanKind.PICKUP and row.code == ScanCode.OK and bag:
        return redirect(url_for("terminal.serve", bag_id=bag.public_id))
    return work.page(
        "terminal/scanned.html",
        PLACE,
        verdict_of=verdict_facts(row.code, _with_window_name(row.facts)),
        scanned_at=show.clock_time(row.scanned_at),
        nonce=edge.once_key(),
    )
