"""A counter of the hospital system: it writes a message, says it, and says it again until it is taken."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hl7_adapter.er7 import Message
from sandbox.his.faults import REORDER, Faults
from sandbox.his.messages import write
from sandbox.his.people import House
from sandbox.his.wire import Wire
from sandbox.store import Store

# HL7 table 0357: a key that is not known yet, a record in use. Whoever hears this says it again a little later.
_SAY_AGAIN = ("204", "206")
_TRIES = 40
_WAIT_SECONDS = 0.25


class Refused(Exception):
    """The other side will not take a message that it must take."""


@dataclass(frozen=True)
class Stage:
    """Where a day is played: the adapter's address, the books, whose clock, and who plays the house (or nobody)."""

    address: tuple[str, int]
    store: Store
    now: Callable[[], datetime]
    house: House | None = None
    run_number: int = 0

    @property
    def run(self) -> str:
        """The run in letters, for numbers that no other run uses."""
        return f"{self.run_number:X}"


class Desk:
    """One counter of the hospital system: it writes messages and says them until they are taken."""

    def __init__(self, stage: Stage, faults: Faults, name: str) -> None:
        """A counter with a line of its own; `name` stands in its control ids."""
        self.wire = Wire(stage.address, faults)
        self._stage = stage
        self._name = name
        self._faults = faults
        self.messages = 0

    def say(self, kind: str, **order: object) -> Message:
        """The answer AA to the message; it is said again while the answer asks for that. Refused for any other."""
        return self._until_taken(self._written(kind, order))

    def say_in_any_order(self, first: tuple[str, dict[str, Any]], second: tuple[str, dict[str, Any]]) -> None:
        """Both are taken; where a mishap turns them round, the second goes out before the first and once more after."""
        one, two = (self._written(kind, order) for kind, order in (first, second))
        is_turned = self._faults.strike("sending", f"{self._name}{self.messages:02d} turned", (REORDER,))
        if is_turned:
            self.wire.say(*two)
        self._until_taken(one)
        self._until_taken(two)

    def _written(self, kind: str, order: dict[str, Any]) -> tuple[bytes, str]:
        self.messages += 1
        key = f"{self._name}{self.messages:02d}"
        order.setdefault("at", self._stage.now().timestamp())
        return write(kind, order, f"{self._stage.run}{key}"), key

    def _until_taken(self, letter: tuple[bytes, str]) -> Message:
        for _ in range(_TRIES):
            answer = self.wire.say(*letter)
            code, reason = answer.get("MSA-1"), answer.get("ERR-3.1")
            if code == "AA":
                return answer
            if reason not in _SAY_AGAIN:
                break
            time.sleep(_WAIT_SECONDS)
        raise Refused(f"{letter[1]} answered {code} {reason} at {answer.get('ERR-2')}: {answer.get('ERR-8')}")
