"""What the body of a rule set must look like: every field with its range, nothing unknown."""

from __future__ import annotations

import re
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from app.rulebook.terms import LONGEST_WINDOW_DAYS, Breach, CancelUntil, LateRule, PassedComesBack, Step

_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00", re.ASCII)
_CATALOGUE_CODE = re.compile(r"[0-9A-Za-z.-]{0,40}", re.ASCII)
_CODE = re.compile(r"[a-z0-9_]{1,24}", re.ASCII)
_STEPS = frozenset(step.value for step in Step)


def _whole(least: int, most: int) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(least, most))


def _word(kind: type[Breach | CancelUntil | LateRule | PassedComesBack]) -> fields.String:
    return fields.String(validate=validate.OneOf([word.value for word in kind]))


def _clock() -> fields.String:
    return fields.String(validate=validate.Regexp(_CLOCK.pattern + r"\Z"))


def _text(most: int) -> fields.String:
    return fields.String(required=True, validate=[validate.Length(1, most), _printable])


def _printable(text: str) -> None:
    if not text.isprintable() or not text.strip():
        raise ValidationError("not_valid")


def _step(text: str) -> None:
    is_count = text.isascii() and text.isdecimal() and 1 <= int(text[:4]) <= 99
    if text not in _STEPS and not is_count:
        raise ValidationError("not_valid")


class _Row(Schema):
    class Meta:
        """Nothing unknown."""

        unknown = RAISE


class _RefundTier(_Row):
    minutes_before = fields.Integer(strict=True, required=True, validate=validate.Range(0, 60 * 24 * 35))
    refund_percent = fields.Integer(strict=True, required=True, validate=validate.Range(0, 100))


class _BreachLimit(_Row):
    breach = fields.String(required=True, validate=validate.OneOf([word.value for word in Breach]))
    breaches = fields.Integer(strict=True, required=True, validate=validate.Range(1, 99))
    within_months = fields.Integer(strict=True, required=True, validate=validate.Range(1, 24))
    suspend_months = fields.Integer(strict=True, required=True, validate=validate.Range(1, 24))


class _PriorityClass(_Row):
    code = fields.String(required=True, validate=validate.Regexp(_CODE.pattern + r"\Z"))
    name = _text(20)
    proof = _text(60)
    from_age_years = fields.Integer(strict=True, validate=validate.Range(0, 120))


class RulesSchema(_Row):
    """The rules a set states, each within its range; what it leaves out is as in the wider scope."""

    hold_minutes = _whole(1, 120)
    unpaid_holds_at_most = _whole(1, 20)
    window_first_day = _whole(0, LONGEST_WINDOW_DAYS)
    window_days = _whole(0, LONGEST_WINDOW_DAYS)
    release_clock = _clock()
    patient_bookings_at_most = _whole(0, 99)
    patient_bookings_within_days = _whole(1, 365)
    patient_department_day_at_most = _whole(0, 99)
    account_bookings_per_day_at_most = _whole(0, 999)
    only_own_record = fields.Boolean(truthy={True}, falsy={False})
    verified_only = fields.Boolean(truthy={True}, falsy={False})
    release_admits_per_second = _whole(0, 1000)
    release_queue_opens_minutes = _whole(1, 240)
    release_queue_minutes = _whole(1, 240)
    closed_on_public_holidays = fields.Boolean(truthy={True}, falsy={False})
    free_return_days = _whole(0, 30)
    fee_insurance_code = fields.String(validate=validate.Regexp(_CATALOGUE_CODE.pattern + r"\Z"))
    cancel_until = _word(CancelUntil)
    cancel_minutes_before = _whole(0, 60 * 24 * 7)
    expert_cancel_minutes_before = _whole(0, 60 * 24 * 7)
    expert_titles = fields.List(_text(40), validate=validate.Length(max=20))
    cancel_days_before = _whole(0, 14)
    cancel_clock = _clock()
    refund_tiers = fields.List(fields.Nested(_RefundTier), validate=validate.Length(1, 6))
    late_cancel_minutes = _whole(0, 60 * 24 * 7)
    reschedules_at_most = _whole(0, 20)
    returned_place_minutes_at_least = _whole(0, 240)
    returned_place_minutes_at_most = _whole(0, 240)
    waitlist_offer_minutes = _whole(2, 120)
    waitlist_stops_minutes_before = _whole(0, 60 * 24)
    waitlist_from_clock = _clock()
    waitlist_until_clock = _clock()
    waitlist_entries_at_most = _whole(0, 20)
    waitlist_missed_at_most = _whole(0, 20)
    breach_limits = fields.List(fields.Nested(_BreachLimit), validate=validate.Length(max=8))
    check_in_opens_minutes = _whole(0, 600)
    check_in_needs_lobby_code = fields.Boolean(truthy={True}, falsy={False})
    late_after_minutes = _whole(0, 600)
    late_rule = _word(LateRule)
    boards_show_names = fields.Boolean(truthy={True}, falsy={False})
    doctors_share_a_line = fields.Boolean(truthy={True}, falsy={False})
    passed_steps = fields.List(fields.String(validate=_step), validate=validate.Length(1, 8))
    passed_comes_back = _word(PassedComesBack)
    new_per_passed = _whole(1, 20)
    new_per_returned = _whole(1, 20)
    new_per_returned_when_outnumbered = _whole(0, 20)
    priority_classes = fields.List(fields.Nested(_PriorityClass), validate=validate.Length(max=12))
    new_per_priority = _whole(0, 20)
    login_codes_per_address_per_hour = _whole(5, 100_000)


def faults_of(body: object) -> dict[str, str]:
    """For each field that cannot stand as it is, `not_valid` or `unknown`; empty for a well-formed body."""
    found: dict[str, Any] = RulesSchema().validate(body) if isinstance(body, dict) else {"_schema": []}
    known = set(RulesSchema().fields)
    return {str(name): "not_valid" if name in known else "unknown" for name in found}
