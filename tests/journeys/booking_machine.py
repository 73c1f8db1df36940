"""Everything that can happen to a place at once: phones, money, time, the doctor's absence and the waiting list.

After every step the tables' promises hold and every fen that came in is where it belongs.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import time, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select, text

from app.cli import invariants
from app.kernel import peers
from app.kernel.errors import VisitError
from app.kernel.peers import Peer
from app.kernel.uow import Actor, Units, Uow
from app.payment import asking, receipts, refunds
from app.payment import service as payment
from app.payment.models import PayMethod
from app.payment.states import BillState
from app.queueing import service as queueing
from app.registration import by_time, closing, deciding, offering, rescheduling, service, waitlist
from app.registration.models import Registration, WaitlistOffer
from app.registration.waitlist import Wish
from app.scheduling import opening
from app.scheduling.models import ClinicSession, HalfDay, Shift
from tests import factories, factories_payment
from tests.conftest import MORNING, SetClock
from tests.factories import Clinic, Person

PEOPLE, SESSIONS, PLACES = 3, 3, 2
WHO, WHERE = st.integers(0, PEOPLE - 1), st.integers(0, SESSIONS - 1)
SLICES = ("registration.", "scheduling.", "payment.", "ledger.")
# Each counts what would be lost: what came in is in a paid bill or on its way back, and a place is paid for or free.
MONEY = {
    "every_fen_is_kept_or_on_its_way_back": (
        "SELECT (SELECT coalesce(sum(paid_fen), 0) FROM payment_order)"
        " - (SELECT coalesce(sum(amount_fen), 0) FROM refund)"
        " - (SELECT coalesce(sum(cash_fen), 0) FROM bill WHERE state = 'paid')"
    ),
    "a_place_in_use_is_paid_for": (
        "SELECT count(*) FROM registration r WHERE r.fee_fen > 0 AND r.state IN"
        " ('booked', 'checked_in', 'in_consultation', 'completed', 'no_show') AND NOT EXISTS (SELECT 1 FROM bill b"
        " WHERE b.purpose = 'registration' AND b.subject_id = r.id AND b.state = 'paid')"
    ),
    "nobody_pays_for_a_place_that_is_gone": (
        "SELECT count(*) FROM registration r JOIN bill b ON b.purpose = 'registration' AND b.subject_id = r.id"
        " WHERE r.state IN ('held', 'expired', 'cancelled') AND b.state = 'paid'"
    ),
    "no_more_places_than_there_are": (
        "SELECT count(*) FROM (SELECT session_id FROM registration WHERE state IN ('held', 'booked', 'checked_in',"
        f" 'in_consultation') GROUP BY session_id HAVING count(*) > {PLACES}) t"
    ),
}
PROMISES = {name: sql for name, sql in invariants.statements().items() if name.startswith(SLICES)} | MONEY
# One question for all of them, since it is asked after every step.
ALL = text("SELECT " + ", ".join(f"({sql})" for sql in PROMISES.values()))


# Where the hospital system decides: a place goes back only for one that it agreed to, or to which its patient came.
AGREED = {
    "no_place_is_given_up_for_one_that_was_not_agreed": (
        "SELECT count(*) FROM registration r JOIN move gone ON gone.machine = 'registration'"
        " AND gone.subject_id = r.replaces_id AND gone.why = 'exchanged' WHERE NOT EXISTS (SELECT 1 FROM move m"
        " WHERE m.machine = 'registration' AND m.subject_id = r.id AND m.action IN ('hospital_accepts', 'check_in'))"
    ),
}
ALL_AGREED = text("SELECT " + ", ".join(f"({sql})" for sql in AGREED.values()))


def give_up_exchanges(uow: Uow) -> int:
    """The job of this name, where five seconds are the hospital system's."""
    return by_time.give_up_exchanges(uow, deadline=timedelta(seconds=5))


class BookingMachine(RuleBasedStateMachine):
    """Three people, one doctor with three sessions of two places: today, tomorrow, and a dearer one after that."""

    units: Units
    clock: SetClock
    wash: Callable[[], None]

    @initialize()
    def open_the_hospital(self) -> None:
        self.wash()
        self.clock.at(MORNING - timedelta(hours=2))
        self.till = factories_payment.Till()
        self.asked: list[asking.Asked] = []
        with self.units.open() as uow:
            self.clinic: Clinic = factories.clinic(uow, places=PLACES)
            self.people: list[Person] = [factories.person(uow) for _ in range(PEOPLE)]
        self.sessions = [self.clinic.session, self._another(1, 2500), self._another(2, 5000)]

    def _another(self, days: int, fee_fen: int) -> ClinicSession:
        with self.units.open() as uow:
            day = uow.today() + timedelta(days=days)
            doctor = self.clinic.practitioner.id
            shift = Shift(practitioner_id=doctor, weekday=day.weekday(), half_day=HalfDay.AM, starts=time(9, 30))
            shift.places, shift.slot_minutes, shift.room, shift.fee_fen = PLACES, 15, "3-05", fee_fen
            uow.session.add(shift)
            uow.session.flush()
            made = opening.open_session(uow, shift, day)
            assert made is not None
            return made

    def _may(self, actor: Actor, deed: Callable[[Any], object]) -> None:
        """The deed is done, or refused with nothing done; anything else is a fault."""
        try:
            with self.units.open(actor) as uow:
                deed(uow)
        except VisitError:
            return

    def _newest(self, who: Person, nth: int) -> Registration | None:
        with self.units.open(who.actor) as uow:
            mine = service.list_of_account(uow)
        return mine[nth % len(mine)] if mine else None

    @rule(who=WHO, where=WHERE)
    def hold(self, who: int, where: int) -> None:
        person, session = self.people[who], self.sessions[where].public_id
        self._may(
            person.actor,
            lambda uow: service.hold(uow, session_public_id=session, patient_public_id=person.patient.public_id),
        )

    @rule(who=WHO)
    def ask_for_the_money(self, who: int) -> None:
        person = self.people[who]
        with self.units.open(person.actor) as uow:
            bills = [bill for bill in payment.list_of_account(uow) if bill.state == BillState.OPEN]
        for bill in bills:
            try:
                self.asked.append(asking.start(self.units, self.till, person.actor, bill.public_id, PayMethod.NATIVE))
            except VisitError:
                continue

    @rule(nth=st.integers(0, 5))
    def money_arrives(self, nth: int) -> None:
        """For any order that was asked for, however old, and however often."""
        if not self.asked:
            return
        order = self.asked[-1 - nth % len(self.asked)]
        if not order.out_trade_no:
            return
        self._may(
            Actor("provider", "wechat"),
            lambda uow: receipts.receive_paid(
                uow,
                out_trade_no=order.out_trade_no,
                transaction_id=f"T{order.out_trade_no}",
                amount_fen=order.amount_fen,
                paid_at=self.clock.now(),
            ),
        )

    @rule(who=WHO)
    def pay(self, who: int) -> None:
        self.ask_for_the_money(who)
        self.money_arrives(0)

    @rule(who=WHO, nth=st.integers(0, 2))
    def cancel(self, who: int, nth: int) -> None:
        found = self._newest(self.people[who], nth)
        if found:
            self._may(self.people[who].actor, lambda uow: service.cancel(uow, public_id=found.public_id))

    @rule(who=WHO, nth=st.integers(0, 2), where=WHERE)
    def reschedule(self, who: int, nth: int, where: int) -> None:
        found, session = self._newest(self.people[who], nth), self.sessions[where].public_id
        if found:
            self._may(
                self.people[who].actor,
                lambda uow: rescheduling.reschedule(uow, public_id=found.public_id, session_public_id=session),
            )

    @rule(who=WHO)
    def check_in(self, who: int) -> None:
        found = self._newest(self.people[who], 0)
        if found:
            self._may(
                self.people[who].actor,
                lambda uow: queueing.check_in(uow, registration=service.of_account(uow, found.public_id)),
            )

    @rule(who=WHO, where=WHERE)
    def wait_for_a_place(self, who: int, where: int) -> None:
        person, day = self.people[who], self.sessions[where].visit_day
        wish = Wish(self.clinic.department.code, day, day)
        self._may(person.actor, lambda uow: waitlist.join(uow, patient_public_id=person.patient.public_id, wish=wish))

    @rule(who=WHO, does_accept=st.booleans())
    def answer_an_offer(self, who: int, does_accept: bool) -> None:
        person = self.people[who]
        with self.units.open() as uow:
            offer = uow.session.scalars(
                select(WaitlistOffer.public_id)
                .where(WaitlistOffer.patient_id == person.patient.id)
                .order_by(WaitlistOffer.id.desc())
            ).first()
        answer = waitlist.accept if does_accept else waitlist.decline
        if offer:
            self._may(person.actor, lambda uow: answer(uow, public_id=offer))

    @rule(where=WHERE)
    def the_doctor_is_ill(self, where: int) -> None:
        session = self.sessions[where].public_id
        self._may(Actor("staff", "ops"), lambda uow: closing.stop_session(uow, public_id=session, why="ill"))

    @rule(minutes=st.sampled_from((1, 6, 11, 16, 90, 600, 1500)))
    def time_passes(self, minutes: int) -> None:
        self.clock.step(minutes=minutes)

    @rule()
    def the_jobs_run(self) -> None:
        for job in (by_time.expire_due, give_up_exchanges, by_time.close_sessions, offering.work_through):
            with self.units.open(Actor("job", job.__name__)) as uow:
                job(uow)

    @rule()
    def refunds_are_sent(self) -> None:
        refunds.send_refunds(self.units, self.till)

    @rule()
    def home_and_back_again(self) -> None:
        """A whole swap, which chance alone would seldom find: book, pay, and move to the dearer day."""
        self.hold(0, 0)
        self.pay(0)
        self.reschedule(0, 0, 2)

    @invariant()
    def every_promise_holds(self) -> None:
        with self.units.open(reads_only=True) as uow:
            counts = uow.session.execute(ALL).one()
        broken = {name: count for name, count in zip(PROMISES, counts, strict=True) if count}
        assert not broken, str(broken)


class DecidedMachine(BookingMachine):
    """The same where the hospital system has the last word on every place, and says it late or never."""

    @initialize()
    def open_the_hospital(self) -> None:
        super().open_the_hospital()
        with self.units.open(Actor("staff", "it")) as uow:
            peers.file_peer(uow, Peer(name="HIS", application="HIS", facility="HOSPITAL", decides_bookings=True))

    @rule(is_yes=st.booleans())
    def the_hospital_system_answers(self, is_yes: bool) -> None:
        """The place that was asked for first is had there, or not."""
        with self.units.open(reads_only=True) as uow:
            asked = select(Registration.id).where(Registration.asked_at.is_not(None)).order_by(Registration.asked_at)
            found = uow.session.scalars(asked.limit(1)).first()
        if found:
            self._may(Actor("peer", "his"), lambda uow: self._answered(uow, found, is_yes=is_yes))

    def _answered(self, uow: Uow, registration_id: int, *, is_yes: bool) -> None:
        visit = uow.session.get_one(Registration, registration_id)
        nth = visit.asked_nth or 0
        if is_yes:
            deciding.accepted(uow, visit, nth=nth)
        else:
            deciding.refused(uow, visit, nth=nth, reason="AE 205")

    @rule(is_yes=st.booleans())
    def a_swap_is_asked_for(self, is_yes: bool) -> None:
        """Book, agreed; move to the dearer day, paid; and the answer to that."""
        self.hold(0, 0)
        self.pay(0)
        self.the_hospital_system_answers(is_yes=True)
        self.reschedule(0, 0, 2)
        self.pay(0)
        self.the_hospital_system_answers(is_yes=is_yes)

    @invariant()
    def one_place_or_the_other(self) -> None:
        with self.units.open(reads_only=True) as uow:
            counts = uow.session.execute(ALL_AGREED).one()
        assert not any(counts), dict(zip(AGREED, counts, strict=True))


def machine(
    units: Units, clock: SetClock, wash: Callable[[], None], kind: type[BookingMachine] = BookingMachine
) -> type[BookingMachine]:
    """The machine in this hospital."""
    return type("Booking", (kind,), {"units": units, "clock": clock, "wash": staticmethod(wash)})
