"""What a place does whose fee goes through the insurer: it is kept while that settles, and remembers that it did."""

from __future__ import annotations

from datetime import timedelta

from app.events import CashPaid, SettlementMade
from app.kernel.uow import Uow
from app.registration.models import Registration
from app.registration.states import RegistrationState

# The insurer says within five minutes whether it settled, or the patient's part goes back.
SETTLED_WITHIN = timedelta(minutes=6)


def keep_when_cash_paid(uow: Uow, paid: CashPaid) -> None:
    """The patient's part of a held place's fee is in: the place is kept until the insurer's is, or cannot be had."""
    if paid.purpose != "registration":
        return
    registration = uow.session.get_one(Registration, paid.subject_id, with_for_update=True, populate_existing=True)
    if registration.state == RegistrationState.HELD:
        registration.held_until = max(registration.held_until, uow.now() + SETTLED_WITHIN)


def note_when_settled(uow: Uow, made: SettlementMade) -> None:
    """The insurer settled the fee of a visit with this very doctor."""
    if made.purpose == "registration":
        uow.session.get_one(Registration, made.subject_id).fee_is_insured = True
