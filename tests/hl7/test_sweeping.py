"""A parked message whose patient came to be on file unseen has its effect all the same, and once."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.identity import service as identity
from app.kernel import peers
from app.kernel.audit import AuditEvent
from app.kernel.inbox import InboxItem, InboxState
from app.kernel.peers import Peer, UnknownPatient
from app.kernel.uow import Actor, Units, Uow
from app.prescription.models import Prescription
from hl7_adapter import parking
from hl7_adapter.intake import receive
from hl7_adapter.sweeping import Sweeper
from sandbox.his import messages
from tests.conftest import is_postgres

NEWCOMER = {"patient_id": "P777", "name": "李建国", "sex": "M", "birth_day": "19600101"}


@pytest.fixture
def parking_house(hospital: Units) -> Units:
    """A hospital that keeps orders for patients who are not on file."""
    terms = {"name": "HIS", "application": "HIS", "facility": "HOSPITAL", "unknown_patient": UnknownPatient.PARK}
    with hospital.open(Actor("staff", "it")) as uow:
        peers.file_peer(uow, Peer(**terms))  # type: ignore[arg-type]
    return hospital


def order_of(number: str = "RX777") -> bytes:
    raw = (Path(__file__).parent / "visit" / "omp_two_lines.hl7").read_bytes().replace(b"\n", b"\r")
    return raw.replace(b"P10001", b"P777").replace(b"RX1", number.encode())


def waiting(units: Units) -> list[InboxState]:
    with units.open(reads_only=True) as uow:
        kind = InboxItem.kind.startswith("OMP")
        return list(uow.session.scalars(select(InboxItem.state).where(kind).order_by(InboxItem.id)))


def effects(units: Units) -> tuple[int, int]:
    """Prescriptions on file, and how often a parked message was released."""
    with units.open(reads_only=True) as uow:
        written = uow.session.scalar(select(func.count()).select_from(Prescription)) or 0
        released = select(func.count()).where(AuditEvent.action == "hl7.released")
        return written, uow.session.scalar(released) or 0


def numbered(units: Units) -> None:
    """The hospital's number becomes known without an ADT message, as by its answer to a question."""
    with units.open() as uow:
        identity.file_patient_from_his(uow, identity.PatientFromHis(mrn="P777", name="李建国"))


@dataclass(frozen=True)
class Slow(Units):
    """Units of which the first one waits before its commit until `meanwhile` has happened."""

    meanwhile: list[bytes] = field(default_factory=list)

    def finish(self, uow: Uow) -> None:
        while self.meanwhile:
            raw = self.meanwhile.pop()
            assert receive(Units(**{each.name: getattr(self, each.name) for each in fields(Units)}), raw)
        super().finish(uow)


@pytest.mark.skipif(not is_postgres(), reason="SQLite takes one message at a time, so none parks while another commits")
def test_a_message_that_parks_while_its_patient_is_committed_waits_for_the_sweep_alone(parking_house: Units) -> None:
    known = {each.name: getattr(parking_house, each.name) for each in fields(Units)}
    adt = messages.write("a04", NEWCOMER, "ADT777")

    receive(Slow(**known, meanwhile=[adt]), order_of())
    unseen = waiting(parking_house), effects(parking_house)
    tried = Sweeper(parking_house).look()

    assert unseen == ([InboxState.RECEIVED], (0, 0))
    assert (tried, waiting(parking_house), effects(parking_house)) == (1, [InboxState.DONE], (1, 1))


def test_a_patient_who_got_their_number_in_another_way_is_found(parking_house: Units) -> None:
    receive(parking_house, order_of())
    sweeper = Sweeper(parking_house)

    before = sweeper.look()
    numbered(parking_house)
    unseen = waiting(parking_house)
    tried, again = sweeper.look(), sweeper.look()

    assert (before, unseen) == (0, [InboxState.RECEIVED])
    assert (tried, again, waiting(parking_house), effects(parking_house)) == (1, 0, [InboxState.DONE], (1, 1))


def test_who_is_not_on_file_still_is_waited_for(parking_house: Units) -> None:
    receive(parking_house, order_of())

    assert Sweeper(parking_house).look() == 0
    assert waiting(parking_house) == [InboxState.RECEIVED]


def test_every_parked_message_gets_its_turn_however_many_wait(
    parking_house: Units, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parking, "AT_ONCE", 2)
    for number in range(5):
        receive(parking_house, order_of(f"RX78{number}").replace(b"OMP_TWO_LINES", b"OMP_%d" % number))
    numbered(parking_house)
    sweeper = Sweeper(parking_house)

    tried = [sweeper.look() for _ in range(4)]

    assert (tried, effects(parking_house)) == ([2, 2, 1, 0], (5, 5))


def ready(units: Units) -> list[int]:
    with units.open(reads_only=True) as uow:
        return parking.ready(uow, 0)[0]


def test_of_two_sweepers_that_saw_a_message_one_takes_it(parking_house: Units) -> None:
    receive(parking_house, order_of())
    numbered(parking_house)
    seen_by_both = [ready(parking_house), ready(parking_house)]

    taken = []
    for (item_id,) in seen_by_both:
        with parking_house.open() as uow:
            taken.append(parking.take(uow, item_id))

    assert (taken, effects(parking_house)) == ([True, False], (1, 1))


def test_without_the_claim_it_would_have_been_tried_twice(parking_house: Units) -> None:
    receive(parking_house, order_of())
    numbered(parking_house)
    seen_by_both = [ready(parking_house), ready(parking_house)]

    for (item_id,) in seen_by_both:
        with parking_house.open() as uow:
            parking._try(uow, uow.session.get_one(InboxItem, item_id))

    assert effects(parking_house)[1] == 2
