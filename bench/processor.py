"""How much processor time a process and everything it started has used."""

from __future__ import annotations

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def seconds_of_tree(pid: int) -> float:
    """The seconds that the process, its children and theirs have used so far, without those that ended."""
    parents: dict[int, tuple[int, float]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        parents[int(stat.parent.name)] = (int(words[1]), (int(words[11]) + int(words[12])) / TICKS)
    family, before = {pid}, 0
    while len(family) != before:
        before = len(family)
        family |= {child for child, (parent, _) in parents.items() if parent in family}
    return sum(parents[each][1] for each in family if each in parents)
