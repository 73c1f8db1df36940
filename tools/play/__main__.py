"""Plays one visit on a running demo: `python -m tools.play demo-data/endpoints.json [--json]`."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from tools.demo.hospital_clock import set_clock
from tools.play.book import STEPS, Outcome, play
from tools.play.visit import Visit


def main(arguments: list[str]) -> int:
    """0 when every step showed what it must, 1 when one did not, 2 when no demo is named."""
    as_json = "--json" in arguments
    files = [argument for argument in arguments if not argument.startswith("--")]
    if len(files) != 1:
        sys.stderr.write("usage: python -m tools.play ENDPOINTS.json [--json]\n")
        return 2
    visit = Visit(json.loads(Path(files[0]).read_text()))
    shown, was_moved = set_clock(Path(visit.endpoints["clock_file"]), datetime.now(UTC))
    if was_moved:
        sys.stderr.write(f"the hospital slept on to {shown:%A %Y-%m-%d %H:%M} (Asia/Shanghai)\n")
    began, failed = time.monotonic(), 0
    for step in STEPS:
        outcome = play(step, visit)
        failed += not outcome.ok
        print(json.dumps(asdict(outcome), ensure_ascii=False) if as_json else _line(outcome), flush=True)
    sys.stderr.write(f"{len(STEPS) - failed} of {len(STEPS)} steps in {time.monotonic() - began:.0f} s\n")
    return 1 if failed else 0


def _line(outcome: Outcome) -> str:
    facts = "  ".join(f"{name}={value}" for name, value in outcome.seen.items())
    return f"{'✓' if outcome.ok else '✗'} {outcome.step:22} {facts}"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
