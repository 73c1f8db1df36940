"""Runs one bench: `./bench/run NAME [--quick] [--json]`."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

from bench.figures import Figure, as_line, as_table, machine

BENCHES = sorted(
    path.stem for path in Path(__file__).parent.glob("*.py") if "\ndef measure(" in path.read_text(encoding="utf-8")
)


def main(arguments: list[str]) -> int:
    """0 when the bench ran through; what a figure says is for the reader to judge."""
    ask = argparse.ArgumentParser("./bench/run", description="Measures one thing; bench/README.md says how to read it.")
    ask.add_argument("name", nargs="?", choices=BENCHES, help="; ".join(BENCHES))
    ask.add_argument("--quick", action="store_true", help="a small run, under a minute, to see that it works")
    ask.add_argument("--json", action="store_true", dest="as_json", help="one JSON line per metric instead of a table")
    given = ask.parse_args(arguments)
    if given.name is None:
        print("\n".join(BENCHES))
        return 0
    print(f"{given.name} on {machine()}", file=sys.stderr, flush=True)
    figures: list[Figure] = []
    for figure in importlib.import_module(f"bench.{given.name}").measure(quick=given.quick):
        figures.append(figure)
        if given.as_json:
            print(json.dumps(as_line(given.name, figure)), flush=True)
    if not given.as_json:
        print(as_table(figures))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
