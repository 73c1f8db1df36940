"""Sessions and their places as other systems read them: one by its name, or page after page."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, select

from app.kernel.errors import NotFound
from app.kernel.pages import Page
from app.kernel.uow import Uow
from app.scheduling.models import ClinicSession, Department, Practitioner, Slot
from app.scheduling.service import is_to_be_had
from app.scheduling.states import SessionState, SlotState

S = TypeVar("S", bound=Select[*tuple[Any, ...]])


@dataclass(frozen=True)
class Sought:
    """Which sessions, or which places in them; None and '' are any. Free places are those that can be had now."""

    from_day: date | None = None
    to_day: date | None = None
    department_code: str = ""
    session_public_id: str = ""
    states: Collection[SlotState] = ()


@dataclass(frozen=True)
class Sitting:
    """A session with who sits and where."""

    clinic_session: ClinicSession
    department: Department
    practitioner: Practitioner


@dataclass(frozen=True)
class Place:
    """A place in a session; `can_be_had` is False for a free one that is over, rests, or whose session is not open."""

    slot: Slot
    clinic_session: ClinicSession
    department: Department
    can_be_had: bool


def sitting_named(uow: Uow, public_id: str) -> Sitting:
    """The session named `public_id`; else NotFound."""
    row = uow.session.execute(_sittings().where(ClinicSession.public_id == public_id)).first()
    if row is None:
        raise NotFound
    return Sitting(*row)


def sittings(uow: Uow, sought: Sought, page: Page) -> list[Sitting]:
    """A page of the sessions that fit."""
    query = page.of(_narrowed(_sittings(), sought), ClinicSession.id)
    return [Sitting(*row) for row in uow.session.execute(query)]


def place_numbered(uow: Uow, session_public_id: str, seq: int) -> Place:
    """The session's place with the number `seq`; else NotFound."""
    row = uow.session.execute(_places(uow).where(ClinicSession.public_id == session_public_id, Slot.seq == seq)).first()
    if row is None:
        raise NotFound
    return Place(*row)


def places(uow: Uow, sought: Sought, page: Page) -> list[Place]:
    """A page of the places that fit."""
    query = _narrowed(_places(uow), sought)
    if sought.states:
        query = query.where(Slot.state.in_(sought.states))
    if SlotState.FREE in sought.states:
        query = query.where(_can_be_had(uow))
    return [Place(*row) for row in uow.session.execute(page.of(query, Slot.id))]


def _sittings() -> Select[ClinicSession, Department, Practitioner]:
    return (
        select(ClinicSession, Department, Practitioner)
        .join(Department, Department.id == ClinicSession.department_id)
        .join(Practitioner, Practitioner.id == ClinicSession.practitioner_id)
    )


def _places(uow: Uow) -> Select[Slot, ClinicSession, Department, bool]:
    return (
        select(Slot, ClinicSession, Department, _can_be_had(uow))
        .join(ClinicSession, ClinicSession.id == Slot.session_id)
        .join(Department, Department.id == ClinicSession.department_id)
    )


def _can_be_had(uow: Uow) -> ColumnElement[bool]:
    return is_to_be_had(uow) & (ClinicSession.state == SessionState.OPEN)


def _narrowed(query: S, sought: Sought) -> S:
    if sought.from_day:
        query = query.where(ClinicSession.visit_day >= sought.from_day)
    if sought.to_day:
        query = query.where(ClinicSession.visit_day <= sought.to_day)
    if sought.department_code:
        query = query.where(Department.code == sought.department_code)
    if sought.session_public_id:
        query = query.where(ClinicSession.public_id == sought.session_public_id)
    return query
