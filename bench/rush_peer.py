"""The same application as others build it: the place is read, found free, and then written, object by object."""

from __future__ import annotations

from datetime import timedelta

from flask import redirect, request, url_for
from sqlalchemy import select

from app import create_app, events
from app.identity import service as identity
from app.kernel import audit
from app.kernel.ids import new_public_id
from app.registration import limits
from app.registration.models import Registration
from app.registration.service import standing_with
from app.scheduling.errors import SoldOut
from app.scheduling.models import ClinicSession, Slot
from app.scheduling.states import SlotState
from app.web import edge

application = create_app()


@edge.do_once
def hold() -> edge.Answer:
    """A place is held, unless somebody else read the same row before this one was written."""
    uow = edge.current_uow()
    patient = identity.patient_of_account(uow, request.form["patient"])
    session = uow.session.scalars(select(ClinicSession).where(ClinicSession.public_id == request.form["session"])).one()
    if standing_with(uow, patient, session) is not None:
        raise SoldOut
    rules = limits.rules_of_session(uow, session)
    limits.refuse_against_the_rules(uow, rules, patient, session)
    slot = uow.session.scalars(
        select(Slot).where(Slot.session_id == session.id, Slot.state == SlotState.FREE).order_by(Slot.seq).limit(1)
    ).first()
    if slot is None:
        raise SoldOut
    registration = Registration(
        public_id=new_public_id(),
        visit_number=new_public_id()[:16],
        account_id=uow.actor.id,
        patient_id=patient.id,
        session_id=session.id,
        slot_id=slot.id,
        place_no=slot.seq,
        practitioner_id=session.practitioner_id,
        visit_day=session.visit_day,
        half_day=session.half_day,
        fee_fen=session.fee_fen,
        held_at=uow.now(),
        held_until=uow.now() + timedelta(minutes=rules.hold_minutes),
    )
    uow.session.add(registration)
    uow.session.flush()
    slot.state, slot.registration_id = SlotState.HELD, registration.id
    audit.record(uow, "registration.hold", "registration", registration.public_id, place_no=slot.seq)
    uow.publish(events.RegistrationHeld(registration.id, patient.id, registration.fee_fen))
    return redirect(url_for("patient.registration", registration_id=registration.public_id))


application.view_functions["patient.hold"] = hold
