"""Mishaps on the line, ordered by rule: which message meets which one depends on the seed alone, never on the clock."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field

from sandbox.store import Store

# What may happen to a message on its way out of the hospital system, to two of them …
ON_THE_WIRE = ("drop_before", "drop_after", "drip", "delay", "duplicate")
REORDER = "reorder"
SENDING = (*ON_THE_WIRE, REORDER)
# … and to one on its way in.
RECEIVING = ("drop_before", "drop_after", "silent", "late", "ae", "ar", "stale", "twice", "restart")
SIDES = {"sending": SENDING, "receiving": RECEIVING}
TRIES_STRUCK = 3


@dataclass(frozen=True)
class FaultPlan:
    """Of 100 tries to send or to receive a message `percent` meet a mishap, shared out by the weights of `kinds`.

    `kinds` is {side: {mishap: weight}}. A message's fourth try and those after it meet none, so that every day ends.
    A late answer comes after `late_seconds`, who restarts is away for `away_seconds`.
    """

    seed: str = ""
    percent: float = 0.0
    kinds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    late_seconds: float = 3.0
    away_seconds: float = 1.0

    def strikes(self, side: str, control_id: str, attempt: int, only: Collection[str] = ()) -> str:
        """The mishap of this try (`attempt` counts from 0), '' for none; the same question has the same answer.

        `only` names the mishaps that can befall it.
        """
        weights = {kind: weight for kind, weight in self.kinds.get(side, {}).items() if not only or kind in only}
        if attempt >= TRIES_STRUCK or not weights:
            return ""
        chance = _chance(f"{self.seed}|{side}|{control_id}|{attempt}")
        if chance >= self.percent / 100:
            return ""
        mark = chance / (self.percent / 100) * sum(weights.values())
        for kind, weight in weights.items():
            mark -= weight
            if mark < 0:
                return kind
        return ""


def _chance(text: str) -> float:
    """A number from 0 up to 1 that follows from the text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) / 2**64


def check_kinds(kinds: Mapping[str, Mapping[str, float]]) -> None:
    """ValueError for a side or a mishap that there is not, or a weight below 0."""
    for side, weights in kinds.items():
        if side not in SIDES:
            raise ValueError(f"faults.{side}: one of {', '.join(SIDES)}")
        for kind, weight in weights.items():
            if kind not in SIDES[side] or weight < 0:
                raise ValueError(f"faults.{side}.{kind}: one of {', '.join(SIDES[side])}, with a weight from 0 on")


class Faults:
    """The mishaps that are ordered in the books, for one process; each that strikes is written there."""

    def __init__(self, store: Store) -> None:
        """Remembers the books; the order is read from them at every question, since another process may change it."""
        self._store = store
        self._tries: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        self._since = 0

    def order(self, plan: FaultPlan) -> None:
        """From now on mishaps strike by this plan, and are counted anew where it orders any."""
        newest = self._store.one("SELECT coalesce(max(id), 0) AS id FROM his_mishap")
        self._since = int(newest["id"]) if newest and plan.percent else self._since
        with self._store.write() as db:
            db.execute("INSERT OR REPLACE INTO his_fault_plan VALUES (1, ?)", (json.dumps(asdict(plan)),))

    def plan(self) -> FaultPlan:
        """What is ordered; nothing strikes where nothing was."""
        row = self._store.one("SELECT plan FROM his_fault_plan")
        return FaultPlan(**json.loads(row["plan"])) if row else FaultPlan()

    def strike(self, side: str, control_id: str, only: Collection[str] = ()) -> str:
        """What befalls this try of the message, '' for nothing; each call is one more try of it."""
        plan = self.plan()
        if not plan.percent:
            return ""
        with self._lock:
            attempt = self._tries[side, control_id]
            self._tries[side, control_id] += 1
        kind = plan.strikes(side, control_id, attempt, only)
        if kind:
            with self._store.write() as db:
                db.execute(
                    "INSERT INTO his_mishap (side, kind, control_id, attempt) VALUES (?, ?, ?, ?)",
                    (side, kind, control_id, attempt),
                )
        return kind

    def struck(self) -> dict[str, int]:
        """How often each mishap struck since the last order, by `side.kind`."""
        rows = self._store.rows(
            "SELECT side, kind, count(*) AS n FROM his_mishap WHERE id > ? GROUP BY side, kind ORDER BY side, kind",
            self._since,
        )
        return {f"{row['side']}.{row['kind']}": row["n"] for row in rows}
