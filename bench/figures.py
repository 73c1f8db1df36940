"""One figure of a bench, how rounds become a figure, and how figures are shown."""

from __future__ import annotations

import gc
import os
import platform
import re
import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

Timed = Callable[[], float]


@dataclass(frozen=True)
class Figure:
    """One metric: our value, a peer's and the floor's (the least or the most this machine could do) where known.

    `ratio` is ours over the peer's, both of the same round, median over the rounds; `n` says how many values stand
    behind the figure.
    """

    metric: str
    unit: str
    ours: float
    n: int
    peer: float | None = None
    floor: float | None = None
    ratio: float | None = None


def in_rounds(rounds: int, parts: Mapping[str, Timed]) -> dict[str, list[float]]:
    """What each part gave in each round; all parts run once per round, so that a busy minute hits all of them.

    The order turns round by round, so that none always runs after the same other.
    """
    given: dict[str, list[float]] = {name: [] for name in parts}
    names = list(parts)
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            gc.collect()
            given[name].append(parts[name]())
    return given


def median_ratio(ours: Iterable[float], theirs: Iterable[float]) -> float:
    """The median over the rounds of our value over theirs."""
    return statistics.median(one / other for one, other in zip(ours, theirs, strict=True))


def percentile(values: list[float], percent: int) -> float:
    """The value that this share of the values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def machine() -> str:
    """The machine in one line: processor, cores, memory, system, Python, and how busy it is already."""
    cpu = re.search(r"model name\s*:\s*(.+)", _text("/proc/cpuinfo"))
    memory = re.search(r"MemTotal:\s*(\d+) kB", _text("/proc/meminfo"))
    facts = [
        cpu[1].strip() if cpu else platform.processor() or platform.machine(),
        f"{os.cpu_count()} cores",
        f"{int(memory[1]) / 2**20:.0f} GB" if memory else "",
        f"{platform.system()} {platform.release()}",
        f"Python {platform.python_version()}",
        f"load {os.getloadavg()[0]:.1f}",
    ]
    return ", ".join(fact for fact in facts if fact)


def _text(path: str) -> str:
    return Path(path).read_text() if Path(path).exists() else ""


def as_line(bench: str, figure: Figure) -> dict[str, object]:
    """The figure as a JSON object with the keys every bench has."""
    values = asdict(figure)
    return {"bench": bench, **{key: values[key] for key in ("metric", "unit", "ours", "peer", "floor", "ratio", "n")}}


def as_table(figures: list[Figure]) -> str:
    """The figures for people, one a line."""
    head = ("metric", "ours", "peer", "floor", "ratio", "n", "unit")
    rows = [
        (
            each.metric,
            *(_shown(value) for value in (each.ours, each.peer, each.floor, each.ratio)),
            str(each.n),
            each.unit,
        )
        for each in figures
    ]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = []
    for row in [head, *rows]:
        numbers = [cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1], strict=True)]
        lines.append("  ".join([row[0].ljust(widths[0]), *numbers, row[-1]]))
    return "\n".join(lines)


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.4g}"
