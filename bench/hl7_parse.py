"""Reading HL7 v2: messages per second, parsed and six fields read, beside python-hl7 and hl7apy on the same files."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import hl7
from hl7apy.core import Message as TheirMessage
from hl7apy.parser import parse_message

from bench.figures import Figure, in_rounds, median_ratio
from hl7_adapter.er7 import parse

MESSAGES = Path(__file__).parent / "messages"
FIELDS = ("MSH-9.2", "MSH-10", "PID-3.1", "PID-5.1", "PID-7", "PV1-19.1")
Reader = Callable[[bytes], list[str]]


def ours(raw: bytes) -> list[str]:
    """The six fields by our own lazy reader."""
    get = parse(raw).get
    return [get(path) for path in FIELDS]


def python_hl7(raw: bytes) -> list[str]:
    """The six fields by python-hl7, which splits everything first."""
    message = hl7.parse(raw, encoding="utf-8")
    header, patient, visit = (message.segment(name) for name in ("MSH", "PID", "PV1"))
    return [
        header(9)(1)(2)(1),
        str(header(10)),
        _first(patient(3)),
        _first(patient(5)),
        str(patient(7)),
        _first(visit(19)),
    ]


def _first(field: hl7.Field) -> str:
    """The first component of the first repetition; a field without components is its own text there."""
    return str(field(1)(1)) if len(field) and not isinstance(field[0], str) else str(field)


def hl7apy_flat(raw: bytes) -> list[str]:
    """The six fields by hl7apy, without its search for groups, which costs it more."""
    message: TheirMessage = parse_message(raw.decode(), find_groups=False)
    return [
        message.msh.msh_9.msh_9_2.value,
        message.msh.msh_10.value,
        message.pid.pid_3[0].cx_1.value,
        message.pid.pid_5[0].xpn_1.value,
        message.pid.pid_7.value,
        message.pv1.pv1_19.cx_1.value,
    ]


READERS: dict[str, Reader] = {"ours": ours, "python-hl7": python_hl7, "hl7apy": hl7apy_flat}


def files() -> list[bytes]:
    """The messages, kept with LF for eyes and read with CR as they are sent."""
    return [path.read_bytes().replace(b"\n", b"\r") for path in sorted(MESSAGES.glob("*.hl7"))]


def messages_per_second(read: Reader, messages: list[bytes], seconds: float) -> float:
    """How many messages a second of one core `read` gets through, all in turn for at least `seconds`.

    Processor time is counted, so that other work on the machine does not look like slowness.
    """
    done, began = 0, time.process_time()
    while (took := time.process_time() - began) < seconds:
        for raw in messages:
            read(raw)
        done += len(messages)
    return done / took


def measure(*, quick: bool) -> Iterator[Figure]:
    """`lazy_parse` beside python-hl7 and `lazy_parse_hl7apy` beside hl7apy; the floor is decoding and one split."""
    messages = files()
    for name, read in READERS.items():
        if [read(raw) for raw in messages] != [ours(raw) for raw in messages]:
            raise SystemExit(f"{name} reads other values than we do, so its speed says nothing")
    rounds, seconds = (3, 0.5) if quick else (7, 1.5)
    parts: dict[str, Reader] = {**READERS, "floor": lambda raw: raw.decode().split("\r")}
    rates = in_rounds(
        rounds,
        {name: lambda read=read: messages_per_second(read, messages, seconds) for name, read in parts.items()},
    )
    middle = {name: round(statistics.median(values), 1) for name, values in rates.items()}
    for metric, peer in (("lazy_parse", "python-hl7"), ("lazy_parse_hl7apy", "hl7apy")):
        ratio = round(median_ratio(rates["ours"], rates[peer]), 1)
        yield Figure(metric, "msg/s", middle["ours"], rounds, middle[peer], middle["floor"], ratio)
    worst = min(one / other for one, other in zip(rates["ours"], rates["python-hl7"], strict=True))
    yield Figure("lazy_parse_worst_round", "x python-hl7", round(worst, 1), rounds)
