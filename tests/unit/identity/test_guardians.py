"""A child under fourteen is bound and booked by a guardian's consent, which can be taken back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.identity import guardians, service
from app.identity.errors import (
    ConsentTextChanged,
    GuardianConsentNeeded,
    GuardianNameMissing,
    GuardianNotNeeded,
)
from app.identity.guardians import ConsentIn
from app.identity.merging import merge_patients
from app.identity.models import GuardianConsent, Guardianship, Patient, Relation
from app.identity.rules import CONSENT_TEXT, needs_guardian
from app.identity.service import PatientFromHis
from app.kernel.audit import AuditEvent
from app.kernel.errors import Refused
from app.kernel.uow import Units
from tests import factories
from tests.conftest import is_postgres

TODAY = date(2026, 11, 23)


@pytest.fixture
def mother(units: Units) -> factories.Person:
    with units.open() as uow:
        return factories.person(uow)


def consents(units: Units, patient: Patient) -> list[GuardianConsent]:
    with units.open() as uow:
        rows = uow.session.scalars(select(GuardianConsent).where(GuardianConsent.patient_id == patient.id))
        return list(rows.all())


@pytest.mark.parametrize(
    ("born", "is_needed"),
    [(date(2026, 11, 23), True), (date(2012, 11, 24), True), (date(2012, 11, 23), False), (None, False)],
)
def test_a_guardian_consents_until_the_fourteenth_birthday(born: date | None, is_needed: bool) -> None:
    assert needs_guardian(born, TODAY) is is_needed


def test_a_child_is_bound_with_a_consent_only_and_refused_without_a_trace(
    units: Units, mother: factories.Person
) -> None:
    number = factories.id_number(77, "20200101")

    with pytest.raises(GuardianConsentNeeded), units.open(mother.actor) as uow:
        service.bind_patient(uow, name="张小宝", id_number=number, relation=Relation.CHILD)
    with units.open() as uow:
        assert service.patient_by_id_number(uow, number) is None

    child = factories.child(units, mother)
    (kept,) = consents(units, child.patient)
    assert (kept.account_id, kept.text_version, kept.guardianship) == (
        mother.account.id,
        CONSENT_TEXT,
        Guardianship.PARENT,
    )
    assert (kept.given_by, kept.withdrawn_at) == (mother.account.public_id, None)
    with units.open() as uow:
        assert guardians.guardian_of(uow, kept) == "张秀英"
        assert "张秀英" not in kept.guardian_sealed


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        (ConsentIn(" ", Guardianship.PARENT, CONSENT_TEXT), GuardianNameMissing),
        (ConsentIn("王\u202e芳", Guardianship.PARENT, CONSENT_TEXT), GuardianNameMissing),
        (ConsentIn("王芳", Guardianship.PARENT, "1999-01"), ConsentTextChanged),
    ],
)
def test_what_is_no_consent_is_refused(
    units: Units, mother: factories.Person, said: ConsentIn, refusal: type[Refused]
) -> None:
    child = factories.child(units, mother).patient
    with units.open(mother.actor) as uow:
        guardians.withdraw(uow, child)

    with pytest.raises(refusal), units.open(mother.actor) as uow:
        guardians.give(uow, child, said)

    with pytest.raises(GuardianNotNeeded), units.open(mother.actor) as uow:
        guardians.give(uow, mother.patient, factories.consent())


def test_given_twice_it_stands_once_and_taken_back_it_can_be_given_anew(units: Units, mother: factories.Person) -> None:
    child = factories.child(units, mother).patient
    with units.open() as uow:
        registrar = factories.staff(uow, "registrar")

    with units.open(mother.actor) as uow:
        guardians.give(uow, child, factories.consent("别人"))
        guardians.withdraw(uow, child)
        guardians.withdraw(uow, child)
        assert guardians.is_missing(uow, child)
    with units.open(registrar) as uow:
        on_paper = guardians.give(uow, child, factories.consent("王芳"))
        assert (on_paper.account_id, on_paper.given_by) == (None, registrar.ref)
        assert not guardians.is_missing(uow, child)

    first, second = consents(units, child)
    assert (first.withdrawn_by, second.withdrawn_at) == (mother.account.public_id, None)
    with units.open() as uow:
        deeds = uow.session.scalars(
            select(AuditEvent.action).where(AuditEvent.action.like("consent.%")).order_by(AuditEvent.id)
        )
        assert list(deeds) == ["consent.give", "consent.withdraw", "consent.give"]


def test_the_table_itself_keeps_a_second_standing_consent_out(units: Units, mother: factories.Person) -> None:
    child = factories.child(units, mother).patient
    (kept,) = consents(units, child)

    copied = {name: getattr(kept, name) for name in ("patient_id", "account_id", "guardian_sealed", "guardianship")}
    facts = {"text_version": CONSENT_TEXT, "given_at": kept.given_at, "given_by": kept.given_by}

    with pytest.raises(IntegrityError), units.open() as uow:
        uow.session.add(GuardianConsent(**copied, **facts))


@pytest.mark.parametrize("both", [True, False])
def test_a_merged_childs_consent_goes_over_and_one_stands(units: Units, mother: factories.Person, both: bool) -> None:
    born = date(2020, 1, 1)
    with units.open() as uow:
        staying, going = (
            service.file_patient_from_his(uow, PatientFromHis(mrn, name="张小宝", birth_date=born))
            for mrn in ("M1", "M2")
        )
    with units.open(mother.actor) as uow:
        for child in (staying, going)[0 if both else 1 :]:
            guardians.give(uow, child, factories.consent())

    with units.open() as uow:
        merge_patients(uow, surviving_mrn="M1", merged_mrn="M2")

    with units.open() as uow:
        held = uow.session.get_one(Patient, staying.id)
        assert not guardians.is_missing(uow, held)
        count = select(func.count()).select_from(GuardianConsent)
        assert uow.session.scalar(count.where(GuardianConsent.patient_id == going.id)) == 0
        assert uow.session.scalar(count) == 1 + both


@pytest.mark.skipif(not is_postgres(), reason="SQLite has one writer at a time")
def test_the_same_form_sent_by_four_at_once_leaves_one_consent(units: Units, mother: factories.Person) -> None:
    """Its control is the table's own refusal of a second one, above."""
    child = factories.child(units, mother).patient
    with units.open(mother.actor) as uow:
        guardians.withdraw(uow, child)
    at_once = Barrier(4)

    def give(_: int) -> int:
        with units.open(mother.actor) as uow:
            at_once.wait()
            return guardians.give(uow, child, factories.consent()).id

    with ThreadPoolExecutor(4) as pool:
        given = set(pool.map(give, range(4)))

    assert len(given) == 1
    assert [kept.withdrawn_at is None for kept in consents(units, child)].count(True) == 1
