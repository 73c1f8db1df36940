"""How registration says no."""

from __future__ import annotations

from app.kernel.errors import Refused


class AlreadyRegistered(Refused):
    """The patient already has a place with this doctor in this half-day; facts name the registration."""

    code = "already_registered"


class TooManyHolds(Refused):
    """The account holds as many unpaid places as one account may; pay for one or let it go."""

    code = "too_many_holds"


class CannotCancel(Refused):
    """The place can no longer be given back online; ask at the desk."""

    code = "cannot_cancel"


class HoldExpired(Refused):
    """The place was kept for ten minutes and has gone back; choose again."""

    code = "hold_expired"


class CancelTooLate(CannotCancel):
    """The time until which this place could be given back is over; facts: `closes_at`."""

    code = "cancel_too_late"


class PlaceFound(Refused):
    """Another place was taken already for the one that the hospital took back; facts name its registration."""

    code = "place_found"


class CannotReschedule(Refused):
    """Only a booked place that its account made can be moved online; facts: `state`."""

    code = "cannot_reschedule"


class RescheduleTooLate(CannotReschedule):
    """The time until which this place could be moved is over; facts: `closes_at`."""

    code = "reschedule_too_late"


class MovedTooOften(CannotReschedule):
    """The visit was moved as often as the rules let it be; facts: `at_most`."""

    code = "moved_too_often"


class ExchangeWaits(CannotReschedule):
    """Another place is held in exchange for this one: pay for it or let it go first; facts: `registration`."""

    code = "exchange_waits"


class NotReleasedYet(Refused):
    """The day's places are not given out yet (放号); facts: `opens_at`."""

    code = "not_released_yet"


class BookingIsOver(Refused):
    """The rules let this day be booked until `closes_at` only."""

    code = "booking_is_over"


class OnlyOwnRecord(Refused):
    """This department lets an account book for its own holder only."""

    code = "only_own_record"


class TooManyBookings(Refused):
    """The patient has as many places within so many days as one patient may; facts: `at_most`, `within_days`."""

    code = "too_many_bookings"


class TooManyInDepartment(Refused):
    """The patient has as many places in this department on that day as one patient may; facts: `at_most`."""

    code = "too_many_in_department"


class TooManyOfAccount(Refused):
    """The account has booked as many places today as one account may; facts: `at_most`."""

    code = "too_many_of_account"


class PatientSuspended(Refused):
    """The patient cannot book online until `ends_at`, for what was counted; an objection can be made."""

    code = "patient_suspended"


class AppealEmpty(Refused):
    """An objection needs words."""

    code = "appeal_empty"
    http_status = 422


class PlacesLeft(Refused):
    """There are places to be had; nobody need wait."""

    code = "places_left"


class WaitlistFull(Refused):
    """The patient waits for as many places as one patient may; facts: `at_most`."""

    code = "waitlist_full"


class OfferOver(Refused):
    """The offered place is no longer kept: the time is over, or it was answered."""

    code = "offer_over"
