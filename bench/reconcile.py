"""A day's statement of 100,000 transactions: seconds from the file to the last case, and how much memory that takes.

Among the ordinary rows every kind of difference is planted; each must be found as what it is and nothing else may be
found, else there is no figure. Loading and matching run in a process of their own, whose peak is measured.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import create_engine, select, text

from app import tables as _tables  # noqa: F401 - all tables are made
from app.kernel.crypto import Keyring
from app.kernel.db import Base, engine_options, prepare
from app.kernel.uow import Units
from app.reconciliation import service
from app.reconciliation.models import Case
from app.reconciliation.ports import StatementKind
from app.reconciliation.states import Source
from app.story import STORY
from bench.figures import Figure
from tests.conftest import MORNING, SHANGHAI, SetClock
from tests.private_postgres import running_postgres
from tests.unit.reconciliation.planted import Day, asked_yesterday, begun, plant
from tests.unit.reconciliation.statements import trade_lines

ROOT = Path(__file__).resolve().parent.parent


def measure(*, quick: bool) -> Iterator[Figure]:
    """Two sizes, each on a database of its own; the floor reads the same file and does nothing with it."""
    small, large = (2_000, 10_000) if quick else (10_000, 100_000)
    with tempfile.TemporaryDirectory(prefix="menzhen-bench-") as folder, running_postgres(durable=True) as server:
        found = {rows: _measured(server, Path(folder), rows) for rows in (small, large)}
    (_, _, small_mb), (seconds, floor_seconds, large_mb) = found[small], found[large]
    name = "seconds_100k" if large == 100_000 else f"seconds_{large // 1000}k"
    yield Figure(name, "s", seconds, large, floor=floor_seconds)
    yield Figure("peak_mb", "MB", large_mb, large, floor=small_mb, ratio=large_mb / small_mb)


def _measured(server: str, folder: Path, rows: int) -> tuple[float, float, float]:
    """(seconds, seconds of only reading the file, peak MB) for a statement of so many rows."""
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "day{rows}"'))
    admin.dispose()
    url = f"{server.rsplit('/', 1)[0]}/day{rows}"
    day, file = _made(url, folder, rows)
    done = subprocess.run(
        [sys.executable, "-m", "bench.reconcile", url, str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    told = json.loads(done.stdout.splitlines()[-1])
    _look(url, day)
    began = time.perf_counter()
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        read = sum(len(line.split(",`")) == 27 for line in lines)
    floor_seconds = time.perf_counter() - began
    assert read >= rows
    return told["seconds"], floor_seconds, told["peak_mb"]


def _units(url: str) -> Units:
    engine = create_engine(url, **engine_options(url, pool_size=2))
    prepare(engine)
    clock = SetClock(MORNING + timedelta(hours=3))
    return Units(engine, clock, Keyring([("test", b"k" * 32)], b"i" * 32), SHANGHAI, STORY)


def _made(url: str, folder: Path, rows: int) -> tuple[Day, Path]:
    """The hospital's day with its planted differences, and the provider's statement of it, zipped."""
    units = _units(url)
    Base.metadata.create_all(units.engine)
    assert isinstance(units.clock, SetClock)
    open_here, _ = asked_yesterday(units, units.clock, 5)
    day = begun(units)
    file = folder / f"{rows}.csv.gz"
    sha1 = hashlib.sha1(usedforsecurity=False)
    plant(day, open_here=open_here)

    def all_rows() -> Iterator[str]:
        yield from day.ordinary(rows - len(day.trade))
        yield from day.trade

    with gzip.open(file, "wb") as packed:
        for line in trade_lines(all_rows()):
            piece = f"{line}\r\n".encode()
            sha1.update(piece)
            packed.write(piece)
    file.with_suffix(".sha1").write_text(sha1.hexdigest())
    with units.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    units.engine.dispose()
    return day, file


def _look(url: str, day: Day) -> None:
    units = _units(url)
    with units.open(reads_only=True) as uow:
        found = {(case.subject, case.number): (case.kind, case.state) for case in uow.session.scalars(select(Case))}
    units.engine.dispose()
    assert found == day.cases, "a difference was not found as what it is"


class _Downloaded:
    """The statement as it was sent."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def fetch(self, _kind: StatementKind, _day: date, into: BinaryIO) -> str:
        with self.file.open("rb") as sent:
            shutil.copyfileobj(sent, into)
        return self.file.with_suffix(".sha1").read_text()


def main(url: str, file: str) -> None:
    """Reconciles in this process and says how long that took and how much memory it ever had."""
    units = _units(url)
    began = time.perf_counter()
    done = service.reconcile(units, {Source.WECHAT: _Downloaded(Path(file))})
    seconds = time.perf_counter() - began
    assert done == 1
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": peak_mb}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
