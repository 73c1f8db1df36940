"""Every rule a hospital can set, with its unit in its name and the value it has until the hospital says otherwise."""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass, fields
from typing import Any

LONGEST_WINDOW_DAYS = 35  # sessions are opened this far ahead, so nothing beyond can be booked


class CancelUntil(enum.StrEnum):
    """What the latest moment of cancelling is counted from."""

    MINUTES_BEFORE = "minutes_before"
    CLOCK = "clock"


class LateRule(enum.StrEnum):
    """Where a patient queues who checks in after their time: as they come, behind the session, or not at all."""

    FROM_ARRIVAL = "from_arrival"
    SESSION_END = "session_end"
    RE_REGISTER = "re_register"


class PassedComesBack(enum.StrEnum):
    """Whether a passed patient queues again by themself or has to check in again."""

    BY_ITSELF = "by_itself"
    AT_CHECK_IN = "at_check_in"


class Breach(enum.StrEnum):
    """What is counted against a patient; `no_show_or_late_cancel` counts both together."""

    NO_SHOW = "no_show"
    LATE_CANCEL = "late_cancel"
    CANCEL = "cancel"
    SAME_DAY_REFUND = "same_day_refund"
    NO_SHOW_OR_LATE_CANCEL = "no_show_or_late_cancel"


class Step(enum.StrEnum):
    """Where a passed patient (过号) goes besides "n places back"."""

    END = "end"
    BETWEEN = "between"
    SESSION_END = "session_end"
    VOID = "void"


@dataclass(frozen=True)
class RefundTier:
    """Whoever cancels at least `minutes_before` their time gets `refund_percent` of the fee."""

    minutes_before: int
    refund_percent: int


@dataclass(frozen=True)
class BreachLimit:
    """`breaches` breaches within the last `within_months` bring `suspend_months` without online booking."""

    breach: Breach
    breaches: int
    within_months: int
    suspend_months: int


@dataclass(frozen=True)
class PriorityClass:
    """Who goes before others, and what they show for it; `from_age_years` 0 is for proof alone."""

    code: str
    name: str
    proof: str
    from_age_years: int = 0


@dataclass(frozen=True)
class Rules:
    """The rules that hold at one time for one department; the defaults are the ones the product ships with.

    0 in an `…_at_most` is no limit. Clocks are "HH:MM" on the hospital's wall, "24:00" the end of the day.
    """

    # Booking. 邵逸夫医院: an unpaid place goes back after 10 minutes.
    hold_minutes: int = 10
    unpaid_holds_at_most: int = 3
    window_first_day: int = 0
    window_days: int = LONGEST_WINDOW_DAYS
    release_clock: str = "00:00"
    release_admits_per_second: int = 0
    release_queue_opens_minutes: int = 30
    release_queue_minutes: int = 10
    patient_bookings_at_most: int = 0
    patient_bookings_within_days: int = 7
    patient_department_day_at_most: int = 0
    account_bookings_per_day_at_most: int = 0
    only_own_record: bool = False
    verified_only: bool = False
    free_return_days: int = 0
    # The catalogue's code under which the insurer settles the registration fee; '' where it settles none.
    fee_insurance_code: str = ""
    # 国务院办公厅 tells each year's holidays and the working weekends that make up for them.
    closed_on_public_holidays: bool = True
    # Cancelling. lcrmyy.com notice 4064: given back in full until 30 minutes before.
    cancel_until: CancelUntil = CancelUntil.MINUTES_BEFORE
    cancel_minutes_before: int = 30
    expert_cancel_minutes_before: int = 30
    expert_titles: tuple[str, ...] = ("主任医师", "副主任医师")
    cancel_days_before: int = 0
    cancel_clock: str = "24:00"
    refund_tiers: tuple[RefundTier, ...] = (RefundTier(0, 100),)
    late_cancel_minutes: int = 0
    reschedules_at_most: int = 2
    returned_place_minutes_at_least: int = 0
    returned_place_minutes_at_most: int = 0
    # The waiting list 候补: an offer is kept for 15 minutes, and nobody is woken for one.
    waitlist_offer_minutes: int = 15
    waitlist_stops_minutes_before: int = 60
    waitlist_from_clock: str = "07:00"
    waitlist_until_clock: str = "22:00"
    waitlist_entries_at_most: int = 3
    waitlist_missed_at_most: int = 3
    # Conduct.
    breach_limits: tuple[BreachLimit, ...] = ()
    # Arriving.
    check_in_opens_minutes: int = 60
    check_in_needs_lobby_code: bool = False
    late_after_minutes: int = 0
    late_rule: LateRule = LateRule.FROM_ARRIVAL
    # The waiting room.
    doctors_share_a_line: bool = False
    boards_show_names: bool = True
    passed_steps: tuple[str, ...] = (Step.END.value,)
    passed_comes_back: PassedComesBack = PassedComesBack.AT_CHECK_IN
    new_per_passed: int = 2
    new_per_returned: int = 2
    new_per_returned_when_outnumbered: int = 0
    priority_classes: tuple[PriorityClass, ...] = ()
    new_per_priority: int = 0
    # Logging in. A hospital's visitors share one network address.
    login_codes_per_address_per_hour: int = 300


_WORDS: dict[str, type[enum.StrEnum]] = {
    "cancel_until": CancelUntil,
    "late_rule": LateRule,
    "passed_comes_back": PassedComesBack,
}
_ROWS: dict[str, Any] = {
    "refund_tiers": lambda row: RefundTier(**row),
    "breach_limits": lambda row: BreachLimit(**{**row, "breach": Breach(row["breach"])}),
    "priority_classes": lambda row: PriorityClass(**row),
    "passed_steps": str,
    "expert_titles": str,
}
NAMES = tuple(each.name for each in fields(Rules))
SHIPPED = Rules()


def as_body(rules: Rules) -> dict[str, Any]:
    """The rules as plain values that JSON can hold."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(rules).items()}


def from_body(body: dict[str, Any]) -> Rules:
    """The rules that a checked body says; what it does not say is as shipped."""
    values: dict[str, Any] = {}
    for name, value in body.items():
        if name in _ROWS:
            values[name] = tuple(_ROWS[name](row) for row in value)
        else:
            values[name] = _WORDS[name](value) if name in _WORDS else value
    return Rules(**values)


def minute_of_day(clock: str) -> int:
    """Minutes after midnight that "HH:MM" says; 1440 for "24:00"."""
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
