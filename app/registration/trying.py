"""Weeks of bookings and cancellations judged again by other rules: what would have been refused, and what paid back.

Pure but for `past_bookings`, which reads what happened. Judged in the order in which things happened, each for itself:
a booking that would have been refused still stands in what follows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import and_, select

from app.identity.models import Patient
from app.kernel.clock import hospital_day
from app.kernel.moves import Move
from app.kernel.uow import Uow
from app.registration.models import Registration
from app.registration.rules import breaches_of_cancelling, cancel_closes_at, limit_reached, refund_percent
from app.registration.states import REGISTRATION, RegistrationAction, RegistrationState
from app.rulebook.terms import Breach, Rules
from app.scheduling.models import ClinicSession, Practitioner, Slot
from app.scheduling.rules import closes_at, opens_at

MOST_BOOKINGS = 20_000
_OUT = (RegistrationState.EXPIRED, RegistrationState.HELD)


@dataclass(frozen=True)
class PastBooking:
    """A place that was booked: by whom, for when, and what became of it.

    `cancelled_at` is by the patient only, `proven_at` since when the patient is verified.
    """

    patient_id: int
    account_id: int | None
    department_id: int
    title: str
    fee_fen: int
    held_at: datetime
    starts_at: datetime
    visit_day: date
    cancelled_at: datetime | None = None
    was_missed: bool = False
    proven_at: datetime | None = None


@dataclass(frozen=True)
class Judged:
    """What the rules would have said: what is refused, by code; fees paid back or kept; patients suspended."""

    bookings: int
    refused: Counter[str]
    cancellations: int
    cancel_refused: int
    refunded_fen: dict[int, int]
    kept_fen: int
    suspended: int


def past_bookings(uow: Uow, *, days: int, department_id: int | None = None) -> list[PastBooking]:
    """What was booked online for the last `days` days, in the order of booking."""
    cancelled = and_(
        Move.machine == REGISTRATION.name,
        Move.subject_id == Registration.id,
        Move.action == RegistrationAction.CANCEL,
        Move.by_kind == "patient",
        Move.from_state == RegistrationState.BOOKED,
    )
    query = (
        select(Registration, ClinicSession, Practitioner.title, Slot.starts_at, Move.moved_at, Patient.proven_at)
        .join(ClinicSession, ClinicSession.id == Registration.session_id)
        .join(Practitioner, Practitioner.id == Registration.practitioner_id)
        .join(Patient, Patient.id == Registration.patient_id)
        .outerjoin(Slot, Slot.id == Registration.slot_id)
        .outerjoin(Move, cancelled)
        .where(
            Registration.visit_day > uow.today() - timedelta(days=days),
            Registration.visit_day <= uow.today(),
            Registration.account_id.is_not(None),
            Registration.state.not_in(_OUT),
        )
        .order_by(Registration.held_at, Registration.id)
        .limit(MOST_BOOKINGS)
    )
    if department_id is not None:
        query = query.where(ClinicSession.department_id == department_id)
    return [
        PastBooking(
            row.patient_id,
            row.account_id,
            session.department_id,
            title,
            row.fee_fen,
            row.held_at,
            starts_at or session.starts_at,
            row.visit_day,
            cancelled_at,
            row.state == RegistrationState.NO_SHOW,
            proven_at,
        )
        for row, session, title, starts_at, cancelled_at, proven_at in uow.session.execute(query)
    ]


def judge(bookings: Sequence[PastBooking], rules: Rules, zone: ZoneInfo) -> Judged:
    """What `rules` would have said to every booking and cancellation."""
    refused = Counter(code for code in _refusals(bookings, rules, zone) if code)
    cancelled = [each for each in bookings if each.cancelled_at is not None]
    allowed = [each for each in cancelled if _may_cancel(each, rules, zone)]
    by_tier: dict[int, int] = defaultdict(int)
    for each in allowed:
        by_tier[refund_percent(rules, each.starts_at, each.cancelled_at or each.starts_at)] += each.fee_fen
    return Judged(
        bookings=len(bookings),
        refused=refused,
        cancellations=len(cancelled),
        cancel_refused=len(cancelled) - len(allowed),
        refunded_fen={percent: fen * percent // 100 for percent, fen in sorted(by_tier.items()) if percent},
        kept_fen=sum(fen - fen * percent // 100 for percent, fen in by_tier.items()),
        suspended=len(_suspended(bookings, allowed, rules, zone)),
    )


def _refusals(bookings: Sequence[PastBooking], rules: Rules, zone: ZoneInfo) -> list[str]:
    codes = []
    by_patient: dict[int, list[PastBooking]] = defaultdict(list)
    by_account: Counter[tuple[int | None, date]] = Counter()
    for each in bookings:
        codes.append(_refusal(each, by_patient[each.patient_id], by_account, rules, zone))
        by_patient[each.patient_id].append(each)
        by_account[each.account_id, hospital_day(each.held_at, zone)] += 1
    return codes


def _refusal(
    each: PastBooking,
    before: Sequence[PastBooking],
    by_account: Counter[tuple[int | None, date]],
    rules: Rules,
    zone: ZoneInfo,
) -> str:
    standing = [one for one in before if one.cancelled_at is None or one.cancelled_at > each.held_at]
    recent = timedelta(days=rules.patient_bookings_within_days)
    same_day = [one for one in standing if (one.department_id, one.visit_day) == (each.department_id, each.visit_day)]
    in_period = [one for one in standing if one.held_at > each.held_at - recent]
    today = by_account[each.account_id, hospital_day(each.held_at, zone)]
    verdicts = (
        ("identity_not_verified", rules.verified_only and not _was_proven(each)),
        ("not_released_yet", each.held_at < opens_at(rules, each.visit_day, zone)),
        ("booking_is_over", each.held_at >= closes_at(rules, each.visit_day, zone)),
        ("too_many_bookings", 0 < rules.patient_bookings_at_most <= len(in_period)),
        ("too_many_in_department", 0 < rules.patient_department_day_at_most <= len(same_day)),
        ("too_many_of_account", 0 < rules.account_bookings_per_day_at_most <= today),
    )
    return next((code for code, is_so in verdicts if is_so), "")


def _was_proven(each: PastBooking) -> bool:
    return each.proven_at is not None and each.proven_at <= each.held_at


def _may_cancel(each: PastBooking, rules: Rules, zone: ZoneInfo) -> bool:
    closes = cancel_closes_at(rules, each.starts_at, title=each.title, zone=zone)
    return each.cancelled_at is not None and each.cancelled_at <= closes


def _suspended(
    bookings: Sequence[PastBooking], allowed: Sequence[PastBooking], rules: Rules, zone: ZoneInfo
) -> set[int]:
    """The patients who would have been suspended at least once."""
    found: dict[int, list[tuple[Breach, date]]] = defaultdict(list)
    for each in bookings:
        if each.was_missed:
            found[each.patient_id].append((Breach.NO_SHOW, each.visit_day))
    for each in allowed:
        at = each.cancelled_at or each.starts_at
        breaches = breaches_of_cancelling(rules, starts_at=each.starts_at, now=at, was_paid=each.fee_fen > 0, zone=zone)
        found[each.patient_id] += [(breach, hospital_day(at, zone)) for breach in breaches]
    return {
        patient_id
        for patient_id, breaches in found.items()
        if any(limit_reached(rules, breaches, day) for _, day in breaches)
    }
