"""One patient's visit as the hospital system lives it, from ADT^A04 to the revisit."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from sandbox.clock import CHINA
from sandbox.his.desk import Desk, Refused, Stage
from sandbox.his.ledger import Heard, Ledger, Visit
from sandbox.his.people import PLANS, House, Person, person
from sandbox.his.pharmacy import FORMULARY
from sandbox.his.script import Script
from sandbox.insurer import people as insurer

MOVED_MINUTES = 20


class TimeOf(Protocol):
    """The beginning of the day's sessions, so many days and minutes later, as an HL7 time."""

    def __call__(self, *, days: int = 0, minutes: int = 0) -> str:
        """The time."""


class Course:
    """The visit with number `visit`; everything about it follows from the script's seed."""

    def __init__(self, stage: Stage, script: Script, desk: Desk, books: tuple[Heard, Ledger], visit: int) -> None:
        """Nothing is said yet."""
        self._stage, self._script, self._desk = stage, script, desk
        (self._heard, self._ledger), self._number = books, visit
        run = stage.run
        plan = PLANS[script.pick("plan", visit, len(PLANS))] if self._happens("insured") else ""
        self._who = person(stage.run_number, visit, f"S{run}{visit:05d}", plan)
        self._key = f"A{run}{visit:05d}"
        self._by_phone = stage.house is not None and self._happens("phone")

    def run(self, doctor: str, time_of: TimeOf) -> None:
        """The visit from its first message to its last; Refused, NotTaken or TimeoutError where it breaks off."""
        today, later = time_of()[:8], time_of(days=self._script.revisit_days)[:8]
        visit = Visit(self._key, self._who.mrn, doctor, today, numbers=[self._key])
        self._register(visit, time_of)
        if self._ends_early(visit, time_of):
            return
        self._arrive(visit)
        if self._happens("merged") and not self._by_phone:
            self._merge(visit)
        self._treat(visit)
        house = self._stage.house
        if house is not None:
            day = datetime.strptime(later, "%Y%m%d").replace(tzinfo=CHINA).date()
            house.finish(self._visit_number(visit), day)
            visit.state = "completed"
        self._ledger.keep(visit)
        self._come_again(visit, later, time_of(days=self._script.revisit_days))

    def _happens(self, what: str) -> bool:
        return self._script.happens(what, self._number)

    def _say(self, kind: str, **order: object) -> None:
        self._desk.say(kind, **self._order(**order))

    def _order(self, **order: object) -> dict[str, Any]:
        """Who it is about, in the character set of the day's share."""
        charset = "GB18030" if self._happens("gb18030") else "UNICODE UTF-8"
        return {"charset": charset, "patient_id": self._who.mrn, "name": self._who.name, **order}

    # The patient's record, and a place with the doctor.

    def _register(self, visit: Visit, time_of: TimeOf) -> None:
        provisional = f"T{self._stage.run}{self._number:05d}" if self._happens("merged") and not self._by_phone else ""
        a04 = self._order(**_facts(self._who, provisional))
        self._insure(self._who)
        if self._by_phone:
            house = self._house()
            self._desk.say("a04", **a04)
            house.meet(self._who)
            house.book(self._who, visit.doctor)
            booked = self._heard.wait(self._who.mrn, "SRM^S01")
            visit.numbers.append(booked.visit_number)
            visit.fee_fen = self._script.fee_fen
            visit.wanted |= {"told SRM^S01": 1, "told DFT^P03": 1, "fee paid_fen": visit.fee_fen}
        else:
            visit.mrn = provisional or visit.mrn
            s12 = self._order(**self._place(visit, time_of()), patient_id=visit.mrn)
            self._desk.say_in_any_order(("a04", a04), ("siu_s12", s12))
        self._ledger.keep(visit)
        if self._happens("asked_for") and not provisional:
            self._ask(visit)

    def _place(self, visit: Visit, starts: str) -> dict[str, Any]:
        minutes = str(self._script.slot_minutes)
        where = {"department_code": self._script.department, "doctor_code": visit.doctor}
        return {"appointment": visit.key, "starts": starts, "minutes": minutes, **where}

    def _ask(self, visit: Visit) -> None:
        """QBP^Q22: the other side knows the patient by the name that we gave."""
        answer = self._desk.say("qbp", patient_id=visit.mrn)
        if answer.get("PID-5.1") != self._who.name:
            raise Refused(f"QBP^Q22 of {visit.mrn}: another name")

    def _insure(self, who: Person) -> None:
        """The insurer knows whom the hospital system calls insured."""
        store, number = self._stage.store, who.member_number
        insurer.enrol(store, card_no=number, certno=who.id_number, name=who.name, policy=who.policy)

    def _ends_early(self, visit: Visit, time_of: TimeOf) -> bool:
        """What befalls the place before the patient comes; True when nobody comes."""
        about = {"appointment": visit.key, "visit_number": self._visit_number(visit), "patient_id": visit.mrn}
        if self._happens("moved"):
            self._say("siu_s13", **{**self._place(visit, time_of(minutes=MOVED_MINUTES)), **about})
        if self._happens("cancelled"):
            self._say("siu_s15", **about)
            visit.state = "cancelled"
            if visit.fee_fen:
                visit.wanted |= {"told DFT^P03": 2, "fee refunded_fen": visit.fee_fen}
        elif self._happens("missed"):
            self._say("siu_s26", **about)
            visit.state = "no_show"
        self._ledger.keep(visit)
        return visit.state != "booked"

    def _visit_number(self, visit: Visit) -> str:
        """The other side's number, '' before it was told."""
        return visit.numbers[1] if len(visit.numbers) > 1 else ""

    # In the house.

    def _arrive(self, visit: Visit) -> None:
        if self._by_phone:
            self._house().check_in(self._visit_number(visit))
        else:
            self._say("siu_s14", appointment=visit.key, patient_id=visit.mrn, status="Arrived")
        told = self._heard.wait(visit.mrn, "ADT^A10")
        if told.visit_number not in visit.numbers:
            visit.numbers.append(told.visit_number)
        visit.state = "checked_in"
        visit.wanted["told ADT^A10"] = 1
        self._ledger.keep(visit)

    def _merge(self, visit: Visit) -> None:
        """The patient has a record already: the provisional one becomes a part of it."""
        visit.former_mrn, visit.mrn = visit.mrn, self._who.mrn
        self._say("a04", **_facts(self._who))
        self._say("a40", former_patient_id=visit.former_mrn)
        self._ledger.keep(visit)

    def _treat(self, visit: Visit) -> None:
        """Prescription and laboratory; the pharmacy's side of it where somebody plays the house."""
        house = self._stage.house
        if house is not None:
            house.call_in(self._visit_number(visit))
        number = f"RX{self._stage.run}{self._number:05d}"
        lines = self._lines(extra=0)
        dialect = self._script.dialects[self._number % len(self._script.dialects)]
        report = f"L{self._stage.run}{self._number:05d}"
        self._desk.say_in_any_order(
            (dialect, self._order(**self._ordered(visit, number, "NW", lines))),
            ("oru", self._order(**self._reported(visit, report, "F"))),
        )
        visit.prescriptions[number] = {"state": "issued", **_written(lines)}
        if self._happens("corrected_report"):
            self._say("oru", **self._reported(visit, report, "C"))
        if self._happens("cancelled_order"):
            self._say(dialect, **self._ordered(visit, number, "CA", lines))
            visit.prescriptions[number]["state"] = "voided"
        elif self._happens("changed_order"):
            lines = self._lines(extra=1)
            self._say(dialect, **self._ordered(visit, number, "XO", lines))
            visit.prescriptions[number] = {"state": "issued", **_written(lines)}
        self._ledger.keep(visit)
        if house is not None and visit.prescriptions[number]["state"] == "issued":
            self._dispense(house, visit, number, lines)

    def _dispense(self, house: House, visit: Visit, number: str, lines: list[dict[str, Any]]) -> None:
        house.meet(self._who)
        house.review(number)
        house.pay(self._who, number)
        house.hand_over(self._who, number)
        visit.prescriptions[number]["state"] = "dispensed"
        given = " ".join(sorted(f"{line['code']}×{line['quantity']}" for line in lines))
        visit.wanted["told DFT^P03"] = int(visit.wanted.get("told DFT^P03", 0)) + 1
        visit.wanted |= {"told RDS^O13": 1, f"prescription {number} dispensed": given}

    def _lines(self, *, extra: int) -> list[dict[str, Any]]:
        """One to four drugs, one to three packs of each; `extra` more packs of the first."""
        count, first = 1 + self._script.pick("drugs", self._number, 4), self._script.pick("drug", self._number, 6)
        lines = []
        for place in range(count):
            drug = FORMULARY[(first + place) % len(FORMULARY)]
            packs = 1 + self._script.pick(f"packs{place}", self._number, 3) + (extra if place == 0 else 0)
            how = {"dose": "1", "dose_unit": "片", "frequency": "BID", "days": 5}
            lines.append({**drug, **how, "quantity": packs, "amount_fen": packs * int(drug["price_fen"])})
        return lines

    def _ordered(self, visit: Visit, number: str, control: str, lines: list[dict[str, Any]]) -> dict[str, Any]:
        by = {"doctor_code": visit.doctor, "doctor_name": "演练", "department_code": self._script.department}
        about = {"patient_id": visit.mrn, "visit_number": self._visit_number(visit), "prescription_number": number}
        return {**about, **by, "order_control": control, "lines": lines}

    def _reported(self, visit: Visit, number: str, status: str) -> dict[str, Any]:
        """A report whose first finding depends on its status, so that a correction can be seen."""
        white = f"{4 + self._script.pick(f'white{status}', self._number, 60) / 10:.1f}"
        results = [
            {"code": "WBC", "name": "白细胞计数", "value": white, "unit": "10^9/L", "range": "3.5-9.5", "flag": "N"},
            {"code": "HGB", "name": "血红蛋白", "value": "135", "unit": "g/L", "range": "115-150", "flag": "N"},
        ]
        state = {"F": "final", "C": "corrected"}[status]
        visit.reports[number] = {"state": state, "findings": f"WBC={white} HGB=135", "patient": visit.mrn}
        about = {"patient_id": visit.mrn, "visit_number": self._visit_number(visit), "report_number": number}
        return {**about, "status": status, "results": results}

    # The visit after this one.

    def _come_again(self, before: Visit, day: str, starts: str) -> None:
        """The patient comes again: by one tap on the phone, or booked at the hospital's counter."""
        visit = Visit(f"R{self._stage.run}{self._number:05d}", before.mrn, before.doctor, day)
        visit.numbers = [visit.key]
        if self._by_phone:
            self._house().book_revisit(self._who)
            booked = self._heard.wait(self._who.mrn, "SRM^S01", nth=2)
            visit.numbers.append(booked.visit_number)
            visit.fee_fen = self._script.fee_fen
            visit.wanted |= {"told SRM^S01": 1, "told DFT^P03": 1, "fee paid_fen": visit.fee_fen}
        else:
            self._say("siu_s12", **self._place(visit, starts), patient_id=visit.mrn, reason="FOLLOWUP")
        self._ledger.keep(visit)

    def _house(self) -> House:
        assert self._stage.house is not None
        return self._stage.house


def _facts(who: Person, provisional: str = "") -> dict[str, Any]:
    """What A04 says of the person; a provisional record has neither identity card nor insurance."""
    known = {"sex": who.sex, "birth_day": f"{who.birth_day:%Y%m%d}", "phone": who.phone}
    if provisional:
        return {**known, "patient_id": provisional}
    insured = {"insurance_plan": who.plan, "insurance_number": who.member_number} if who.plan else {}
    return {**known, "id_number": who.id_number, **insured}


def _written(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """A prescription's lines and total as both ledgers write them."""
    written = " ".join(sorted(f"{line['code']}×{line['quantity']}={line['amount_fen']}" for line in lines))
    return {"lines": written, "total_fen": sum(line["amount_fen"] for line in lines)}
