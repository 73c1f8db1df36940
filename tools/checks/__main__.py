"""Sets up, then runs every check and every test, and says at the end which of them failed: `./test`."""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import TextIO

from tools import foreign, setup
from tools.system_packages import TEST_NEEDS, install_missing

FOUND_NO_TEST = 5  # of pytest; a test that was asked for by name need not touch the database
APART = {  # wait for others more than they work
    "browsers": ("tests/browser",),
    "journeys and processes": ("tests/journeys", "tests/processes"),
}
BESIDE = 4  # at a time, beside what is watched
ORDER = "--randomly-seed"  # of pytest-randomly; said at the end, so that a run can be repeated
LEFT_OUT = {"fast": "not long and not slow and not browser", "usual": "not long", "long": ""}


@dataclass(frozen=True)
class Check:
    """One thing to run: what it is called, the command, and what it is told beside the environment."""

    name: str
    command: list[str]
    env: dict[str, str] = field(default_factory=dict)
    may_be_empty: bool = False


@dataclass(frozen=True)
class Result:
    """What came of a check: whether it passed, pytest's closing line, and its words where they were kept."""

    name: str
    has_passed: bool
    last_line: str
    words: str


def main(arguments: list[str]) -> int:
    """0 when all passed."""
    given, for_pytest = _read(arguments)
    order = next((each for each in for_pytest if each.startswith(ORDER)), f"{ORDER}={secrets.randbelow(10**6)}")
    began = time.monotonic()
    try:
        setup.demand_python()
        setup.install("all", _say)
    except setup.SetupFailed as failed:
        sys.stderr.write(f"✗ {failed}\n")
        return 1
    install_missing(TEST_NEEDS, _say)
    foreign.install(_say)
    lanes = _lanes(given, [*for_pytest, order])
    with ThreadPoolExecutor(BESIDE) as second_core:
        beside = [second_core.submit(_run, check, StringIO()) for check in lanes[1]]
        results = [_run(check, sys.stdout) for check in lanes[0]]
        for each in beside:
            result = each.result()
            sys.stdout.write(result.words)
            results.append(result)
    print(f"\n{'─' * 20} {time.monotonic() - began:.0f} s, tests in the order of {order}")
    for result in results:
        print(f"{'✓' if result.has_passed else '✗'} {result.name}{': ' + result.last_line if result.last_line else ''}")
    return 0 if all(result.has_passed for result in results) else 1


def _read(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    ask = argparse.ArgumentParser("./test", description="All checks and tests; other options go to pytest.")
    ask.add_argument("-k", dest="name", default="", help="only the tests whose names fit, and no other check")
    ask.add_argument("--fast", action="store_true", help="no browser, nothing slow, SQLite only")
    ask.add_argument("--long", action="store_true", help="also what takes longer than a change can wait")
    return ask.parse_known_args(arguments)


def _say(text: str) -> None:
    print(f"  {text}", flush=True)


def _lanes(given: argparse.Namespace, for_pytest: list[str]) -> tuple[list[Check], list[Check]]:
    """What runs one after the other while it is watched, and what runs beside it and is shown at the end."""
    left_out = LEFT_OUT["fast" if given.fast else "long" if given.long else "usual"]
    pytest = [str(setup.python()), "-m", "pytest", "-q", *(["-m", left_out] if left_out else [])]
    pytest += [*(["-k", given.name] if given.name else []), *for_pytest]
    watched = [Check("pytest on SQLite", pytest, {"MENZHEN_TEST_DATABASE": "sqlite"})]
    beside = []
    if not given.fast:
        plugin = ["-p", "tools.checks.database_tests"]
        beside.append(
            Check(
                "pytest on PostgreSQL", [*pytest, *plugin], {"MENZHEN_TEST_DATABASE": "postgresql"}, may_be_empty=True
            )
        )
    if given.name or any(Path(each.split("::")[0]).exists() for each in for_pytest):
        return watched, beside
    if not given.fast:
        watched, beside = _apart(watched + beside)
    still = [
        Check("ruff check", [_tool("ruff"), "check", "."]),
        Check("ruff format", [_tool("ruff"), "format", "--check", "."]),
        Check("import contracts", [_tool("lint-imports"), "--no-cache", "--no-logo"]),
    ]
    beside.append(Check("mypy", [_tool("mypy")]))
    beside.append(Check("migrations", [str(setup.python()), "-m", "tools.checks.migrations"]))
    return still + watched, beside


def _apart(checks: list[Check]) -> tuple[list[Check], list[Check]]:
    """Each database's tests in several runs, since those of `APART` leave the processor to the others most of the time.

    None of the browsers' asks for a database: their hospital has one of its own.
    """
    folders = [f"--ignore={folder}" for part in APART.values() for folder in part]
    rest = [replace(check, command=[*check.command, *folders]) for check in checks]
    apart = [
        replace(check, name=f"{check.name}, {part}", command=[*check.command, *APART[part]])
        for check, part in ((checks[0], "browsers"), *((check, "journeys and processes") for check in checks[::-1]))
    ]
    return rest[:1], rest[1:] + apart


def _tool(name: str) -> str:
    return str(setup.python().with_name(name))


def _run(check: Check, out: TextIO) -> Result:
    """What came of it; its words go to `out` as they come."""
    out.write(f"\n── {check.name}\n")
    env = {**os.environ, **check.env, "PATH": f"{setup.VENV_FOLDER / 'bin'}:{os.environ.get('PATH', '')}"}
    last_line = ""
    with subprocess.Popen(
        check.command,
        cwd=setup.ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            out.write(line)
            out.flush()
            last_line = line.strip() or last_line
    has_passed = running.returncode in ({0, FOUND_NO_TEST} if check.may_be_empty else {0})
    words = out.getvalue() if isinstance(out, StringIO) else ""
    return Result(check.name, has_passed, last_line if "pytest" in check.name else "", words)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
