"""A rehearsal from the command line: a day is played, both ledgers are compared, and what was seen is printed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from app.kernel.uow import Units
from app.runtime import Runtime
from hl7_adapter.ledger import exported
from sandbox.his.comparison import Difference, differences
from sandbox.his.day import Day
from sandbox.his.desk import Refused, Stage
from sandbox.his.listener import start_listener
from sandbox.his.script import Script, changed, read_script, scripts
from sandbox.store import Store
from tools.rehearsal.house import HouseByServices
from tools.rehearsal.till import AtOnce, ByPlatform
from tools.rehearsal.where import books, installation

SHOWN = 40


def new_run() -> int:
    """A number that no run of the last three years had."""
    return int(time.time()) // 10 % 10**7


@dataclass(frozen=True)
class Asked:
    """What was typed after `simulate`."""

    script: str
    visits: int | None
    faults: float | None
    seed: str | None
    app: str
    demo: Path
    listen: int
    house: bool


def simulate(**params: Any) -> None:  # noqa: ANN401 - the command's options, by name
    """The command; ends the process with 0 when both ledgers agree and nothing went wrong, else with 1."""
    asked = Asked(**params)
    here = installation(asked.demo)
    if not here.settings.is_demo:
        raise click.UsageError("only with MENZHEN_MODE=demo: a played day makes patients, prescriptions and payments")
    path = scripts().get(asked.script, Path(asked.script))
    try:
        script = changed(read_script(path), visits=asked.visits, percent=asked.faults, seed=asked.seed)
    except (OSError, ValueError) as wrong:
        raise click.BadParameter(f"--script {asked.script}: {wrong}") from wrong
    sys.exit(0 if _rehearse(here, asked, script) else 1)


def _rehearse(here: Runtime, asked: Asked, script: Script) -> bool:
    """True when nothing went wrong and the ledgers agree."""
    hl7 = here.settings.hl7
    host, _, port = asked.app.rpartition(":")
    store = Store(books(asked.demo))
    stage = Stage(
        (host or hl7.host, int(port or hl7.port)),
        store,
        here.units.clock.now,
        house_of(here) if asked.house else None,
        run_number=new_run(),
    )
    with _listening(store, asked.listen):
        day = Day(stage, script)
        click.echo(f"{script.name}: {script.visits} visits, {script.faults.percent:g} % mishaps, seed {script.seed}")
        try:
            day.open()
            day.play(_progress(script.visits))
            found = compared(day, here.units)
        except Refused as no:
            raise click.ClickException(f"the clinics cannot be opened: {no}") from no
        finally:
            day.end()
    for line in report(day, found):
        click.echo(line)
    return not found and not day.troubles


def house_of(here: Runtime) -> HouseByServices:
    """The house of this installation; it pays at the payment platform where there is one."""
    platform = here.couriers.payments
    cashier = ByPlatform(platform, here.settings.wxpay.base_url) if platform else AtOnce()
    return HouseByServices(here.units, here.settings.pickup_key, cashier)


@contextmanager
def _listening(store: Store, port: int) -> Iterator[None]:
    stop = start_listener(store, "127.0.0.1", port) if port else None
    try:
        yield
    finally:
        if stop is not None:
            stop()


def _progress(visits: int) -> Callable[[int], None]:
    def told(done: int) -> None:
        if done % max(1, visits // 20) == 0 or done == visits:
            click.echo(f"  {done} of {visits} visits")

    return told


def compared(day: Day, units: Units) -> list[Difference]:
    """Where the hospital system's ledger of the day and the application's do not agree, once all was told."""
    visits = day.settle()
    with units.open(reads_only=True) as uow:
        today = uow.today()
    return differences(visits, day.heard.all(), exported(units, today))


def report(day: Day, found: list[Difference]) -> list[str]:
    """What is printed at the end: mishaps, troubles and differences."""
    struck = day.faults.struck()
    told = day.heard.all()
    lines = [
        f"{day.tries} tries to send, {len(told)} messages received and {day.heard.repeats()} of them again",
        f"{sum(struck.values())} mishaps: "
        + (", ".join(f"{kind} {count}" for kind, count in struck.items()) or "none"),
        *(f"trouble: {trouble}" for trouble in day.troubles[:SHOWN]),
        *(str(difference) for difference in found[:SHOWN]),
    ]
    return [*lines, f"{len(found)} differences, {len(day.troubles)} troubles"]
