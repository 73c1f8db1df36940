"""What the registration desk (挂号窗口) does for whoever has no phone: a place, another time, or none."""

from __future__ import annotations

from app.identity import for_staff as identity
from app.kernel.uow import Uow
from app.registration import for_staff, limits, rescheduling, service
from app.registration.errors import AlreadyRegistered, CannotCancel
from app.registration.models import Registration
from app.registration.states import REGISTRATION, RegistrationAction, RegistrationState
from app.scheduling import service as scheduling
from app.scheduling.models import BookingChannel
from app.scheduling.service import Wanted

SOURCE = "desk"


def register(uow: Uow, *, patient_public_id: str, session_public_id: str) -> Registration:
    """The patient has a place of the session, those kept for the window included; its fee is paid at the cashier's.

    Suspensions and limits are for booking online and do not hold here; the day must be released, and a child has a
    guardian's consent. Refuses `guardian_consent_needed`, `already_registered`, `not_released_yet`, `booking_is_over`,
    `sold_out`, `kept_for_others`, `session_closed`, `places_busy`.
    """
    patient = identity.patient_by_public_id(uow, patient_public_id)
    session = scheduling.card(uow, session_public_id, channel=BookingChannel.WINDOW).session
    standing = service.standing_with(uow, patient, session)
    if standing is not None:
        raise AlreadyRegistered(registration=standing.public_id, state=standing.state.value)
    rules = limits.rules_of_session(uow, session)
    limits.refuse_by_person(uow, rules, patient)
    limits.refuse_outside_the_window(uow, rules, session)
    fee_fen = limits.fee_fen(uow, rules, patient, session)
    wanted = Wanted(BookingChannel.WINDOW)
    return service.place(uow, session, patient, fee_fen=fee_fen, source_code=SOURCE, wanted=wanted)


def cancel(uow: Uow, *, public_id: str) -> Registration:
    """The place goes back, also after the time for doing so online; the fee as far as the rules say now.

    It counts nowhere: whoever comes to the desk has told. Quiet when it went back. Refuses `cannot_cancel`.
    """
    found = for_staff.by_public_id(uow, public_id)
    if found.state == RegistrationState.CANCELLED:
        return found
    if not REGISTRATION.may(found.state, RegistrationAction.CANCEL):
        raise CannotCancel(state=found.state.value)
    share = service.refund_percent_now(uow, found)
    service.give_back(uow, found, by_hospital=False, why="desk", share=share)
    return found


def reschedule(uow: Uow, *, public_id: str, session_public_id: str) -> Registration:
    """The booked place is exchanged for one in the session; refuses what rescheduling.from_desk does."""
    found = for_staff.by_public_id(uow, public_id)
    session = scheduling.card(uow, session_public_id, channel=BookingChannel.WINDOW).session
    return rescheduling.from_desk(uow, found, session)
