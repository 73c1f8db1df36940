"""What is counted against a patient who does not come or cancels late, the suspension it brings, and the appeal."""

from __future__ import annotations

from datetime import time

from sqlalchemy import select, update

from app.identity import service as identity
from app.identity.models import Patient
from app.kernel import audit, moves
from app.kernel.clock import at_hospital
from app.kernel.errors import NotFound
from app.kernel.ids import new_public_id
from app.kernel.uow import Uow
from app.registration.errors import AppealEmpty, PatientSuspended
from app.registration.models import ConductRecord, Registration, Suspension
from app.registration.rules import COVERS, limit_reached, months_from
from app.registration.states import SUSPENSION, SuspensionAction, SuspensionState
from app.rulebook.terms import Breach, BreachLimit, Rules

LONGEST_APPEAL = 300
_IN_FORCE = (SuspensionState.STANDING, SuspensionState.APPEALED, SuspensionState.UPHELD)


def note(uow: Uow, rules: Rules, registration: Registration, *breaches: Breach) -> Suspension | None:
    """The breaches are on the patient's record, each once a registration; a limit that is reached suspends."""
    for breach in breaches:
        uow.session.add(
            ConductRecord(
                registration_id=registration.id,
                patient_id=registration.patient_id,
                breach=breach,
                day=uow.today(),
            )
        )
    uow.session.flush()
    counted = uow.session.execute(
        select(ConductRecord.breach, ConductRecord.day).where(
            ConductRecord.patient_id == registration.patient_id, ConductRecord.suspension_id.is_(None)
        )
    )
    limit = limit_reached(rules, [(breach, day) for breach, day in counted], uow.today())
    return _suspend(uow, registration.patient_id, limit) if limit else None


def _suspend(uow: Uow, patient_id: int, limit: BreachLimit) -> Suspension:
    end = at_hospital(months_from(uow.today(), limit.suspend_months), time(0), uow.zone)
    made = Suspension(
        public_id=new_public_id(),
        patient_id=patient_id,
        breach=limit.breach,
        breaches=limit.breaches,
        within_months=limit.within_months,
        begins_at=uow.now(),
        ends_at=end,
        appeal_sealed="",
    )
    uow.session.add(made)
    uow.session.flush()
    uow.session.execute(
        update(ConductRecord)
        .where(
            ConductRecord.patient_id == patient_id,
            ConductRecord.suspension_id.is_(None),
            ConductRecord.breach.in_(COVERS[limit.breach]),
        )
        .values(suspension_id=made.id)
    )
    audit.record(uow, "patient.suspend", "suspension", made.public_id, breach=limit.breach.value)
    return made


def in_force(uow: Uow, patient_id: int) -> Suspension | None:
    """The suspension that keeps the patient from booking online now, the one that ends last; None without one."""
    return uow.session.scalars(
        select(Suspension)
        .where(Suspension.patient_id == patient_id, Suspension.ends_at > uow.now(), Suspension.state.in_(_IN_FORCE))
        .order_by(Suspension.ends_at.desc())
        .limit(1)
    ).first()


def refuse_suspended(uow: Uow, patient: Patient) -> None:
    """Refuses `patient_suspended` with what was counted and the end, while a suspension is in force."""
    found = in_force(uow, patient.id)
    if found is not None:
        raise PatientSuspended(
            patient=patient.public_id,
            breach=found.breach.value,
            breaches=found.breaches,
            ends_at=found.ends_at.isoformat(),
        )


def of_account(uow: Uow) -> list[tuple[Suspension, Patient]]:
    """The suspensions in force of the patients the asking account may act for."""
    rows = uow.session.execute(
        select(Suspension, Patient)
        .join(Patient, Patient.id == Suspension.patient_id)
        .where(
            Suspension.patient_id.in_(identity.linked_patient_ids(uow)),
            Suspension.ends_at > uow.now(),
            Suspension.state.in_(_IN_FORCE),
        )
        .order_by(Suspension.ends_at)
    )
    return [(row, patient) for row, patient in rows]


def appeal(uow: Uow, *, public_id: str, words: str) -> Suspension:
    """The asking account objects to the suspension in its own words, which staff will read; NotFound for a foreign one.

    Refuses `appeal_empty`, and `illegal_move` for one that was appealed or lifted already.
    """
    row = uow.session.scalars(
        select(Suspension).where(
            Suspension.public_id == public_id, Suspension.patient_id.in_(identity.linked_patient_ids(uow))
        )
    ).first()
    if row is None:
        raise NotFound
    if not words.strip():
        raise AppealEmpty
    sealed = uow.keys.seal(words.strip()[:LONGEST_APPEAL], f"suspension.appeal:{row.public_id}")
    moves.move(uow, SUSPENSION, row, SuspensionAction.APPEAL, appeal_sealed=sealed, appealed_at=uow.now())
    audit.record(uow, "suspension.appeal", "suspension", row.public_id)
    return row


def appeals(uow: Uow, *, limit: int = 100) -> list[tuple[Suspension, Patient]]:
    """The appeals that wait for an answer, the oldest first, for staff."""
    rows = uow.session.execute(
        select(Suspension, Patient)
        .join(Patient, Patient.id == Suspension.patient_id)
        .where(Suspension.state == SuspensionState.APPEALED)
        .order_by(Suspension.appealed_at, Suspension.id)
        .limit(limit)
    )
    return [(row, patient) for row, patient in rows]


def words_of(uow: Uow, row: Suspension) -> str:
    """The appeal's words; that staff read them is on record."""
    if not row.appeal_sealed:
        return ""
    audit.record(uow, "suspension.read_appeal", "suspension", row.public_id)
    return uow.keys.open(row.appeal_sealed, f"suspension.appeal:{row.public_id}")


def answer(uow: Uow, *, public_id: str, is_granted: bool, why: str) -> Suspension:
    """Staff lift the suspension, or let it stand, for a reason the patient reads; NotFound.

    Refuses `illegal_move` when another answered before.
    """
    row = uow.session.scalars(select(Suspension).where(Suspension.public_id == public_id)).first()
    if row is None:
        raise NotFound
    action = SuspensionAction.LIFT if is_granted else SuspensionAction.UPHOLD
    moves.move(uow, SUSPENSION, row, action, why=why, answer=why[:200], answered_at=uow.now())
    audit.record(uow, "suspension.answer", "suspension", row.public_id, granted=is_granted)
    return row
