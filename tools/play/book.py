"""The steps of the played visit in their order, and how one of them is played."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import requests

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


@dataclass(frozen=True)
class Outcome:
    """What became of one step: `seen` are facts without personal data, under `missing` what was not as it must be."""

    step: str
    ok: bool
    seen: Mapping[str, object]


def play(step: Step, visit: Visit) -> Outcome:
    """The step is played; whatever goes wrong in it is its outcome, so that the steps after it are played too."""
    try:
        ok, seen = True, step(visit)
    except (StepFailed, requests.RequestException) as failed:
        ok, seen = False, {"missing": visit.without_person(str(failed))}
    except (LookupError, ValueError, TypeError) as unexpected:
        words = visit.without_person(f"{type(unexpected).__name__} {unexpected}")
        ok, seen = False, {"missing": f"an answer of another shape: {words}"}
    visit.note(f"step {step.__name__} {'ok' if ok else 'failed'}")
    return Outcome(step.__name__, ok, seen)
