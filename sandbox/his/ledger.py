"""The hospital system's own ledger of a day: what it said, what it was told, how each visit must stand at the end."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from hl7_adapter.er7 import Group, Message, parse
from sandbox.store import Store

POLL_SECONDS = 0.05
Facts = dict[str, str | int]


@dataclass
class Visit:
    """One visit as this hospital system planned and caused it.

    `numbers` are its own appointment number and, once told, the other side's visit number. `prescriptions` and
    `reports` hold what was last said of each and accepted; `wanted` what must be told to us before the day is over.
    """

    key: str
    mrn: str
    doctor: str
    day: str
    state: str = "booked"
    former_mrn: str = ""
    numbers: list[str] = field(default_factory=list)
    fee_fen: int = 0
    prescriptions: dict[str, dict[str, Any]] = field(default_factory=dict)
    reports: dict[str, dict[str, str]] = field(default_factory=dict)
    wanted: Facts = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """One message that we were told, once however often it came."""

    control_id: str
    kind: str
    mrn: str
    visit_number: str
    message: Message


class Heard:
    """What arrived since it was opened, by patient; it follows the books, whoever writes them."""

    def __init__(self, store: Store) -> None:
        """Starts after what stands in the books already."""
        self._store = store
        newest = store.one("SELECT coalesce(max(id), 0) AS id FROM his_received")
        self._first = self._last = int(newest["id"]) if newest else 0
        self._by_patient: dict[str, list[Told]] = defaultdict(list)
        self._lock = threading.Lock()

    def of(self, mrn: str, kind: str) -> list[Told]:
        """What was told of the patient in messages of this kind (`ADT^A10`), in order."""
        with self._lock:
            self._read_on()
            return [told for told in self._by_patient.get(mrn, []) if told.kind == kind]

    def wait(self, mrn: str, kind: str, *, nth: int = 1, seconds: float = 120) -> Told:
        """The nth such message; TimeoutError when it does not come."""
        give_up_at = time.monotonic() + seconds
        while len(found := self.of(mrn, kind)) < nth:
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"{kind} of {mrn} never came")
            time.sleep(POLL_SECONDS)
        return found[nth - 1]

    def all(self) -> list[Told]:
        """Everything, in order."""
        with self._lock:
            self._read_on()
            return [told for each in self._by_patient.values() for told in each]

    def repeats(self) -> int:
        """How many messages came once more after they were known."""
        row = self._store.one("SELECT coalesce(sum(repeats), 0) AS n FROM his_received WHERE id > ?", self._first)
        return int(row["n"]) if row else 0

    def _read_on(self) -> None:
        rows = self._store.rows("SELECT id, raw FROM his_received WHERE id > ? ORDER BY id", self._last)
        for row in rows:
            self._last = row["id"]
            told = read_told(bytes(row["raw"]))
            self._by_patient[told.mrn].append(told)


def read_told(raw: bytes) -> Told:
    """What a message says of whom."""
    message = parse(raw)
    return Told(
        control_id=message.get("MSH-10"),
        kind=f"{message.get('MSH-9.1')}^{message.get('MSH-9.2')}",
        mrn=message.get("PID-3.1"),
        visit_number=message.get("PV1-19.1") or message.get("ARQ-1.1"),
        message=message,
    )


class Ledger:
    """The visits of one day, kept in the books."""

    def __init__(self, store: Store, day: str) -> None:
        """The ledger of the day called `day`; a new one is empty."""
        self._store = store
        self._day = day

    def keep(self, visit: Visit) -> None:
        """The visit stands in the books as it is now."""
        with self._store.write() as db:
            db.execute(
                "INSERT OR REPLACE INTO his_visit VALUES (?, ?, ?)",
                (self._day, visit.key, json.dumps(asdict(visit), ensure_ascii=False)),
            )

    def visits(self) -> list[Visit]:
        """All of them, by key."""
        rows = self._store.rows("SELECT facts FROM his_visit WHERE day = ? ORDER BY number", self._day)
        return [Visit(**json.loads(row["facts"])) for row in rows]


def facts_of(visit: Visit, told: list[Told]) -> Facts:
    """How the visit must stand: what we said and had accepted, and what we were told of it, field by field."""
    facts: Facts = {
        "patient": visit.mrn,
        "doctor": visit.doctor,
        "day": visit.day,
        "state": visit.state,
        "fee_fen": visit.fee_fen,
    }
    for number, prescription in visit.prescriptions.items():
        facts |= {f"prescription {number} {name}": value for name, value in prescription.items()}
    for number, report in visit.reports.items():
        facts |= {f"report {number} {name}": value for name, value in report.items()}
    for each in told:
        _add(facts, f"told {each.kind}", 1)
        for name, amount in _money_of(each):
            _add(facts, name, amount)
    facts |= _dispensed(told)
    return facts


def _add(facts: Facts, name: str, amount: int) -> None:
    facts[name] = int(facts.get(name, 0)) + amount


def _money_of(told: Told) -> Iterator[tuple[str, int]]:
    """Payments and refunds of a DFT^P03, as fields of the visit."""
    if told.kind != "DFT^P03":
        return
    for line in told.message.segments("FT1"):
        kind, number = line.get("6"), line.get("23.1")
        if kind not in ("PY", "CD"):
            continue
        subject = f"prescription {number}" if number else "fee"
        amount, insured = fen(line.get("11.1.1")), fen(line.get("15.1.1"))
        deed = "paid" if kind == "PY" else "refunded"
        yield f"{subject} {deed}_fen", amount - insured
        yield f"{subject} {deed}_by_insurance_fen", insured


def fen(yuan: str) -> int:
    """25.60 in fen, -0.40 as well; '' is nothing."""
    whole, _, part = (yuan or "0").removeprefix("-").partition(".")
    amount = int(whole) * 100 + int(part.ljust(2, "0")[:2])
    return -amount if yuan.startswith("-") else amount


def _dispensed(told: list[Told]) -> Facts:
    """What left the pharmacy, by prescription; two hand-overs of one bag stand there twice."""
    given: dict[str, list[str]] = defaultdict(list)
    for each in told:
        if each.kind != "RDS^O13":
            continue
        for line in each.message.segments("RXD"):
            given[line.get("7.1")].append(f"{line.get('2.1')}×{line.get('4')}")
    return {f"prescription {number} dispensed": " ".join(sorted(lines)) for number, lines in given.items()}


def names_in(answer: Message) -> list[str]:
    """The names in an answer to QBP^Q22."""
    return [person.get("5.1") for person in Group(answer.segments("PID")).segments("PID")]
