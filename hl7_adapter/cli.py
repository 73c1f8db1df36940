"""What hospital IT types: `flask --app wsgi hl7 …` explains a message, sends one, takes some again, and serves."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from flask import Flask
from flask.cli import with_appcontext

from app.kernel import message_keys, message_search, outbox, peers, replays
from app.kernel.clock import at_hospital, hospital_day
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.message_keys import KeyKind
from app.kernel.message_search import Wanted
from app.kernel.uow import Actor, Units, Uow
from app.runtime import runtime
from hl7_adapter import send as sending
from hl7_adapter.__main__ import main as serve
from hl7_adapter.ack import Header, read_header
from hl7_adapter.gate import Door
from hl7_adapter.judging import Case, Outcome, judge
from hl7_adapter.ledger import exported
from hl7_adapter.lint import SIGNS, explain
from hl7_adapter.mapping.agreed import WITHOUT_EFFECT
from hl7_adapter.mapping.refusals import MessageRefused
from hl7_adapter.mllp import NoAnswer
from hl7_adapter.pulling import NotAnswered, pull
from hl7_adapter.status import told_of
from hl7_adapter.transports import read_batch

_STATES = {
    InboxState.RECEIVED: "kept until its patient is on file",
    InboxState.DONE: "done",
    InboxState.FILED: "filed without effect",
    InboxState.REFUSED: "refused",
}
OPERATOR = Actor("job", "operator")
SHOWN = 20
_NUMBERS = {
    "patient": KeyKind.PATIENT,
    "visit": KeyKind.VISIT,
    "order": KeyKind.ORDER,
    "control": KeyKind.CONTROL,
}
_TERMS = (*_NUMBERS, "type", "peer", "state", "error", "from", "to")


def register(application: Flask) -> None:
    """The commands are known to `flask`."""
    application.cli.add_command(hl7_command)


@click.group("hl7")
def hl7_command() -> None:
    """HL7 v2 messages."""


@hl7_command.command("serve")
def serve_command() -> None:
    """Listen, send and take again until SIGTERM; the same as `python -m hl7_adapter`."""
    sys.exit(serve())


@hl7_command.command("send")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=2575, show_default=True)
def send_command(file: Path, host: str, port: int) -> None:
    """Send FILE and say what was answered; exit code 0 accepted, 1 refused, 2 no answer."""
    sys.exit(sending.main([str(file), "--host", host, "--port", str(port)]))


@hl7_command.command("lint")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--try/--no-try", "is_tried", default=True, help="say what would be answered here now; nothing is kept")
@with_appcontext
def lint_command(file: Path, is_tried: bool) -> None:
    """Explain the message in FILE to a person, or each of a batch; exit code 1 when one would be refused."""
    raw = file.read_bytes()
    batch = read_batch(raw)
    messages = [each for part in batch.parts for each in part.messages] if batch else [raw]
    if batch:
        _say(f"a batch of {len(messages)} messages, each taken and answered by itself")
    refused = [_explained(message, is_tried=is_tried) for message in messages]
    sys.exit(1 if any(refused) else 0)


def _explained(raw: bytes, *, is_tried: bool) -> bool:
    findings = explain(raw)
    for finding in findings:
        _say(f"{SIGNS[finding.level]} {finding.place:<12} {finding.words}")
    if not is_tried:
        return any(finding.level == "fault" for finding in findings)
    outcome = tried(runtime().units, raw)
    _say(f"answered now: {_words(outcome)}")
    return outcome is not None and outcome.state is InboxState.REFUSED


def _say(words: str, *, err: bool = False) -> None:
    click.echo(sending.legible(words), err=err)


def tried(units: Units, raw: bytes) -> Outcome | None:
    """What would become of the message here and now; nothing of it stays. None for an answer, which gets none."""
    read = read_header(raw)
    head = read if isinstance(read, Header) else read.header
    if head.is_answer:
        return None
    uow = units.begin(OPERATOR)
    try:
        peer = peers.peer_for(uow, *(part[:227] for part in head.sender))
        return judge(uow, Case(read_header(raw, peer.charset), peer, "|".join(head.sender)), Door(is_operator=True))
    finally:
        units.drop(uow)


def _words(outcome: Outcome | None) -> str:
    if outcome is None:
        return "nothing, since it is an answer itself"
    lines = [f"{outcome.answer}, {_STATES[outcome.state]}" + (f" ({outcome.subject})" if outcome.subject else "")]
    silenced = [note.removesuffix(WITHOUT_EFFECT).strip() for note in outcome.noted if note.endswith(WITHOUT_EFFECT)]
    lines += [
        f"  {place}: a code in no table, which asks for nothing; agree on it in the console" for place in silenced
    ]
    lines += [f"  {fault.code} at {fault.location or 'no place'}: {fault.text}" for fault in outcome.faults]
    return "\n".join(lines)


@hl7_command.command("ledger")
@click.option("--day", "since_day", default="", help="places taken since this day began (2026-11-23); today")
@with_appcontext
def ledger_command(since_day: str) -> None:
    """Print the application's ledger as JSON: every visit with its states, money, drugs and reports."""
    units = runtime().units
    try:
        day = date.fromisoformat(since_day) if since_day else hospital_day(units.clock.now(), units.zone)
    except ValueError as wrong:
        raise click.BadParameter(f"{since_day}: a day such as 2026-11-23") from wrong
    _say(json.dumps(exported(units, day), ensure_ascii=False, indent=1))


@hl7_command.command("replay")
@click.option("--filter", "terms", multiple=True, metavar="NAME=VALUE", help=f"one of {', '.join(_TERMS)}; repeatable")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, replays.AT_ONCE))
@click.option("--reason", default="", help="why; needed unless --dry-run")
@click.option("--dry-run", "is_dry", is_flag=True, help="say how many and which, and do nothing")
@with_appcontext
def replay_command(terms: tuple[str, ...], limit: int, reason: str, is_dry: bool) -> None:
    """Hand messages in again, oldest first: refused ones unless --filter state=… says otherwise."""
    if not is_dry and not reason.strip():
        raise click.UsageError("--reason is needed: who replays, and why, is on record")
    with runtime().units.open(OPERATOR) as uow:
        found = message_search.received(uow, wanted(uow, terms), limit=limit, is_oldest_first=True)
        try:
            if not is_dry:
                replays.ask_all(uow, found, reason=reason)
        except outbox.Emptied as refusal:
            raise click.UsageError(
                "some are no longer kept and cannot be taken again: add --filter from=…"
            ) from refusal
    _list(found, runtime().settings.time_zone)
    _say(f"{len(found)} {'would be' if is_dry else 'are'} handed in again")


@hl7_command.command("status")
@click.option("--from", "since", default="", help="count refusals from then on: 2026-11-23, 2026-11-23T02:10; today")
@with_appcontext
def status_command(since: str) -> None:
    """Say what waits and since when, who does not answer, and what was refused since midnight and why.

    Exit code 1 when something waits too long, is dead, or was refused.
    """
    with runtime().units.open(OPERATOR, reads_only=True) as uow:
        told = told_of(uow, _moment(since or uow.today().isoformat(), time(0), uow))
    _say("\n".join(told.lines))
    sys.exit(1 if told.is_ill else 0)


@hl7_command.command("pull-slots")
@click.argument("system", metavar="PEER")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="the first day; today without one")
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 62))
@with_appcontext
def pull_slots_command(system: str, first: datetime | None, days: int) -> None:
    """Ask the system called PEER (its name on the console) for its doctors' time, SQM^S25, and take it over.

    Exit code 0 when all stands here as it was told, 1 when some of it could not, 2 without an answer.
    """
    app, zone = runtime(), runtime().settings.time_zone
    with app.units.open(OPERATOR, reads_only=True) as uow:
        peer = next((each for each in peers.peers(uow) if system in (each.name, each.application)), None)
        begins = first.date() if first else uow.today()
    if peer is None:
        raise click.BadParameter(f"{system}: no system on file has this name")
    try:
        applied = pull(app.units, app.settings.hl7, peer, (begins, begins + timedelta(days=days - 1)))
    except (NotAnswered, NoAnswer, MessageRefused, OSError) as failure:
        _say(f"{peer.name} told nothing: {failure or type(failure).__name__}", err=True)
        sys.exit(2)
    for each in applied:
        slot = each.slot.time
        span = f"{slot.starts_at.astimezone(zone):%Y-%m-%d %H:%M} {slot.minutes} min"
        _say(f"{each.slot.state:<8} {slot.doctor:<12} {span}  {each.code}".rstrip())
    refused = sum(1 for each in applied if each.code)
    _say(f"{len(applied)} times told, {refused} could not be taken over")
    sys.exit(1 if refused else 0)


def wanted(uow: Uow, terms: Sequence[str]) -> Wanted:
    """The search that the terms (`order=RX1`) make; raises click.BadParameter for one that says nothing."""
    said = {"state": InboxState.REFUSED.value}
    for term in terms:
        name, _, value = term.partition("=")
        if name not in _TERMS or not value:
            raise click.BadParameter(f"{term}: NAME=VALUE with NAME one of {', '.join(_TERMS)}")
        said[name] = value
    if said["state"] not in {state.value for state in InboxState}:
        raise click.BadParameter(f"state is one of {', '.join(InboxState)}")
    numbers = ((kind, message_keys.searched(uow, kind, said.get(name, ""))) for name, kind in _NUMBERS.items())
    return Wanted(
        numbers=tuple((kind, value) for kind, value in numbers if value),
        kind=said.get("type", ""),
        peer=said.get("peer", ""),
        state=said["state"],
        error=said.get("error", ""),
        since=_moment(said.get("from", ""), time(0), uow),
        until=_moment(said.get("to", ""), time(23, 59, 59, 999999), uow),
    )


def _moment(text: str, otherwise: time, uow: Uow) -> datetime | None:
    """A day, at `otherwise`, or a day and a time (2026-11-23T02:10, the whole minute), of the hospital's."""
    if not text:
        return None
    day, _, at = text.replace(" ", "T").partition("T")
    try:
        told = time.fromisoformat(at).replace(second=otherwise.second, microsecond=otherwise.microsecond)
    except ValueError:
        told = otherwise
        day = text
    try:
        return at_hospital(date.fromisoformat(day), told, uow.zone)
    except ValueError as wrong:
        raise click.BadParameter(f"{text}: a day such as 2026-11-23, or with a time 2026-11-23T02:10") from wrong


def _list(items: Sequence[InboxItem], zone: ZoneInfo) -> None:
    for item in items[:SHOWN]:
        at = item.received_at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
        error = " ".join(part for part in (item.error_code, item.error_place) if part)
        _say(f"{item.id:>9} {at} {item.kind:<12} {item.key} {item.source.removeprefix('hl7:')} {error}")
    if len(items) > SHOWN:
        _say(f"    … and {len(items) - SHOWN} more")
