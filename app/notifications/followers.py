"""What the patient is told when a step of the visit has happened: numbers, rooms, times and amounts only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.events import (
    BagCollected,
    BagReady,
    BillOpened,
    BillPaid,
    DoctorSubstituted,
    PatientCalled,
    PatientCheckedIn,
    PatientsMerged,
    PlaceConfirmed,
    RefundSucceeded,
    RegistrationCancelled,
    RegistrationExpired,
    RegistrationMoved,
    ReminderDue,
    ReportArrived,
    ReturnDue,
    WaitlistLapsed,
    WaitlistOffered,
)
from app.identity.merging import repoint
from app.identity.models import Account
from app.kernel.uow import Uow
from app.notifications import links
from app.notifications.models import Message
from app.notifications.service import tell, tell_account
from app.payment.models import Bill, Purpose, Refund
from app.pharmacy.models import Bag, Window
from app.pharmacy.picking import window_by_code
from app.queueing.models import Ticket
from app.queueing.shared_lines import rooms_of
from app.queueing.walking import walk_of
from app.registration.exchanges import former_of
from app.registration.models import Registration, WaitlistEntry, WaitlistOffer
from app.registration.service import slot_of
from app.reports.models import Report
from app.revisit.service import plan_by_id, reminder_by_id
from app.scheduling.models import ClinicSession, Slot

_ABOUT_THE_PLACE = {"stopped", "substituted", "not_exchanged"}
MOST_ROOMS_TOLD = 3


def tell_when_confirmed(uow: Uow, confirmed: PlaceConfirmed) -> None:
    """The place, or the time that the patient chose instead, is theirs: when, which room, which number."""
    template, which = ("rescheduled", f":{confirmed.nth}") if confirmed.nth else ("booked", "")
    _tell_visit(uow, confirmed.registration_id, template, f"{template}:{confirmed.registration_id}{which}")


def tell_when_moved(uow: Uow, moved: RegistrationMoved) -> None:
    """The hospital gave the visit another time; moved once more, the patient is told once more."""
    slot_id = uow.session.get_one(Registration, moved.registration_id).slot_id
    _tell_visit(uow, moved.registration_id, "moved", f"moved:{moved.registration_id}:{slot_id}:{uow.now():%H%M%S}")


def tell_when_substituted(uow: Uow, substituted: DoctorSubstituted) -> None:
    """Another doctor stands in; substituted once more, the patient is told once more."""
    registration_id = substituted.registration_id
    _tell_visit(uow, registration_id, "substituted", f"substituted:{registration_id}:{uow.now():%y%m%d%H%M%S}")


def tell_when_offered(uow: Uow, offered: WaitlistOffered) -> None:
    """A place is kept for the patient for a while: when it is, and until when it is kept."""
    offer = uow.session.get_one(WaitlistOffer, offered.offer_id)
    slot = uow.session.get_one(Slot, offer.slot_id)
    tell(
        uow,
        patient_id=offered.patient_id,
        template="place_offered",
        dedupe=f"place_offered:{offer.id}",
        params={"at": slot.starts_at, "until_at": offer.ends_at},
        link=links.waitlist(),
    )


def tell_when_lapsed(uow: Uow, lapsed: WaitlistLapsed) -> None:
    """The waiting is over without a place."""
    entry = uow.session.get_one(WaitlistEntry, lapsed.entry_id)
    tell(
        uow,
        patient_id=lapsed.patient_id,
        template="waitlist_over",
        dedupe=f"waitlist_over:{entry.id}",
        params={"to_day": entry.to_day},
        link=links.waitlist(),
    )


def tell_when_expired(uow: Uow, expired: RegistrationExpired) -> None:
    """The place was not paid for in time and went back."""
    _tell_visit(uow, expired.registration_id, "expired")


def tell_when_cancelled(uow: Uow, cancelled: RegistrationCancelled) -> None:
    """The place is given back; who let an unpaid place go by their own hand need not be told.

    Whoever was to have it instead of another place which they have still is told of that one.
    """
    former = former_of(uow, uow.session.get_one(Registration, cancelled.registration_id))
    if cancelled.by_hospital and former is not None:
        _tell_visit(uow, former.id, "not_exchanged", f"not_exchanged:{cancelled.registration_id}")
    elif cancelled.by_hospital:
        _tell_visit(uow, cancelled.registration_id, "stopped")
    elif cancelled.was_paid:
        _tell_visit(uow, cancelled.registration_id, "cancelled")


def _tell_visit(uow: Uow, registration_id: int, template: str, dedupe: str = "") -> None:
    registration = uow.session.get_one(Registration, registration_id)
    session = uow.session.get_one(ClinicSession, registration.session_id)
    slot = slot_of(uow, registration)
    tell(
        uow,
        patient_id=registration.patient_id,
        template=template,
        dedupe=dedupe or f"{template}:{registration_id}",
        params={
            "at": slot.starts_at if slot else session.starts_at,
            "room": _rooms(rooms_of(uow, registration, None)),
            "number": registration.place_no,
        },
        link=(links.registration if template in _ABOUT_THE_PLACE else links.visit)(registration.public_id),
    )


def tell_when_checked_in(uow: Uow, arrived: PatientCheckedIn) -> None:
    """The patient has a number in the queue: of a doctor's room, or of a line from which several doctors call."""
    ticket = uow.session.get_one(Ticket, arrived.ticket_id)
    _tell_waiting(uow, ticket, "checked_in", str(arrived.nth))


def tell_when_called(uow: Uow, called: PatientCalled) -> None:
    """It is the patient's turn; called again, the patient is told again."""
    ticket = uow.session.get_one(Ticket, called.ticket_id)
    _tell_ticket(uow, ticket, "called", f"called:{ticket.id}:{ticket.calls}", {"room": ticket.room})


def tell_when_return_due(uow: Uow, due: ReturnDue) -> None:
    """Whoever walks should set out now: once for each choice of minutes."""
    ticket, walk = uow.session.get_one(Ticket, due.ticket_id), walk_of(uow, due.ticket_id)
    if walk is not None:
        which = f"{walk.choice_no}:{walk.chosen_at.timestamp():.0f}"
        _tell_waiting(uow, ticket, "come_back", which, minutes=walk.walk_minutes)


def _tell_waiting(uow: Uow, ticket: Ticket, template: str, which: str, **more: object) -> None:
    """Where to wait; in the words for a shared line as long as any of several doctors may call."""
    rooms = rooms_of(uow, uow.session.get_one(Registration, ticket.registration_id), ticket)
    dedupe = f"{template}:{ticket.id}:{which}"
    if len(rooms) == 1:
        _tell_ticket(uow, ticket, template, dedupe, {"room": rooms[0], **more})
    else:
        _tell_ticket(uow, ticket, f"{template}_shared", dedupe, {"rooms": _rooms(rooms), **more})


def _tell_ticket(uow: Uow, ticket: Ticket, template: str, dedupe: str, where: Mapping[str, object]) -> None:
    tell(
        uow,
        patient_id=ticket.patient_id,
        template=template,
        dedupe=dedupe,
        params={"number": ticket.number, **where},
        link=links.visit(uow.session.get_one(Registration, ticket.registration_id).public_id),
    )


def _rooms(rooms: Sequence[str]) -> str:
    """3-05, or 3-05/3-11: a line's rooms, as many as fit where WeChat cuts after twenty characters."""
    return "/".join(rooms[:MOST_ROOMS_TOLD]) + ("…" if len(rooms) > MOST_ROOMS_TOLD else "")


def tell_when_billed(uow: Uow, opened: BillOpened) -> None:
    """What a prescription costs, what insurance pays of it and what the patient pays.

    The fee of a registration is on the screen already when its bill is opened.
    """
    bill = uow.session.get_one(Bill, opened.bill_id)
    if bill.purpose is not Purpose.PRESCRIPTION:
        return
    tell(
        uow,
        patient_id=bill.patient_id,
        template="billed" if bill.cash_fen else "to_confirm",
        dedupe=f"billed:{bill.id}",
        params={
            "total_fen": bill.total_fen,
            "covered_fen": bill.total_fen - bill.cash_fen,
            "amount_fen": bill.cash_fen,
        },
        link=links.bill(bill.public_id),
    )


def tell_when_paid(uow: Uow, paid: BillPaid) -> None:
    """The prescription is paid, or insurance pays all of it; a paid fee is told by the booked place."""
    bill = uow.session.get_one(Bill, paid.bill_id)
    if bill.purpose is not Purpose.PRESCRIPTION:
        return
    tell(
        uow,
        patient_id=bill.patient_id,
        template="paid" if bill.cash_fen else "confirmed",
        dedupe=f"paid:{bill.id}",
        params={"total_fen": bill.total_fen, "amount_fen": bill.cash_fen},
        link=links.bill(bill.public_id),
    )


def tell_when_refunded(uow: Uow, refunded: RefundSucceeded) -> None:
    """Money has arrived back; a refund without a cash part moves nothing a patient would look for."""
    refund = uow.session.get_one(Refund, refunded.refund_id)
    bill = uow.session.get_one(Bill, refunded.bill_id)
    if refund.amount_fen:
        tell(
            uow,
            patient_id=bill.patient_id,
            template="refunded",
            dedupe=f"refunded:{refund.id}",
            params={"amount_fen": refund.amount_fen},
            link=links.bill(bill.public_id),
        )


def tell_when_ready(uow: Uow, ready: BagReady) -> None:
    """The bag stands at its window."""
    bag = uow.session.get_one(Bag, ready.bag_id)
    window = window_by_code(uow, bag.window_code)
    tell(
        uow,
        patient_id=bag.patient_id,
        template="ready",
        dedupe=f"ready:{bag.id}:{bag.window_code}",
        params={"window": window.name if window else bag.window_code, "place": _place(window), "number": bag.number},
        link=links.pickup(bag.public_id),
    )


def _place(window: Window | None) -> str:
    return window.location if window else ""


def tell_when_collected(uow: Uow, collected: BagCollected) -> None:
    """The bag was handed over: who did not fetch it themselves learns of it."""
    bag = uow.session.get_one(Bag, collected.bag_id)
    at = bag.collected_at or uow.now()
    tell(
        uow,
        patient_id=bag.patient_id,
        template="collected",
        dedupe=f"collected:{bag.id}:{at.isoformat()}",
        params={"at": at},
        link=links.pickup(bag.public_id),
    )


def tell_when_reported(uow: Uow, arrived: ReportArrived) -> None:
    """A report can be looked up; nothing of what it says or of what was tested is told."""
    report = uow.session.get_one(Report, arrived.report_id)
    tell(
        uow,
        patient_id=report.patient_id,
        template="reported",
        dedupe=f"reported:{report.id}:{report.version}",
        params={},
        link=links.report(report.public_id),
    )


def tell_when_reminded(uow: Uow, due: ReminderDue) -> None:
    """The one account whom this reminder is for is told, once."""
    reminder, plan = reminder_by_id(uow, due.reminder_id), plan_by_id(uow, due.plan_id)
    tell_account(
        uow,
        uow.session.get_one(Account, reminder.account_id),
        patient_id=plan.patient_id,
        template="reminded",
        dedupe=f"reminded:{reminder.id}",
        params={"due_day": plan.due_day},
        link=links.revisit(plan.public_id),
    )


def follow_when_merged(uow: Uow, merged: PatientsMerged) -> None:
    """What was told about the merged record is about the patient."""
    repoint(uow, merged, Message)
