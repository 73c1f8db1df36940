"""Who talks to the outside world: one file per provider, each fits a port of the step that needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.kernel.uow import Units
from config import Settings


@dataclass(frozen=True)
class Couriers:
    """The couriers chosen at the start; None where a provider is not set up."""

    payments: Any = None
    texts: Any = None
    wechat: Any = None


def choose(settings: Settings, units: Units) -> Couriers:
    """The couriers that `settings` have addresses and keys for."""
    return Couriers()
