"""What a running process has at hand: its settings, its units of work, and its couriers to the outside world."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app

from app.couriers.chosen import Couriers
from app.kernel.uow import Units
from app.paper.signing import Signer
from config import Settings


@dataclass(frozen=True)
class Runtime:
    """Made once by create_app, found under `app.extensions["menzhen"]`; `signer` None leaves invoices unsigned."""

    settings: Settings
    units: Units
    couriers: Couriers
    signer: Signer | None = None


def runtime() -> Runtime:
    """The runtime of the application at work."""
    found: Runtime = current_app.extensions["menzhen"]
    return found
