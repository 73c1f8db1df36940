"""A hospital's day, played over MLLP: the clinics open, and every doctor's patients come one after another."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from sandbox.clock import CHINA
from sandbox.his.course import Course
from sandbox.his.desk import Desk, Stage
from sandbox.his.faults import FaultPlan, Faults
from sandbox.his.ledger import Heard, Ledger, Visit
from sandbox.his.pharmacy import FORMULARY
from sandbox.his.script import Script

LONGEST_MINUTES = 200
SETTLE_SECONDS = 180.0
_WAIT_SECONDS = 0.25
_PATTERN = "%Y%m%d%H%M%S+0800"


class Day:
    """One played day; `troubles` says what could not be played to its end, and what the other side must never do."""

    def __init__(self, stage: Stage, script: Script) -> None:
        """Nothing is said yet. The mishaps of the script are ordered in the books."""
        self.script = script
        self.troubles: list[str] = []
        self.faults = Faults(stage.store)
        self.faults.order(script.faults)
        self.ledger = Ledger(stage.store, stage.run)
        self.heard = Heard(stage.store)
        self.messages = self.tries = 0
        self._stage = stage
        self._lock = threading.Lock()
        self._starts = stage.now().astimezone(CHINA).replace(second=0, microsecond=0)
        self._done = 0

    def open(self) -> None:
        """Department, doctors and prices are on file; the doctors sit now, and on the day of the revisits."""
        desk, script = Desk(self._stage, self.faults, "open"), self.script
        doctors = [self.doctor(number) for number in range(script.doctors)]
        home = {"department_code": script.department}
        listed = [{"code": code, "name": f"演{code[-2:]}", "title": "医师", **home} for code in doctors]
        desk.say("mfn_m05", entries=[{"code": script.department, "name": "演练门诊", "place": "门诊楼1层"}])
        desk.say("mfn_m02", entries=listed)
        desk.say("mfn_m04", entries=FORMULARY)
        if self._stage.house is not None:
            house = self._stage.house
            house.prepare(script.department, doctors, slot_minutes=script.slot_minutes, fee_fen=script.fee_fen)
        for number, code in enumerate(doctors):
            for days in (0, script.revisit_days):
                desk.say(
                    "siu_s24",
                    appointment=f"O{self._stage.run}{number:02d}{days}",
                    doctor_code=code,
                    starts=self._time(days=days),
                    minutes=str(self._minutes()),
                    room=f"S{number:02d}",
                    **home,
                )
        self._leave(desk)

    def play(self, told: Callable[[int], None] = lambda _done: None) -> None:
        """Every doctor's patients, one after another, all doctors at once; `told(n)` when n visits are over."""
        threads = [
            threading.Thread(target=self._sit, args=(number, told), name=self.doctor(number))
            for number in range(self.script.doctors)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def settle(self, seconds: float = SETTLE_SECONDS) -> list[Visit]:
        """The day's visits, once everything was told that they wait for, or `seconds` are over."""
        if self._stage.house is not None:
            self._stage.house.settle()
        visits, give_up_at = self.ledger.visits(), time.monotonic() + seconds
        while self._is_waited_for(visits) and time.monotonic() < give_up_at:
            time.sleep(_WAIT_SECONDS)
        return visits

    def end(self) -> None:
        """No more mishaps strike."""
        self.faults.order(FaultPlan())

    def doctor(self, number: int) -> str:
        """The code of the day's nth doctor."""
        return f"{self.script.department}{number:02d}"

    def _sit(self, number: int, told: Callable[[int], None]) -> None:
        """One doctor's day."""
        for visit in range(number, self.script.visits, self.script.doctors):
            desk = Desk(self._stage, self.faults, f"{visit:05d}")
            course = Course(self._stage, self.script, desk, (self.heard, self.ledger), visit)
            try:
                course.run(self.doctor(number), self._time)
            except Exception as trouble:  # noqa: BLE001 - whatever befalls one patient, the next one is seen
                self.troubles.append(f"visit {visit}: {type(trouble).__name__}: {trouble}")
            self._leave(desk)
            with self._lock:
                self._done += 1
                told(self._done)

    def _leave(self, desk: Desk) -> None:
        desk.wire.close()
        with self._lock:
            self.messages += desk.messages
            self.tries += desk.wire.sent
            self.troubles += desk.wire.odd

    def _time(self, *, days: int = 0, minutes: int = 0) -> str:
        """The beginning of the sessions, so many days and minutes later, as an HL7 time."""
        return (self._starts + timedelta(days=days, minutes=minutes)).strftime(_PATTERN)

    def _minutes(self) -> int:
        """How long the sessions last: 200 minutes, and never past midnight."""
        midnight = datetime.combine(self._starts.date() + timedelta(days=1), datetime.min.time(), CHINA)
        return min(LONGEST_MINUTES, int((midnight - self._starts).total_seconds()) // 60 - 1)

    def _is_waited_for(self, visits: list[Visit]) -> bool:
        heard = Counter((told.visit_number, told.kind) for told in self.heard.all())
        return any(
            sum(heard[number, name.removeprefix("told ")] for number in visit.numbers) < int(wanted)
            for visit in visits
            for name, wanted in visit.wanted.items()
            if name.startswith("told ")
        )
