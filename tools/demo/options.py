"""What may be asked of `./demo`, and which ports and folders follow from it."""

from __future__ import annotations

import argparse
import socket
from dataclasses import dataclass
from pathlib import Path

USUAL_PORT = 8000
USUAL = {"web": 8000, "sandbox": 8090, "hl7": 2575, "his": 2576}
BESIDE = {"web": 0, "sandbox": 90, "hl7": 75, "his": 76}


class PortTaken(Exception):
    """A port the demo needs is somebody else's; the text says which and what to type."""


@dataclass(frozen=True)
class Options:
    """One run of the demo. `port` None means: the usual ports, or the next free ones."""

    port: int | None
    reset: bool
    database: str
    lan: bool
    with_pdf: bool
    play: bool
    as_json: bool
    data: Path


def read(arguments: list[str]) -> Options:
    """The options of a command line; ends the program with words when they make no sense."""
    ask = argparse.ArgumentParser("./demo", description="A demo hospital on this machine. Ctrl-C stops everything.")
    ask.add_argument("--port", type=int, help="port of the pages (8000); the other ports follow: +90, +75, +76")
    ask.add_argument("--reset", action="store_true", help="start with an empty hospital")
    ask.add_argument(
        "--database", default="", metavar="URL", help="postgresql://…; without it SQLite in the data folder"
    )
    ask.add_argument("--lan", action="store_true", help="let phones on the same network open the pages")
    ask.add_argument("--no-pdf", dest="with_pdf", action="store_false", help="do not install the PDF libraries")
    ask.add_argument("--play", action="store_true", help="play one whole visit, on the running demo or one of its own")
    ask.add_argument("--json", dest="as_json", action="store_true", help="with --play: one JSON line per step")
    ask.add_argument("--data", type=Path, default=Path("demo-data"), help="folder of everything kept (demo-data)")
    given = ask.parse_args(arguments)
    if given.port is not None and not 1 <= given.port <= 65535 - max(BESIDE.values()):
        ask.error(f"--port: from 1 to {65535 - max(BESIDE.values())}")
    if given.as_json and not given.play:
        ask.error("--json goes with --play")
    given.database = _as_sqlalchemy_says(given.database)
    given.data = given.data.resolve()
    return Options(**vars(given))


def _as_sqlalchemy_says(url: str) -> str:
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


def choose_ports(port: int | None) -> dict[str, int]:
    """The ports by name, all free now; PortTaken when `port` was asked for and one of them is taken.

    Without a wish the usual ports are taken, or the first hundred above them in which all are free.
    """
    if port is not None:
        ports = ports_of(port)
        if taken := [f"{number} ({name})" for name, number in ports.items() if not is_free(number)]:
            raise PortTaken(f"port {', '.join(taken)} is taken; {_advice(port)}")
        return ports
    for base in range(USUAL_PORT, USUAL_PORT + 2000, 100):
        ports = ports_of(base)
        if all(is_free(number) for number in ports.values()):
            return ports
    raise PortTaken("no free ports from 8000 to 9900; name others by --port")


def ports_of(port: int) -> dict[str, int]:
    """The ports that belong to a port of the pages."""
    return USUAL if port == USUAL_PORT else {name: port + offset for name, offset in BESIDE.items()}


def is_free(port: int) -> bool:
    """Whether we could listen on `port` and nobody answers there."""
    with socket.socket() as caller:
        caller.settimeout(0.2)
        if caller.connect_ex(("127.0.0.1", port)) == 0:
            return False
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _advice(port: int) -> str:
    for base in range(port + 100, min(port + 3000, 65400), 100):
        if all(is_free(number) for number in ports_of(base).values()):
            return f"./demo --port {base} is free"
    return "name another by --port"


def lan_address() -> str:
    """This machine's address on its network, 127.0.0.1 when it has none. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1, RFC 5737: only the route is looked up
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def web_workers(database: str) -> int:
    """One web process on SQLite, which has one writer anyway; two on PostgreSQL."""
    return 2 if database.startswith("postgresql") else 1
