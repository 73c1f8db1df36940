"""A lobby's code is taken only while its screen shows it, and lets in only those whom the lobby serves."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from app.kernel.errors import Refused
from app.kernel.uow import Units
from app.queueing import lobbies, lobby_codes, taking_back
from app.queueing.errors import CheckInElsewhere, LobbyCodeExpired, LobbyCodeForged, LobbyCodeNeeded, LobbyNotValid
from app.queueing.lobbies import LobbyIn, Scanned
from app.queueing.models import Ticket
from app.queueing.states import TicketState
from app.registration.models import Registration
from app.rulebook import service as rulebook
from tests import factories
from tests.conftest import SetClock

NOON = datetime(2026, 11, 23, 4, 0, 10, tzinfo=UTC)


def sign(text: str) -> str:
    return hashlib.sha256(f"secret {text}".encode()).hexdigest()


def shown(lobby: str = "HALL", at: datetime = NOON) -> str:
    return lobby_codes.code_of(lobby, lobby_codes.window_of(at), sign)


@pytest.mark.parametrize("later", [0, 19, 49])
def test_a_code_is_taken_while_it_is_shown_and_half_a_minute_after(later: int) -> None:
    lobby_codes.accept(shown(), "HALL", NOON + timedelta(seconds=later), sign)


@pytest.mark.parametrize(
    ("code", "later", "refusal"),
    [
        (shown(), 50, LobbyCodeExpired),
        (shown(), 86_400, LobbyCodeExpired),
        (shown(), -11, LobbyCodeExpired),
        (shown("EAST"), 0, LobbyCodeForged),
        (shown()[:-1] + ("0" if shown()[-1] != "0" else "1"), 0, LobbyCodeForged),
        (shown().replace("-", ""), 0, LobbyCodeForged),
        ("", 0, LobbyCodeForged),
        ("١-" + "0" * 16, 0, LobbyCodeForged),
        (shown().upper(), 0, LobbyCodeForged),
        ("f" * 400, 0, LobbyCodeForged),
    ],
)
def test_any_other_code_is_refused(code: str, later: int, refusal: type[Refused]) -> None:
    with pytest.raises(refusal):
        lobby_codes.accept(code, "HALL", NOON + timedelta(seconds=later), sign)


def test_the_code_changes_each_half_minute_and_is_each_lobbys_own() -> None:
    codes = {shown(lobby, NOON + timedelta(seconds=30 * n)) for lobby in ("HALL", "EAST") for n in range(20)}

    assert len(codes) == 40


def a_place(units: Units) -> tuple[factories.Clinic, factories.Person, Registration]:
    with units.open() as uow:
        clinic, who = factories.clinic(uow), factories.person(uow)
        lobbies.file_lobby(uow, LobbyIn("HALL", "门诊大厅"))
        lobbies.file_lobby(uow, LobbyIn("EAST", "东院大厅", campus_code="east"))
    return clinic, who, factories.booked(units, who, clinic.session)


def by_phone(units: Units, registration: Registration, scanned: Scanned | None) -> Ticket:
    with units.open() as uow:
        fresh = uow.session.get_one(Registration, registration.id)
        return lobbies.check_in_by_phone(uow, registration=fresh, scanned=scanned)


def scan(units: Units, lobby: str = "HALL") -> Scanned:
    with units.open() as uow:
        code, _ = lobbies.code_now(uow, lobbies.lobby_by_code(uow, lobby))
        return lobbies.scan(uow, lobby_code=lobby, code=code)


def code_is_needed(units: Units) -> None:
    with units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, {"check_in_needs_lobby_code": True})


def test_without_the_rule_no_code_is_needed(units: Units) -> None:
    _, _, registration = a_place(units)

    assert by_phone(units, registration, None).number == "A001"


def test_with_the_rule_only_a_fresh_code_lets_in_and_twice_is_once(units: Units, clock: SetClock) -> None:
    _, _, registration = a_place(units)
    code_is_needed(units)
    scanned = scan(units)

    with pytest.raises(LobbyCodeNeeded):
        by_phone(units, registration, None)
    clock.step(minutes=10)
    with pytest.raises(LobbyCodeExpired):
        by_phone(units, registration, scanned)
    again = scan(units)
    assert [by_phone(units, registration, again).number for _ in range(2)] == ["A001", "A001"]
    clock.step(minutes=11)
    assert by_phone(units, registration, None).number == "A001"


def test_whoever_was_checked_in_by_mistake_needs_the_code_and_gets_another_number(units: Units) -> None:
    _, _, registration = a_place(units)
    ticket = by_phone(units, registration, None)
    code_is_needed(units)
    with units.open() as uow:
        taking_back.take_back(uow, uow.session.get_one(Ticket, ticket.id))

    with pytest.raises(LobbyCodeNeeded):
        by_phone(units, registration, None)
    again = by_phone(units, registration, scan(units))

    assert (again.id, again.number, again.state) == (ticket.id, "A002", TicketState.WAITING)


def test_whoever_scans_in_another_campus_is_told_where_to_go(units: Units) -> None:
    _, _, registration = a_place(units)

    with pytest.raises(CheckInElsewhere) as refused:
        by_phone(units, registration, scan(units, "EAST"))

    assert refused.value.facts == {"where": "门诊大厅"}


def test_a_departments_own_lobby_comes_before_its_campuss(units: Units) -> None:
    clinic, _, _ = a_place(units)

    with units.open() as uow:
        lobbies.file_lobby(uow, LobbyIn("ZGI", "消化内科候诊区", department_id=clinic.department.id))
        found = [lobby.code for lobby in lobbies.lobbies_of(uow, clinic.department)]

    assert found == ["ZGI", "HALL"]


def test_a_lobby_that_cannot_be_is_refused(units: Units) -> None:
    nonsense = (
        LobbyIn("", "大厅"),
        LobbyIn("H", ""),
        LobbyIn("H", "大厅", latitude_e6=1),
        LobbyIn("H", "大厅", latitude_e6=90_000_001, longitude_e6=0),
        LobbyIn("H", "大厅", near_metres=19),
        LobbyIn("H" * 25, "大厅"),
    )

    with units.open() as uow:
        for told in nonsense:
            with pytest.raises(LobbyNotValid):
                lobbies.file_lobby(uow, told)
