"""Plays one visit on a running demo: `python -m tools.play demo-data/endpoints.json [--json]`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import requests

from tools.demo.hospital_clock import set_clock
from tools.play import collecting, paying, prescribing, registering, returning, waiting
from tools.play.browser import StepFailed
from tools.play.visit import Visit

Step = Callable[[Visit], Mapping[str, object]]
STEPS: tuple[Step, ...] = (
    registering.patient_from_his,
    registering.login,
    registering.bind,
    registering.poster_scan,
    registering.hold,
    registering.pay_fee,
    registering.confirmed_message,
    registering.his_told_registration,
    waiting.check_in,
    waiting.called,
    prescribing.prescription_from_his,
    prescribing.reviewed,
    paying.split,
    paying.pay_self,
    collecting.bag_ready,
    collecting.qr_decoded,
    collecting.bag_matched,
    collecting.collected,
    collecting.second_scan_refused,
    collecting.his_told_dispense,
    collecting.invoice_pdf,
    collecting.invoice_verified,
    returning.report_looked_up,
    returning.reminder_once,
    returning.revisit_booked,
    returning.timeline,
    returning.funnel,
)


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
    began = time.monotonic()
    failed = sum(not _play(step, visit, as_json=as_json) for step in STEPS)
    sys.stderr.write(f"{len(STEPS) - failed} of {len(STEPS)} steps in {time.monotonic() - began:.0f} s\n")
    return 1 if failed else 0


def _play(step: Step, visit: Visit, *, as_json: bool) -> bool:
    name = step.__name__
    try:
        ok, seen = True, step(visit)
    except (StepFailed, requests.RequestException) as failed:
        ok, seen = False, {"missing": visit.without_person(str(failed))}
    except (KeyError, IndexError, ValueError, TypeError) as unexpected:
        ok, seen = False, {"missing": f"an answer of another shape: {type(unexpected).__name__} {unexpected}"}
    if as_json:
        print(json.dumps({"step": name, "ok": ok, "seen": seen}, ensure_ascii=False), flush=True)
    else:
        facts = "  ".join(f"{each}={value}" for each, value in seen.items())
        print(f"{'✓' if ok else '✗'} {name:22} {facts}", flush=True)
    visit.note(f"step {name} {'ok' if ok else 'failed'}")
    return ok


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
