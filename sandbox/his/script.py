"""What kind of day is played: a small TOML file with the clinics, what befalls patients, the mishaps on the line."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sandbox.his.faults import FaultPlan, check_kinds

SCRIPTS = Path(__file__).with_name("scripts")
DIALECTS = ("omp", "rde", "orm")
# Percent of all visits; what each stands for is told in docs/hl7/simulator.md.
SHARES = (
    "phone",
    "insured",
    "moved",
    "cancelled",
    "missed",
    "merged",
    "changed_order",
    "cancelled_order",
    "corrected_report",
    "asked_for",
    "gb18030",
)


@dataclass(frozen=True)
class Script:
    """One kind of day. `visits` patients come to `doctors` doctors of one department; `shares` are percents of them."""

    name: str
    visits: int
    doctors: int
    faults: FaultPlan
    department: str = "SIM"
    fee_fen: int = 1500
    slot_minutes: int = 1
    revisit_days: int = 7
    dialects: tuple[str, ...] = DIALECTS
    shares: Mapping[str, float] = field(default_factory=dict)

    @property
    def seed(self) -> str:
        """From which everything follows that is left to chance."""
        return self.faults.seed

    def happens(self, what: str, visit: int) -> bool:
        """Whether `what` befalls the visit with this number; the same seed, the same answer."""
        digest = hashlib.sha256(f"{self.seed}|{what}|{visit}".encode()).digest()
        return int.from_bytes(digest[:4]) / 2**32 < self.shares.get(what, 0) / 100

    def pick(self, what: str, visit: int, count: int) -> int:
        """A number below `count` that follows from seed, question and visit."""
        return int.from_bytes(hashlib.sha256(f"{self.seed}|{what}|{visit}".encode()).digest()[4:8]) % count


def scripts() -> dict[str, Path]:
    """The scripts that come with the simulator, by name."""
    return {path.stem: path for path in sorted(SCRIPTS.glob("*.toml"))}


def read_script(path: Path) -> Script:
    """The script in the file. ValueError, with the place, for what is no script."""
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        return _script(path.stem, told)
    except (TypeError, AttributeError) as wrong:
        raise ValueError(f"{path.name}: {wrong}") from wrong


def changed(script: Script, *, visits: int | None, percent: float | None, seed: str | None) -> Script:
    """The script with other figures where they are given; more visits get more doctors in proportion."""
    faults = replace(
        script.faults,
        percent=script.faults.percent if percent is None else percent,
        seed=script.faults.seed if seed is None else seed,
    )
    if visits is None:
        return replace(script, faults=faults)
    doctors = max(script.doctors, -(-visits // 150))
    return replace(script, faults=faults, visits=visits, doctors=doctors)


def _script(name: str, told: Mapping[str, Any]) -> Script:
    told = dict(told)
    mishaps, shares = dict(told.pop("faults", {})), dict(told.pop("shares", {}))
    unknown = set(shares) - set(SHARES)
    if unknown:
        raise ValueError(f"shares.{min(unknown)}: one of {', '.join(SHARES)}")
    own = {key: mishaps.pop(key) for key in ("percent", "late_seconds", "away_seconds") if key in mishaps}
    check_kinds(mishaps)
    dialects = tuple(told.pop("dialects", DIALECTS))
    if not dialects or set(dialects) - set(DIALECTS):
        raise ValueError(f"dialects: some of {', '.join(DIALECTS)}")
    plan = FaultPlan(str(told.pop("seed", name)), **own, kinds=mishaps)
    return Script(name, faults=plan, shares=shares, dialects=dialects, **told)
