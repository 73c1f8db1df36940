"""How a prescription comes in: as an order from the hospital's system, or typed at the built-in doctor's desk."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.events import PrescriptionIssued, PrescriptionVoided
from app.identity.models import Staff
from app.kernel import audit
from app.kernel.counters import next_number
from app.kernel.errors import NotAllowed, NotFound
from app.kernel.ids import new_public_id
from app.kernel.moves import move
from app.kernel.uow import Uow
from app.prescription import errors, rules
from app.prescription.formulary import drugs_by_code
from app.prescription.models import Drug, Prescription, PrescriptionLine, PrescriptionSource
from app.prescription.orders import DeskOrderIn, OrderIn, OrderLineIn
from app.prescription.states import PAID, PRESCRIPTION, UNPAID, PrescriptionAction, PrescriptionState
from app.registration.models import Registration
from app.registration.service import registration_by_visit_number
from app.registration.states import RegistrationState
from app.scheduling.models import Department, Practitioner

DESK = "desk"
REASON_AT_MOST = 200
PRESCRIBING_STATES = (RegistrationState.IN_CONSULTATION, RegistrationState.COMPLETED)


@dataclass(frozen=True)
class _Origin:
    """Who keeps the number, which version of it this is, and to which visit and staff member it belongs."""

    source: PrescriptionSource
    issuer: str
    version: int
    registration_id: int | None = None
    staff_id: int | None = None


def receive_from_his(uow: Uow, *, order: OrderIn, peer: str) -> Prescription:
    """The prescription `order.number` of `peer` is on file as the order says; the row that stands for it now.

    The same order again is quiet. A changed one that is not paid voids what was on file and is issued anew as the next
    version, so it is reviewed and split again. CA and DC void it; cancelling twice is quiet. Refuses
    `prescription_paid`, `order_unknown`, `order_cancelled`, `order_of_another_patient`, `order_action_unknown`,
    `order_busy`, `prescription_expired`, and every rule of `rules.check`.
    """
    act = _ACTIONS.get(order.action)
    if act is None:
        raise errors.OrderActionUnknown(action=order.action[:8])
    if not rules.is_word(order.number, rules.ORDER_TEXTS["number"][0], may_be_empty=False):
        raise errors.TextNotValid(field="number")
    return act(uow, order, peer)


def _issue(uow: Uow, order: OrderIn, peer: str) -> Prescription:
    latest = _latest(uow, peer, order)
    if latest is not None and _is_repeat(uow, order, latest):
        return latest
    if latest is not None:
        _make_room(uow, latest)
    origin = _Origin(
        source=PrescriptionSource.HIS,
        issuer=peer,
        version=latest.version + 1 if latest else 1,
        registration_id=_visit_of(uow, order),
    )
    return _file(uow, order, origin)


def _cancel(uow: Uow, order: OrderIn, peer: str) -> Prescription:
    latest = _latest(uow, peer, order)
    if latest is None:
        raise errors.OrderUnknown(number=order.number)
    if latest.state in PAID:
        raise errors.PrescriptionPaid(number=order.number)
    if latest.state in UNPAID:
        fall(uow, latest, why="cancelled")
    return latest


_ACTIONS: dict[str, Callable[[Uow, OrderIn, str], Prescription]] = {
    "NW": _issue,
    "XO": _issue,
    "CA": _cancel,
    "DC": _cancel,
}


def _latest(uow: Uow, peer: str, order: OrderIn) -> Prescription | None:
    """The newest version under the number, locked, so that a change and a payment do not cross."""
    latest = uow.session.scalars(
        select(Prescription)
        .where(Prescription.issuer == peer, Prescription.number == order.number)
        .order_by(Prescription.version.desc())
        .limit(1)
        .with_for_update()
    ).first()
    if latest is not None and latest.patient_id != order.patient_id:
        raise errors.OrderOfAnotherPatient(number=order.number)
    return latest


def _is_repeat(uow: Uow, order: OrderIn, latest: Prescription) -> bool:
    """True when `latest` says just this; an expired one that is signed anew is no repeat, nor a cancelled one."""
    if latest.content_index != _content_index(uow, order) or latest.state is PrescriptionState.VOIDED:
        return False
    return latest.state is not PrescriptionState.EXPIRED or order.issued_at <= latest.issued_at


def _make_room(uow: Uow, latest: Prescription) -> None:
    """What stands under the number gives way to a changed order, or refuses to."""
    if latest.state in PAID:
        raise errors.PrescriptionPaid(number=latest.number)
    if latest.state is PrescriptionState.VOIDED:
        raise errors.OrderCancelled(number=latest.number)
    if latest.state in UNPAID:
        fall(uow, latest, why="changed")


def _visit_of(uow: Uow, order: OrderIn) -> int | None:
    """The registration the order names; None for a visit this house does not know, e.g. one registered at a desk."""
    registration = registration_by_visit_number(uow, order.visit_number) if order.visit_number else None
    if registration is None:
        return None
    if registration.patient_id != order.patient_id:
        raise errors.OrderOfAnotherPatient(number=order.number)
    return registration.id


def write_at_desk(uow: Uow, *, order: DeskOrderIn) -> Prescription:
    """The asking doctor's prescription for a patient who is with them today is on file and waits for its review.

    Refuses `not_allowed`, `not_found`, `not_your_patient`, `not_in_consultation`, and every rule of `rules.check`.
    """
    staff = _doctor(uow)
    visit = uow.session.scalars(
        select(Registration).where(Registration.public_id == order.registration_public_id)
    ).first()
    if visit is None:
        raise NotFound
    practitioner = uow.session.get_one(Practitioner, visit.practitioner_id)
    if practitioner.code != staff.practitioner_code:
        raise errors.NotYourPatient
    if visit.state not in PRESCRIBING_STATES or visit.visit_day != uow.today():
        raise errors.NotInConsultation
    number = f"R{uow.today():%Y%m%d}{next_number(uow, f'prescription:{uow.today()}'):04d}"
    written = OrderIn(
        action="NW",
        number=number,
        patient_id=visit.patient_id,
        visit_number=None,
        prescriber_code=practitioner.code,
        prescriber_name=practitioner.name,
        department_name=uow.session.get_one(Department, practitioner.department_id).name,
        diagnosis_code=order.diagnosis_code,
        diagnosis_text=order.diagnosis_text,
        issued_at=uow.now(),
        kind=order.kind,
        lines=_lines_from_formulary(uow, order),
        long_course_reason=order.long_course_reason,
    )
    return _file(uow, written, _Origin(PrescriptionSource.DESK, DESK, 1, visit.id, staff.id))


def _lines_from_formulary(uow: Uow, order: DeskOrderIn) -> tuple[OrderLineIn, ...]:
    stocked = drugs_by_code(uow, [line.drug_code for line in order.lines])
    lines = []
    for line_no, line in enumerate(order.lines, start=1):
        drug = stocked.get(line.drug_code)
        if drug is None:
            raise errors.DrugUnknown(line_no=line_no, drug_code=line.drug_code)
        lines.append(
            OrderLineIn(
                drug_code=drug.code,
                drug_name=drug.name,
                spec=drug.spec,
                dose=line.dose,
                route=line.route,
                frequency=line.frequency,
                days=line.days,
                quantity=line.quantity,
                unit=drug.unit,
                unit_price_fen=drug.unit_price_fen,
                amount_fen=line.quantity * drug.unit_price_fen,
            )
        )
    return tuple(lines)


def void(uow: Uow, *, public_id: str, reason: str) -> Prescription:
    """The asking doctor's own prescription, written at the desk and not paid yet, holds no longer.

    Refuses `not_allowed`, `not_found`, `not_your_patient`, `reason_required`, `prescription_paid`; voided twice, quiet.
    """
    staff = _doctor(uow)
    if not rules.is_word(reason, REASON_AT_MOST, may_be_empty=False):
        raise errors.ReasonRequired
    found = uow.session.scalars(
        select(Prescription).where(Prescription.public_id == public_id).with_for_update()
    ).first()
    if found is None:
        raise NotFound
    if found.prescriber_staff_id != staff.id:
        raise errors.NotYourPatient
    if found.state in PAID:
        raise errors.PrescriptionPaid(number=found.number)
    if found.state in UNPAID:
        fall(uow, found, why=reason)
    return found


def fall(uow: Uow, prescription: Prescription, *, why: str) -> None:
    """The prescription holds no longer, and whatever was built on it falls (`PrescriptionVoided`)."""
    move(uow, PRESCRIPTION, prescription, PrescriptionAction.VOID, why=why)
    uow.publish(PrescriptionVoided(prescription.id, prescription.patient_id))


def _doctor(uow: Uow) -> Staff:
    if uow.actor.kind != "staff" or "doctor" not in uow.actor.roles:
        raise NotAllowed(role="doctor")
    return uow.session.get_one(Staff, uow.actor.id)


def _file(uow: Uow, order: OrderIn, origin: _Origin) -> Prescription:
    """The order is checked, kept as signed, and announced."""
    stocked = drugs_by_code(uow, [line.drug_code for line in order.lines])
    facts = {code: rules.DrugFacts(drug.category, drug.is_excluded_from_long) for code, drug in stocked.items()}
    rules.check(order, facts, uow.now())
    valid_until = rules.valid_until(order.issued_at, uow.zone)
    if valid_until <= uow.now():
        raise errors.PrescriptionExpired(number=order.number)
    public_id = new_public_id()
    diagnosis = json.dumps([order.diagnosis_code, order.diagnosis_text], ensure_ascii=False)
    prescription = Prescription(
        public_id=public_id,
        number=order.number,
        version=origin.version,
        issuer=origin.issuer,
        source=origin.source,
        kind=order.kind,
        registration_id=origin.registration_id,
        patient_id=order.patient_id,
        prescriber_staff_id=origin.staff_id,
        prescriber_code=order.prescriber_code,
        prescriber_name=order.prescriber_name,
        department_name=order.department_name,
        diagnosis_sealed=uow.keys.seal(diagnosis, f"prescription.diagnosis:{public_id}"),
        long_course_reason_sealed=uow.keys.seal(
            order.long_course_reason, f"prescription.long_course_reason:{public_id}"
        ),
        content_index=_content_index(uow, order),
        total_fen=sum(line.amount_fen for line in order.lines),
        issued_at=order.issued_at,
        received_at=uow.now(),
        valid_until=valid_until,
    )
    add(uow, prescription, [_line(no, line, stocked) for no, line in enumerate(order.lines, start=1)])
    audit.record(uow, "prescription.file", "prescription", public_id, version=origin.version)
    uow.publish(PrescriptionIssued(prescription.id, prescription.patient_id))
    return prescription


def _line(line_no: int, line: OrderLineIn, stocked: dict[str, Drug]) -> PrescriptionLine:
    return PrescriptionLine(line_no=line_no, category=stocked[line.drug_code].category, **asdict(line))


def add(uow: Uow, prescription: Prescription, lines: list[PrescriptionLine]) -> None:
    """The rows are in the unit; of two that file one number at the same instant the later gets `order_busy`."""
    try:
        with uow.session.begin_nested():
            uow.session.add(prescription)
            uow.session.flush()
    except IntegrityError as error:
        raise errors.OrderBusy(number=prescription.number) from error
    for line in lines:
        line.prescription_id = prescription.id
    uow.session.add_all(lines)
    uow.session.flush()


def _content_index(uow: Uow, order: OrderIn) -> str:
    """Equal for orders that say the same; when they were sent or signed is not part of what they say.

    Nor is whose record they are on, which is asked apart: two records may have become one since.
    """
    said = asdict(order)
    del said["action"], said["issued_at"], said["patient_id"]
    return uow.keys.index(json.dumps(said, sort_keys=True), "prescription.content")
