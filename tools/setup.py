"""The packages everything runs with, in a folder of their own (.venv): `python3 -m tools.setup runtime|demo|all`.

Only what the lock file names is installed, checked by its hashes; when the lock has not changed nothing is done.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tools.system_packages import VENV, install_missing

ROOT = Path(__file__).resolve().parent.parent
VENV_FOLDER = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
OLDEST_PYTHON = (3, 11)
PARTS = {"runtime": ("runtime",), "demo": ("runtime", "demo"), "all": ("runtime", "demo", "test")}


class SetupFailed(Exception):
    """The packages could not be installed; the text says what to do."""


def python() -> Path:
    """The interpreter that has the packages."""
    return VENV_FOLDER / "bin" / "python"


def demand_python() -> str:
    """The version of this Python; SetupFailed when it is too old."""
    if sys.version_info < OLDEST_PYTHON:
        raise SetupFailed(f"Python {'.'.join(map(str, OLDEST_PYTHON))} or newer is needed; this is {sys.version}")
    return ".".join(map(str, sys.version_info[:3]))


def locked(parts: tuple[str, ...]) -> str:
    """The lock file's requirements of these parts."""
    sections = dict(re.findall(r"^# --- (\w+) ---\n(.*?)(?=^# --- |\Z)", LOCK.read_text(), re.MULTILINE | re.DOTALL))
    return "".join(sections[part] for part in parts)


def count(requirements: str) -> int:
    """How many packages a text of requirements names."""
    return len(re.findall(r"^[A-Za-z0-9]", requirements, re.MULTILINE))


def install(name: str, say: Callable[[str], None]) -> int:
    """Afterwards .venv holds the packages of `name` (runtime, demo or all); how many were installed now.

    0 when they were there. Called twice it does nothing the second time.
    """
    wanted = locked(PARTS[name])
    if _holds(name):
        return 0
    if not python().with_name("pip").exists():
        if install_missing([VENV], say):
            raise SetupFailed("Python's venv is missing")
        subprocess.run([sys.executable, "-m", "venv", str(VENV_FOLDER)], check=True)
    _pip_install(wanted)
    _stamp(name).write_text(_hash(wanted))
    return count(wanted)


def _holds(name: str) -> bool:
    """Whether .venv holds the lock's present packages of `name`, alone or among more."""
    if not python().exists():
        return False
    larger = [each for each, parts in PARTS.items() if set(parts) >= set(PARTS[name])]
    return any(_stamp(each).exists() and _stamp(each).read_text() == _hash(locked(PARTS[each])) for each in larger)


def _pip_install(wanted: str) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".txt", prefix="menzhen-lock-") as file:
        file.write(wanted)
        file.flush()
        command = [python(), "-m", "pip", "install", "--require-hashes", "--no-deps", "-qq", "-r", file.name]
        done = subprocess.run(
            [*command, "--disable-pip-version-check"], stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False
        )
    if done.returncode:
        raise SetupFailed("pip could not install the packages; its words stand above")


def _stamp(name: str) -> Path:
    return VENV_FOLDER / f"lock-{name}.sha256"


def _hash(wanted: str) -> str:
    return hashlib.sha256(f"{sys.version_info[:2]}{wanted}".encode()).hexdigest()


def main(arguments: list[str]) -> int:
    """Set up one of the parts; 1 when that failed, 2 when none is named."""
    if len(arguments) != 1 or arguments[0] not in PARTS:
        sys.stderr.write(f"usage: python3 -m tools.setup {'|'.join(PARTS)}\n")
        return 2
    try:
        demand_python()
        installed = install(arguments[0], lambda text: print(f"  {text}", file=sys.stderr))
    except SetupFailed as failed:
        sys.stderr.write(f"✗ {failed}\n")
        return 1
    print(f"{installed} packages installed" if installed else "the packages are there")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
