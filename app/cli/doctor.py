"""Looks the installation over: what is well, what limps, what is broken, and how to mend it."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.analytics.heartbeats import seconds_since_beat
from app.cli.invariants import broken
from app.kernel import outbox
from app.notifications import templates
from app.paper.fonts import missing_from
from app.paper.worker import pdf_available
from app.runtime import Runtime
from config import Settings

ROOT = Path(__file__).resolve().parent.parent.parent
WELL, LIMPS, BROKEN = "ok", "warn", "bad"
SIGNS = {WELL: "✓", LIMPS: "!", BROKEN: "✗"}
HEARTBEAT_SECONDS = 90


@dataclass(frozen=True)
class Finding:
    """What one check found: `state` ok, warn or bad; `fix` says what to type when it is not well."""

    name: str
    state: str
    seen: str
    fix: str = ""


def examine(runtime: Runtime) -> list[Finding]:
    """All findings, in the order in which they would be mended."""
    return [check(runtime) for check in CHECKS]


def exit_code(findings: list[Finding]) -> int:
    """0 when all is well, 1 when something limps, 2 when something is broken."""
    states = {finding.state for finding in findings}
    return 2 if BROKEN in states else 1 if LIMPS in states else 0


def _python(_: Runtime) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", WELL if sys.version_info >= (3, 11) else BROKEN, version, "install Python 3.11 or newer")


def _packages(_: Runtime) -> Finding:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8").partition("# --- demo ---")[0]
    wrong = []
    for name, version in re.findall(r"^([a-z0-9-]+)==([^ \\]+) \\$", lock, re.MULTILINE):
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found = "missing"
        if found != version:
            wrong.append(f"{name} {found}, not {version}")
    seen = "; ".join(wrong) or "as locked"
    return Finding("packages", LIMPS if wrong else WELL, seen, "pip install --require-hashes -r requirements.lock")


def _database(runtime: Runtime) -> Finding:
    try:
        with runtime.units.open(reads_only=True) as uow:
            stands_at = uow.session.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except DBAPIError as error:
        return Finding("database", BROKEN, type(error).__name__, "flask --app wsgi db upgrade")
    newest = max(path.name.split("_")[0] for path in (ROOT / "migrations" / "versions").glob("*.py"))
    is_newest = stands_at == newest
    return Finding("database", WELL if is_newest else BROKEN, f"at {stands_at}", "flask --app wsgi db upgrade")


def _promises(runtime: Runtime) -> Finding:
    try:
        with runtime.units.open(reads_only=True) as uow:
            counts = broken(uow)
    except DBAPIError as error:
        return Finding("invariants", BROKEN, type(error).__name__, "flask --app wsgi db upgrade")
    seen = "; ".join(f"{name}: {count}" for name, count in counts.items()) or "all hold"
    return Finding("invariants", BROKEN if counts else WELL, seen, "see docs/operations.md, broken promises")


def _pango(_: Runtime) -> Finding:
    is_there, reason = pdf_available()
    packages = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
    return Finding("pango", WELL if is_there else LIMPS, reason or "invoices print", f"apt-get install {packages}")


def _fonts(_: Runtime) -> Finding:
    missing = missing_from("门诊通挂号缴费取药发票复诊¥℃壹贰叁肆伍陆柒捌玖拾佰仟元角分整")
    return Finding("fonts", BROKEN if missing else WELL, "characters missing" if missing else "complete", "reinstall")


def _zone(runtime: Runtime) -> Finding:
    zone = str(runtime.settings.time_zone)
    state = WELL if zone == "Asia/Shanghai" else LIMPS
    return Finding("time zone", state, zone, "MENZHEN_TIME_ZONE=Asia/Shanghai")


def _jobs(runtime: Runtime) -> Finding:
    try:
        with runtime.units.open(reads_only=True) as uow:
            seconds = seconds_since_beat(uow)
    except DBAPIError as error:
        return Finding("jobs", BROKEN, type(error).__name__, "flask --app wsgi db upgrade")
    if seconds is None or seconds > HEARTBEAT_SECONDS:
        return Finding("jobs", LIMPS, "no job process has beaten lately", "python -m app.jobs")
    return Finding("jobs", WELL, f"beat {seconds} s ago")


def _outbox(runtime: Runtime) -> Finding:
    try:
        with runtime.units.open(reads_only=True) as uow:
            depth = outbox.depth(uow)
    except DBAPIError as error:
        return Finding("outbox", BROKEN, type(error).__name__, "flask --app wsgi db upgrade")
    dead = sum(count for (_, state), count in depth.items() if state == "dead")
    waiting = sum(count for (_, state), count in depth.items() if state in {"waiting", "sending"})
    fix = "look at the dead items in the staff console and send them again"
    return Finding("outbox", LIMPS if dead else WELL, f"{waiting} waiting, {dead} dead", fix)


def _logins(runtime: Runtime) -> Finding:
    if runtime.couriers.texts is None:
        return Finding("logins", LIMPS, "no gateway for text messages: nobody can log in by phone", "set SMS_BASE_URL")
    return Finding("logins", WELL, "codes go out by text message")


def _payments(runtime: Runtime) -> Finding:
    names = ", ".join(provider.name for provider in runtime.couriers.providers)
    return Finding("payments", WELL, names or "none on the phone: bills are paid at the window")


def _templates(runtime: Runtime) -> Finding:
    if not runtime.settings.wxoa.base_url:
        return Finding("wechat", WELL, "no Official Account")
    try:
        with runtime.units.open(reads_only=True) as uow:
            missing = templates.without_number(uow)
    except DBAPIError as error:
        return Finding("wechat", BROKEN, type(error).__name__, "flask --app wsgi db upgrade")
    seen = f"no template number for {', '.join(missing)}" if missing else "every message has a template number"
    return Finding("wechat", LIMPS if missing else WELL, seen, "enter the numbers at /staff/templates")


def _hl7(runtime: Runtime) -> Finding:
    where = (runtime.settings.hl7.host, runtime.settings.hl7.port)
    with socket.socket() as probe:
        probe.settimeout(1)
        answers = probe.connect_ex(where) == 0
    state, seen = (WELL, "listens") if answers else (LIMPS, "nobody listens")
    return Finding("hl7", state, f"{seen} at {where[0]}:{where[1]}", "python -m hl7_adapter")


def _disk(_: Runtime) -> Finding:
    free_gib = shutil.disk_usage(ROOT).free / 2**30
    return Finding("disk", WELL if free_gib > 1 else LIMPS, f"{free_gib:.1f} GiB free", "free some room")


def _keys(runtime: Runtime) -> Finding:
    settings: Settings = runtime.settings
    seen = "demo mode: demo keys are allowed" if settings.is_demo else "own keys"
    return Finding("keys", WELL, seen)


def _https(runtime: Runtime) -> Finding:
    is_safe = runtime.settings.is_demo or runtime.settings.base_url.startswith("https")
    return Finding("https", WELL if is_safe else LIMPS, runtime.settings.base_url, "MENZHEN_BASE_URL=https://…")


CHECKS: tuple[Callable[[Runtime], Finding], ...] = (
    _python,
    _packages,
    _database,
    _promises,
    _pango,
    _fonts,
    _zone,
    _keys,
    _https,
    _jobs,
    _hl7,
    _outbox,
    _logins,
    _payments,
    _templates,
    _disk,
)
