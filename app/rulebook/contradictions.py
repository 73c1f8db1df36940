"""Rules that cannot hold together: each with the field to change and a stable code that says why."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from app.rulebook.terms import CancelUntil, Rules, Step, minute_of_day

# A minute of a hold may go by in asking the insurer; what is left must do for paying.
SHORTEST_INSURED_HOLD_MINUTES = 5


def _voids_too_early(rules: Rules) -> bool:
    return Step.VOID.value in rules.passed_steps[:-1]


def _tiers_in_disorder(rules: Rules) -> bool:
    tiers = rules.refund_tiers
    return not all(
        one.minutes_before > other.minutes_before and one.refund_percent >= other.refund_percent
        for one, other in itertools.pairwise(tiers)
    )


def _no_tier_at_the_cut_off(rules: Rules) -> bool:
    least = min(tier.minutes_before for tier in rules.refund_tiers)
    if rules.cancel_until == CancelUntil.CLOCK:
        return least > 0
    return least > min(rules.cancel_minutes_before, rules.expert_cancel_minutes_before)


def _never_late(rules: Rules) -> bool:
    counts = any("late_cancel" in limit.breach for limit in rules.breach_limits)
    return counts and rules.late_cancel_minutes == 0


def _late_after_the_end(rules: Rules) -> bool:
    cut_off = min(rules.cancel_minutes_before, rules.expert_cancel_minutes_before)
    is_counted = rules.late_cancel_minutes > 0 and rules.cancel_until == CancelUntil.MINUTES_BEFORE
    return is_counted and rules.late_cancel_minutes <= cut_off


def _codes_twice(rules: Rules) -> bool:
    codes = [each.code for each in rules.priority_classes]
    return len(codes) != len(set(codes))


def _keeps_an_insured_fee(rules: Rules) -> bool:
    return bool(rules.fee_insurance_code) and any(tier.refund_percent != 100 for tier in rules.refund_tiers)


# (the field to change, the code, when it is so)
_TABLE: tuple[tuple[str, str, Callable[[Rules], bool]], ...] = (
    ("window_first_day", "window_empty", lambda rules: rules.window_first_day > rules.window_days),
    ("release_clock", "release_after_day", lambda rules: minute_of_day(rules.release_clock) >= 1440),
    (
        "release_clock",
        "release_after_doctor",
        lambda rules: rules.window_days == 0 and minute_of_day(rules.release_clock) >= 12 * 60,
    ),
    ("passed_steps", "void_not_last", _voids_too_early),
    ("refund_tiers", "tiers_in_disorder", _tiers_in_disorder),
    ("refund_tiers", "tier_missing", _no_tier_at_the_cut_off),
    (
        "refund_tiers",
        "partial_refund",
        lambda rules: any(tier.refund_percent not in {0, 100} for tier in rules.refund_tiers),
    ),
    ("fee_insurance_code", "insured_fee_kept", _keeps_an_insured_fee),
    (
        "fee_insurance_code",
        "hold_too_short",
        lambda rules: bool(rules.fee_insurance_code) and rules.hold_minutes < SHORTEST_INSURED_HOLD_MINUTES,
    ),
    (
        "returned_place_minutes_at_most",
        "range_turned",
        lambda rules: rules.returned_place_minutes_at_least > rules.returned_place_minutes_at_most,
    ),
    ("late_cancel_minutes", "late_cancel_undefined", _never_late),
    ("late_cancel_minutes", "late_cancel_impossible", _late_after_the_end),
    (
        "new_per_returned_when_outnumbered",
        "outnumbered_slower",
        lambda rules: rules.new_per_returned_when_outnumbered > rules.new_per_returned,
    ),
    ("priority_classes", "class_twice", _codes_twice),
    (
        "waitlist_stops_minutes_before",
        "offer_after_start",
        lambda rules: rules.waitlist_stops_minutes_before < rules.waitlist_offer_minutes,
    ),
    (
        "waitlist_until_clock",
        "never_offered",
        lambda rules: minute_of_day(rules.waitlist_from_clock) >= minute_of_day(rules.waitlist_until_clock),
    ),
    (
        "patient_department_day_at_most",
        "day_above_period",
        lambda rules: 0 < rules.patient_bookings_at_most < rules.patient_department_day_at_most,
    ),
)
CODES = tuple(dict.fromkeys(code for _, code, _ in _TABLE))


def contradictions(rules: Rules) -> dict[str, str]:
    """For each field that another one makes impossible, the code of the first contradiction found; empty when none."""
    found: dict[str, str] = {}
    for name, code, is_so in _TABLE:
        if is_so(rules):
            found.setdefault(name, code)
    return found
