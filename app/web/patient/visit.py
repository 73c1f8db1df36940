"""Everything a page needs to know of one visit, gathered from the steps in the order in which they happen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.identity import service as identity
from app.identity.models import Patient
from app.insurance import cases
from app.insurance.states import SettlementState
from app.invoice import service as invoice
from app.invoice.models import Invoice
from app.kernel.clock import hospital_day
from app.kernel.uow import Uow
from app.payment import service as payment
from app.payment.models import Bill, Purpose
from app.payment.states import BillState
from app.pharmacy import picking
from app.pharmacy import service as pharmacy
from app.pharmacy.models import Bag, Window
from app.pharmacy.states import BagState
from app.prescription import service as prescriptions
from app.prescription.models import Prescription
from app.prescription.states import PrescriptionState
from app.queueing import service as queueing
from app.queueing import shared_lines
from app.queueing.models import Ticket
from app.queueing.service import Position
from app.queueing.states import TicketState
from app.registration import service as registrations
from app.registration.another_place import lost_place_of
from app.registration.limits import rules_of_session
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.revisit import service as revisits
from app.revisit.models import FollowUpPlan
from app.revisit.states import PlanState
from app.scheduling import service as scheduling
from app.scheduling.models import ClinicSession, Slot
from app.scheduling.service import SessionCard

STILL_CURRENT_DAYS = 30


@dataclass(frozen=True)
class Errand:
    """A prescription with its bill and its bag, as far as they exist; `has_failed`: the insurer said nothing usable."""

    prescription: Prescription
    bill: Bill | None
    bag: Bag | None
    window: Window | None
    has_failed: bool = False


def door_opens_at(uow: Uow, session: ClinicSession) -> datetime:
    """From when on a patient of the session can check in."""
    return queueing.opens_at(rules_of_session(uow, session), session)


def needs_code(uow: Uow, session: ClinicSession) -> bool:
    """True where the phone checks in only by the code on a lobby's screen."""
    return rules_of_session(uow, session).check_in_needs_lobby_code


def may_check_in(registration: Registration, session: ClinicSession, opens_at: datetime, now: datetime) -> bool:
    """True while the door is open for the registration."""
    is_open = opens_at <= now < session.ends_at
    return registration.state == RegistrationState.BOOKED and is_open


@dataclass(frozen=True)
class Visit:
    """A registration with all that followed from it; `now` is when it was looked at.

    `rooms` are those to which the patient may be called: several as long as no doctor of a shared line has called.
    """

    registration: Registration
    patient: Patient
    card: SessionCard
    slot: Slot | None
    ticket: Ticket | None
    position: Position | None
    rooms: tuple[str, ...]
    fee_bill: Bill | None
    errands: tuple[Errand, ...]
    invoices: tuple[Invoice, ...]
    plan: FollowUpPlan | None
    check_in_opens_at: datetime
    needs_lobby_code: bool
    is_owed_another: bool
    now: datetime

    @property
    def is_asked(self) -> bool:
        """True while the hospital system's word on the place is waited for."""
        return self.registration.asked_at is not None and self.registration.state == RegistrationState.BOOKED

    @property
    def clinic_session(self) -> ClinicSession:
        """The doctor's half-day."""
        return self.card.session

    @property
    def starts_at(self) -> datetime:
        """When the patient is expected."""
        return self.slot.starts_at if self.slot else self.clinic_session.starts_at

    @property
    def may_check_in(self) -> bool:
        """True while the door is open for this registration."""
        return may_check_in(self.registration, self.clinic_session, self.check_in_opens_at, self.now)

    def errand(self, *states: BagState) -> Errand | None:
        """The first errand whose bag is in one of `states`."""
        return next((errand for errand in self.errands if errand.bag and errand.bag.state in states), None)

    @property
    def unpaid(self) -> Errand | None:
        """The first errand that waits for money."""
        return next((errand for errand in self.errands if errand.bill and errand.bill.state == BillState.OPEN), None)

    @property
    def unsettled(self) -> Errand | None:
        """The first errand that cannot be paid yet, or whose insurance is being settled, or could not be."""
        return next((errand for errand in self.errands if _is_unsettled(errand)), None)

    @property
    def stage(self) -> str:
        """The step the patient is at, as one word; the pages' tables are keyed by it."""
        errand_stage = _errand_stage(self)
        if errand_stage:
            return errand_stage
        if self.registration.state == RegistrationState.COMPLETED:
            return "revisit" if self.plan and self.plan.state == PlanState.ACTIVE else "done"
        return _door_stage(self)


def _is_unsettled(errand: Errand) -> bool:
    if errand.prescription.state is PrescriptionState.BILLED:
        return errand.bill is None or errand.bill.state in {BillState.SETTLING, BillState.VOID}
    return errand.prescription.state is PrescriptionState.APPROVED


def _errand_stage(visit: Visit) -> str:
    if visit.unpaid:
        return "pay"
    if visit.errand(BagState.READY, BagState.BEING_SERVED):
        return "pickup"
    if any(errand.prescription.state is PrescriptionState.ISSUED for errand in visit.errands):
        return "review"
    if visit.unsettled:
        return "insurance"
    return "picking" if visit.errand(BagState.QUEUED, BagState.PICKING) else ""


def _door_stage(visit: Visit) -> str:
    state = visit.registration.state
    if state == RegistrationState.HELD and visit.registration.held_until <= visit.now:
        return RegistrationState.EXPIRED.value
    if visit.may_check_in:
        return "check_in"
    if state in _NOW and visit.ticket:
        return visit.ticket.state.value
    return TicketState.SERVING.value if state == RegistrationState.IN_CONSULTATION else state.value


def visit_of(uow: Uow, registration: Registration, patient: Patient | None = None) -> Visit:
    """The visit of a registration that was loaded for the asking account; `patient` when they are known already."""
    ticket = queueing.ticket_of(uow, registration.id)
    errands = tuple(_errand(uow, written) for written in _prescriptions(uow, registration))
    bills = [payment.newest_bill_of(uow, Purpose.REGISTRATION, registration.id)]
    found = [invoice.valid_invoice_of(uow, bill.id) for bill in [*bills, *(e.bill for e in errands)] if bill]
    plans = revisits.plans_of_registration(uow, registration.id)
    card = scheduling.card_by_id(uow, registration.session_id)
    return Visit(
        registration=registration,
        patient=patient or next(one for one, _ in identity.patients_of(uow) if one.id == registration.patient_id),
        card=card,
        check_in_opens_at=door_opens_at(uow, card.session),
        needs_lobby_code=needs_code(uow, card.session),
        is_owed_another=is_owed_another(uow, registration),
        slot=registrations.slot_of(uow, registration),
        ticket=ticket,
        position=queueing.position(uow, ticket) if ticket and ticket.state == TicketState.WAITING else None,
        rooms=shared_lines.rooms_of(uow, registration, ticket),
        fee_bill=bills[0],
        errands=errands,
        invoices=tuple(one for one in found if one),
        plan=plans[0] if plans else None,
        now=uow.now(),
    )


def is_owed_another(uow: Uow, registration: Registration) -> bool:
    """True after the hospital took the place back and as long as no other was taken for it."""
    is_gone = registration.state == RegistrationState.CANCELLED
    return is_gone and lost_place_of(uow, registration) is not None


def _prescriptions(uow: Uow, registration: Registration) -> list[Prescription]:
    """The visit's own, and those of its day that came from the hospital system without naming a visit."""
    return [
        written
        for written in prescriptions.list_of_account(uow)
        if written.registration_id == registration.id
        or (
            written.registration_id is None
            and written.patient_id == registration.patient_id
            and hospital_day(written.issued_at, uow.zone) == registration.visit_day
        )
    ]


def _errand(uow: Uow, written: Prescription) -> Errand:
    bag = pharmacy.bag_of_prescription_of_account(uow, written.id)
    bill = payment.newest_bill_of(uow, Purpose.PRESCRIPTION, written.id)
    case = cases.newest_of(uow, written)
    has_failed = case is not None and case.state in {SettlementState.HELD, SettlementState.FAILED}
    return Errand(written, bill, bag, window_of(uow, bag), has_failed)


def window_of(uow: Uow, bag: Bag | None) -> Window | None:
    """The window where the bag is fetched; None before it has one."""
    if bag is None or not bag.window_code:
        return None
    return next((window for window in picking.windows(uow) if window.code == bag.window_code), None)


def current_of(uow: Uow, patient: Patient) -> Registration | None:
    """The registration the patient's home page is about; None when nothing is going on.

    What happens today comes first, then a place that waits for its fee, then what is still to be fetched or paid from
    the last weeks, then the next visit, and last the visit that is just over.
    """
    rows = [row for row in registrations.list_of_account(uow) if row.patient_id == patient.id]
    ranked = sorted(((_rank(uow, row), row) for row in rows), key=lambda pair: pair[0])
    best = next(iter(ranked), None)
    return best[1] if best and best[0][0] < len(_RANKS) else None


_RANKS = ("now", "held", "today", "next", "past")
_NOW = {RegistrationState.CHECKED_IN, RegistrationState.IN_CONSULTATION}


def _rank(uow: Uow, row: Registration) -> tuple[int, int]:
    ahead_days = (row.visit_day - uow.today()).days
    name = _rank_name(uow, row, ahead_days)
    return (_RANKS.index(name) if name else len(_RANKS), abs(ahead_days))


def _rank_name(uow: Uow, row: Registration, ahead_days: int) -> str:
    if row.state in _NOW:
        return "now"
    if row.state == RegistrationState.HELD and row.held_until > uow.now():
        return "held"
    if row.state == RegistrationState.BOOKED and ahead_days >= 0:
        return "today" if ahead_days == 0 else "next"
    if row.state == RegistrationState.COMPLETED and ahead_days >= -STILL_CURRENT_DAYS:
        return "today" if ahead_days == 0 else "past"
    return ""
