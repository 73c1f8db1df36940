"""What must be installed on the machine itself: found, installed where we may, else named with the exact command."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

POSTGRES_FOLDERS = "/usr/lib/postgresql/*/bin/initdb"


@dataclass(frozen=True)
class Need:
    """Something of the machine: how it is seen, what brings it by apt-get and by Homebrew, what lacks without it."""

    name: str
    is_there: Callable[[], bool]
    apt: tuple[str, ...]
    brew: tuple[str, ...]
    without: str


def _can_make_venv() -> bool:
    try:
        import ensurepip  # noqa: F401, PLC0415 - Debian takes it out of Python when python3-venv is missing
    except ImportError:
        return False
    return True


def _loads(*names: str) -> bool:
    """Whether every one of these libraries can be loaded, each by one of its names (`a|b`)."""
    return all(any(_loads_one(each) for each in choice.split("|")) for choice in names)


def _loads_one(name: str) -> bool:
    places = ("", "/opt/homebrew/lib/", "/usr/local/lib/") if sys.platform == "darwin" else ("",)
    for place in places:
        try:
            ctypes.CDLL(place + name)
        except OSError:
            continue
        return True
    return False


def _has_pango() -> bool:
    if sys.platform == "darwin":
        return _loads("libpango-1.0.dylib", "libpangoft2-1.0.dylib", "libharfbuzz-subset.0.dylib")
    return _loads("libpango-1.0.so.0", "libpangoft2-1.0.so.0", "libharfbuzz-subset.so.0")


def _has(*programs: str) -> bool:
    return any(shutil.which(program) for program in programs)


def _has_postgres() -> bool:
    return _has("initdb") or any(Path("/").glob(POSTGRES_FOLDERS.lstrip("/")))


VENV = Need("Python's venv", _can_make_venv, ("python3-venv",), ("python",), "nothing can be installed")
PANGO = Need(
    "Pango",
    _has_pango,
    ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0"),
    ("pango",),
    "all works but the PDF of the invoice; its page says so",
)
POSTGRES = Need("PostgreSQL", _has_postgres, ("postgresql",), ("postgresql",), "the tests on PostgreSQL cannot run")
CHROMIUM = Need(
    "Chromium", lambda: _has("chromium", "chromium-browser"), ("chromium",), ("chromium",), "no page is opened"
)
POPPLER = Need("pdffonts", lambda: _has("pdffonts"), ("poppler-utils",), ("poppler",), "fonts in PDFs go unchecked")
TEST_NEEDS = (PANGO, POSTGRES, CHROMIUM, POPPLER)


def install_missing(needs: Iterable[Need], say: Callable[[str], None]) -> list[Need]:
    """Install what is missing when we may; the needs that are still missing, each said with its command."""
    missing = [need for need in needs if not need.is_there()]
    if missing and shutil.which("apt-get") and (prefix := _as_root()) is not None:
        _apt_get(prefix, [package for need in missing for package in need.apt], say)
        missing = [need for need in missing if not need.is_there()]
    for need in missing:
        say(f"! {need.name} is missing: {need.without}. Fix: {command_for(need)}")
    return missing


def command_for(need: Need) -> str:
    """What a person types to get it."""
    if sys.platform == "darwin":
        return f"brew install {' '.join(need.brew)}"
    if shutil.which("apt-get"):
        return f"sudo apt-get install -y --no-install-recommends {' '.join(need.apt)}"
    return f"install what Debian calls {' '.join(need.apt)}"


def _as_root() -> list[str] | None:
    """The words to put before a command so that it runs as root; None when we may not without a password."""
    if os.geteuid() == 0:
        return []
    if not shutil.which("sudo"):
        return None
    allowed = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    return ["sudo", "-n"] if allowed else None


def _apt_get(prefix: list[str], packages: list[str], say: Callable[[str], None]) -> None:
    say(f"installing {' '.join(packages)}")
    install = ["install", "-y", "-q", "--no-install-recommends", *packages]
    has_lists = any(Path("/var/lib/apt/lists").glob("*_Packages*"))
    if not has_lists or not _quietly(prefix, install):
        _quietly(prefix, ["update", "-q"])
        if not _quietly(prefix, install, show=True):
            say("apt-get could not install them")


def _quietly(prefix: list[str], words: list[str], *, show: bool = False) -> bool:
    command = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *words]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if show and done.returncode:
        sys.stderr.write(done.stdout.decode(errors="replace")[-2000:])
    return done.returncode == 0
