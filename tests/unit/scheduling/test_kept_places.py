"""Places kept for a channel go to nobody else before their time, and several patients may share one slot."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from app.kernel.errors import Refused, TryLater
from app.kernel.uow import Units
from app.registration import service as registration
from app.registration.models import Registration
from app.scheduling import service
from app.scheduling.errors import KeptForOthers, SoldOut
from app.scheduling.models import BookingChannel, Slot
from app.scheduling.opening import spread
from app.scheduling.service import Wanted
from app.scheduling.sql import CLAIM
from tests import factories
from tests.conftest import SetClock

ONLINE, LOBBY, REVISIT, WINDOW = BookingChannel


def hold(units: Units, clinic: factories.Clinic, channel: BookingChannel) -> Registration:
    with units.open() as uow:
        who = factories.person(uow)
    with units.open(who.actor) as uow:
        return registration.hold(
            uow,
            session_public_id=clinic.session.public_id,
            patient_public_id=who.patient.public_id,
            channel=channel,
        )


def free(units: Units, clinic: factories.Clinic, channel: BookingChannel | None) -> int:
    with units.open() as uow:
        return service.card(uow, clinic.session.public_id, channel=channel).free_places


def test_a_channel_has_its_own_places_and_everybodys(units: Units, clock: SetClock) -> None:
    clock.step(hours=-3)
    with units.open() as uow:
        clinic = factories.clinic(uow, places=10, kept_lobby=2, kept_window=3, kept_until_minutes=60)

    shown = {channel: free(units, clinic, channel) for channel in (*BookingChannel, None)}

    assert shown == {ONLINE: 5, LOBBY: 7, REVISIT: 5, WINDOW: 8, None: 10}


def test_what_is_left_over_is_everybodys_from_its_time_on(units: Units, clock: SetClock) -> None:
    clock.step(hours=-3)
    with units.open() as uow:
        clinic = factories.clinic(uow, places=3, kept_window=2, kept_until_minutes=60)
    assert hold(units, clinic, ONLINE).place_no

    with pytest.raises(KeptForOthers) as refused:
        hold(units, clinic, ONLINE)
    opens_at = datetime.fromisoformat(str(refused.value.facts["opens_at"]))
    assert hold(units, clinic, WINDOW).place_no
    clock.at(opens_at)

    assert (clinic.session.starts_at - opens_at).total_seconds() == 3600
    assert hold(units, clinic, ONLINE).place_no
    with pytest.raises(SoldOut) as none_left:
        hold(units, clinic, ONLINE)
    assert none_left.value.code == "sold_out"


def test_the_page_says_from_when_on_the_kept_ones_are_everybodys(units: Units, clock: SetClock) -> None:
    clock.step(hours=-3)
    with units.open() as uow:
        clinic = factories.clinic(uow, places=2, kept_revisit=2, kept_until_minutes=30)

    with units.open() as uow:
        card = service.card(uow, clinic.session.public_id)

    assert (card.free_places, card.opens_at) == (0, clinic.session.starts_at.replace(minute=0))


@pytest.mark.parametrize(("kept", "sold_online"), [(5, 7), (0, 12)])
def test_phones_race_and_the_kept_places_are_still_there(
    units: Units, clock: SetClock, kept: int, sold_online: int
) -> None:
    """With nothing kept, the control, the same phones take every place."""
    clock.step(hours=-3)
    with units.open() as uow:
        clinic = factories.clinic(uow, places=12, kept_window=kept, kept_until_minutes=0)
        people = [factories.person(uow) for _ in range(24)]
    start = Barrier(24)

    def try_to_hold(who: factories.Person) -> str:
        start.wait()
        for _ in range(200):
            try:
                factories.held(units, who, clinic.session)
            except TryLater:
                continue
            except Refused as refused:
                return refused.code
            return "held"
        return "gave up"

    with ThreadPoolExecutor(24) as pool:
        answers = Counter(pool.map(try_to_hold, people))

    refusal = "kept_for_others" if kept else "sold_out"
    assert answers == {"held": sold_online, refusal: 24 - sold_online}
    assert free(units, clinic, WINDOW) == kept


def test_the_hospitals_own_booking_minds_nobodys_places(units: Units, clock: SetClock) -> None:
    clock.step(hours=-3)
    with units.open() as uow:
        clinic = factories.clinic(uow, places=1, kept_window=1)

    with units.open() as uow:
        _, place_no = service.claim_slot(
            uow, session_id=clinic.session.id, registration_id=1, wanted=Wanted(channel=None)
        )
        uow.session.rollback()

    assert place_no == 1


def test_several_patients_are_expected_in_one_slot(units: Units) -> None:
    with units.open() as uow:
        clinic = factories.clinic(uow, places=7, places_per_slot=3, slot_minutes=30)

    with units.open() as uow:
        slots = uow.session.scalars(select(Slot).order_by(Slot.seq)).all()

    begins = [int((slot.starts_at - clinic.session.starts_at).total_seconds()) // 60 for slot in slots]
    assert begins == [0, 0, 0, 30, 30, 30, 60]
    assert (clinic.session.ends_at - clinic.session.starts_at).total_seconds() == 90 * 60


def test_the_very_place_is_claimed_though_others_begin_with_it(units: Units) -> None:
    with units.open() as uow:
        clinic = factories.clinic(uow, places=4, places_per_slot=4)

    with units.open() as uow:
        _, place_no = service.claim_slot(uow, session_id=clinic.session.id, registration_id=1, wanted=Wanted(seq=3))
        with pytest.raises(SoldOut):
            service.claim_slot(uow, session_id=clinic.session.id, registration_id=2, wanted=Wanted(seq=3))
        uow.session.rollback()

    assert place_no == 3


@given(
    places=st.integers(1, 60),
    kept=st.fixed_dictionaries({channel: st.integers(0, 20) for channel in BookingChannel}),
)
def test_as_many_are_kept_as_was_said_and_they_lie_apart(places: int, kept: dict[BookingChannel, int]) -> None:
    found = spread(places, kept)

    assert len(found) == places
    counts = Counter(whose for whose in found if whose)
    if sum(kept.values()) <= places:
        assert counts == Counter({channel: count for channel, count in kept.items() if count})
    assert sum(counts.values()) <= places


def test_half_of_the_places_kept_are_every_second_one() -> None:
    assert spread(6, {WINDOW: 3}) == [None, WINDOW, None, WINDOW, None, WINDOW]


@pytest.mark.skipif(os.environ.get("MENZHEN_TEST_DATABASE") != "postgresql", reason="SQLite has one plan")
def test_the_claim_finds_its_place_by_the_index(units: Units) -> None:
    with units.open() as uow:
        clinic = factories.clinic(uow, places=200, slot_minutes=1, kept_window=50)
        uow.session.execute(
            text(
                "INSERT INTO slot (session_id, seq, starts_at, ends_at, state, registration_id)"
                " SELECT session_id, seq + 1000 * n, starts_at, ends_at, 'taken', seq + 1000 * n"
                " FROM slot, generate_series(1, 100) n"
            )
        )
    with units.open() as uow:
        uow.session.execute(text("ANALYZE slot"))
        facts = {
            "p_session_id": clinic.session.id,
            "p_registration_id": 1,
            "p_state": "free",
            "p_first_seq": 1,
            "p_last_seq": 2**31 - 1,
            **{name: uow.now() for name in ("p_now", "p_not_before", "p_rested_at", "p_kept_until")},
            "p_channel": ONLINE,
            "p_practitioner_id": clinic.practitioner.id,
        }
        claim = CLAIM._statement.compile(uow.session.get_bind())
        given = {name: value and str(value) for name, value in claim.construct_params(facts).items()}
        plan = "\n".join(uow.session.connection().exec_driver_sql(f"EXPLAIN {claim}", given).scalars())
        uow.session.rollback()

    assert "ix_slot_free" in plan
    assert "Seq Scan on slot" not in plan
