"""Sets up, then runs every check and every test, and says at the end which of them failed: `./test`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tools import setup
from tools.system_packages import TEST_NEEDS, install_missing

LEFT_OUT = {"fast": "not long and not slow and not browser", "usual": "not long", "long": ""}


@dataclass(frozen=True)
class Check:
    """One thing to run: what it is called, the command, and what it is told beside the environment."""

    name: str
    command: list[str]
    env: dict[str, str] = field(default_factory=dict)


def main(arguments: list[str]) -> int:
    """0 when all passed."""
    given, for_pytest = _read(arguments)
    began = time.monotonic()
    try:
        setup.demand_python()
        setup.install("all", _say)
    except setup.SetupFailed as failed:
        sys.stderr.write(f"✗ {failed}\n")
        return 1
    install_missing(TEST_NEEDS, _say)
    results = [(check.name, _run(check)) for check in _checks(given, for_pytest)]
    print(f"\n{'─' * 20} {time.monotonic() - began:.0f} s")
    for name, (has_passed, last_line) in results:
        print(f"{'✓' if has_passed else '✗'} {name}{': ' + last_line if last_line else ''}")
    return 0 if all(has_passed for _, (has_passed, _) in results) else 1


def _read(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    ask = argparse.ArgumentParser("./test", description="All checks and tests; other options go to pytest.")
    ask.add_argument("-k", dest="name", default="", help="only the tests whose names fit, and no other check")
    ask.add_argument("--fast", action="store_true", help="no browser, nothing slow, SQLite only")
    ask.add_argument("--long", action="store_true", help="also what takes longer than a change can wait")
    return ask.parse_known_args(arguments)


def _say(text: str) -> None:
    print(f"  {text}", flush=True)


def _checks(given: argparse.Namespace, for_pytest: list[str]) -> Iterator[Check]:
    if not given.name and not any(Path(each.split("::")[0]).exists() for each in for_pytest):
        yield Check("ruff check", [_tool("ruff"), "check", "."])
        yield Check("ruff format", [_tool("ruff"), "format", "--check", "."])
        yield Check("import contracts", [_tool("lint-imports"), "--no-cache", "--no-logo"])
        yield Check("mypy", [_tool("mypy")])
        yield Check("migrations", [str(setup.python()), "-m", "tools.checks.migrations"])
    left_out = LEFT_OUT["fast" if given.fast else "long" if given.long else "usual"]
    pytest = [str(setup.python()), "-m", "pytest", "-q", *(["-m", left_out] if left_out else [])]
    pytest += [*(["-k", given.name] if given.name else []), *for_pytest]
    yield Check("pytest on SQLite", pytest, {"MENZHEN_TEST_DATABASE": "sqlite"})
    if not given.fast:
        plugin = ["-p", "tools.checks.database_tests"]
        yield Check("pytest on PostgreSQL", [*pytest, *plugin], {"MENZHEN_TEST_DATABASE": "postgresql"})


def _tool(name: str) -> str:
    return str(setup.python().with_name(name))


def _run(check: Check) -> tuple[bool, str]:
    """Whether it passed, and the line it closed with; its words are shown as they come."""
    print(f"\n── {check.name}", flush=True)
    env = {**os.environ, **check.env, "PATH": f"{setup.VENV_FOLDER / 'bin'}:{os.environ.get('PATH', '')}"}
    last_line = ""
    with subprocess.Popen(
        check.command, cwd=setup.ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            last_line = line.strip() or last_line
    # 5: pytest found no test, which is no failure when a name was asked for that lives on one database only.
    has_passed = running.returncode == 0 or (running.returncode == 5 and "-k" in check.command)
    return has_passed, last_line if "pytest" in check.name else ""


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
