"""Answering HL7 v2: round trips per second of the real listener, beside a canned answer and python-hl7's server."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from bench.figures import Figure, in_rounds, median_ratio
from bench.hl7_listener import Listener, running_listener, running_server
from bench.mllp_load import Load, Messages, send_for
from bench.mllp_messages import admissions, outpatients

CONNECTIONS = (1, 10, 100)
MAPPED_CONNECTIONS = 10
WARM_UP_SECONDS = 1.0


def measure(*, quick: bool) -> Iterator[Figure]:
    """`durable_c1`, `_c10`, `_c100`: kept, committed, answered; `mapped_c10`, `mapped_c10_p99_ms`: with their effects.

    The peer is python-hl7, which keeps nothing; the floor answers without reading. Ends with words when an answer is
    wrong.
    """
    rounds, seconds = (3, 1.5) if quick else (5, 4.0)
    with ExitStack() as running:
        listener = running.enter_context(running_listener(MAPPED_CONNECTIONS))
        ports = {"ours": listener.port}
        ports |= {name: running.enter_context(running_server(name)) for name in ("python-hl7", "canned")}
        for port in ports.values():
            _sent(port, 10, WARM_UP_SECONDS, admissions)
        for connections in CONNECTIONS:
            yield _durable(ports, connections, rounds, seconds)
        yield from _mapped(listener, rounds, seconds)


def _sent(port: int, connections: int, seconds: float, messages: Messages) -> Load:
    load = send_for(port, connections, seconds, messages)
    if load.wrong:
        raise SystemExit(f"{load.wrong} of {len(load.took_ms)} answers were not AA to their own message")
    return load


def _durable(ports: dict[str, int], connections: int, rounds: int, seconds: float) -> Figure:
    parts = {name: partial(_rate, port, connections, seconds) for name, port in ports.items()}
    rates = in_rounds(rounds, parts)
    middle = {name: round(statistics.median(values), 1) for name, values in rates.items()}
    ratio = round(median_ratio(rates["ours"], rates["python-hl7"]), 1)
    name = f"durable_c{connections}"
    return Figure(name, "round trips/s", middle["ours"], rounds, middle["python-hl7"], middle["canned"], ratio)


def _rate(port: int, connections: int, seconds: float) -> float:
    load = _sent(port, connections, seconds, admissions)
    print(f"  c{connections} :{port} {load.rate:,.0f}/s p99 {load.p99_ms:.1f} ms", file=sys.stderr, flush=True)
    return load.rate


def _mapped(listener: Listener, rounds: int, seconds: float) -> Iterator[Figure]:
    messages = partial(outpatients, session_at=listener.session_at)
    _sent(listener.port, MAPPED_CONNECTIONS, WARM_UP_SECONDS, messages)
    loads = [_sent(listener.port, MAPPED_CONNECTIONS, seconds, messages) for _ in range(rounds)]
    rate, p99_ms = (
        statistics.median(values) for values in zip(*((load.rate, load.p99_ms) for load in loads), strict=True)
    )
    yield Figure("mapped_c10", "messages/s", round(rate, 1), rounds)
    yield Figure("mapped_c10_p99_ms", "ms", round(p99_ms, 1), rounds)
