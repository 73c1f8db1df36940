"""The listener's memory while it takes 100,000 messages (`--quick`: 4,000; HL7_SOAK_MESSAGES says another number)."""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Iterator
from functools import partial

from bench.figures import Figure
from bench.hl7_listener import Listener, running_listener
from bench.hospital import resident_mb
from bench.mllp_load import send_for
from bench.mllp_messages import admissions, outpatients

CONNECTIONS = 10
STEPS = 20
MAPPED_EACH = 4  # of 20 messages on a connection: a patient, a correction, an appointment and its end


def measure(*, quick: bool) -> Iterator[Figure]:
    """`rss_growth_percent`: the last tenth's resident memory over that after the first tenth; `rss_mb` at the end."""
    count = int(os.environ.get("HL7_SOAK_MESSAGES") or (4_000 if quick else 100_000))
    with running_listener(CONNECTIONS) as listener:
        sizes = [_after(listener, count // STEPS) for _ in range(STEPS)]
    begins, ends = (statistics.median(part) for part in (sizes[1:3], sizes[-2:]))
    yield Figure("rss_growth_percent", "%", round((ends / begins - 1) * 100, 1), count)
    yield Figure("rss_mb", "MB", round(ends, 1), count)


def _after(listener: Listener, count: int) -> float:
    """The resident memory after so many more messages: four fifths kept and filed, one fifth with effects."""
    mapped = partial(outpatients, session_at=listener.session_at)
    each = count // CONNECTIONS
    for messages, share in ((admissions, each - each // 5), (mapped, each // 5 // MAPPED_EACH * MAPPED_EACH)):
        load = send_for(listener.port, CONNECTIONS, 3600, messages, at_most=share) if share else None
        if load and load.wrong:
            raise SystemExit(f"{load.wrong} answers were not AA to their own message")
    size = resident_mb({"listener": listener.pid})["listener"]
    print(f"  {size:.1f} MB", file=sys.stderr, flush=True)
    return size
