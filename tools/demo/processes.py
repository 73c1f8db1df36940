"""Which processes a demo hospital has, and when they are well."""

from __future__ import annotations

import json
import socket
import subprocess
import urllib.request
from collections.abc import Callable

from tools.demo.environment import Place, told_outside, web_environment
from tools.demo.options import web_workers
from tools.demo.supervisor import Process
from tools.setup import python

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def processes(place: Place, env: dict[str, str]) -> list[Process]:
    """The demo's processes, the outside world first."""
    with_keys = {**env, **_keys(place)}
    web = {
        **web_environment(),
        "GRANIAN_HOST": place.listen_host,
        "GRANIAN_PORT": str(place.ports["web"]),
        "GRANIAN_WORKERS": str(web_workers(place.database_url)),
    }
    granian = [str(python().with_name("granian")), "--interface", "wsgi", "wsgi:application"]
    commands = {
        "sandbox": (_module("sandbox"), env),
        "web": (granian, {**with_keys, **web}),
        "jobs": (_module("app.jobs"), with_keys),
        "hl7_adapter": (_module("hl7_adapter"), with_keys),
    }
    logs = place.data / "logs"
    return [Process(name, command, its_env, logs / f"{name}.log") for name, (command, its_env) in commands.items()]


def _keys(place: Place) -> dict[str, str]:
    found = subprocess.run([str(python()), "-c", "import alipay"], capture_output=True, check=False)
    return told_outside(place.data, has_alipay=found.returncode == 0)


def _module(name: str) -> list[str]:
    return [str(python()), "-m", name]


def health(place: Place) -> dict[str, Callable[[], bool]]:
    """By process, whether it does its work."""
    ports = place.ports
    return {
        "sandbox": lambda: _answers(f"http://127.0.0.1:{ports['sandbox']}/healthz"),
        "web": lambda: _answers(f"http://127.0.0.1:{ports['web']}/readyz"),
        "jobs": lambda: True,
        "hl7_adapter": lambda: listens(ports["hl7"]),
    }


def listens(port: int) -> bool:
    """Whether somebody answers on this port of this machine."""
    with socket.socket() as caller:
        caller.settimeout(1)
        return caller.connect_ex(("127.0.0.1", port)) == 0


def _answers(url: str) -> bool:
    try:
        with _direct.open(url, timeout=5) as answer:
            return bool(json.load(answer))
    except (OSError, ValueError):
        return False
