"""Where patients check in by themselves: the lobbies, the code each one's screen shows, and whom it lets in."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select

from app.kernel import audit
from app.kernel.errors import NotFound
from app.kernel.uow import Uow
from app.queueing import lobby_codes
from app.queueing.errors import CheckInElsewhere, LobbyCodeExpired, LobbyCodeNeeded, LobbyNotValid
from app.queueing.models import Lobby, Ticket
from app.queueing.service import check_in
from app.registration.limits import rules_of_session
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.scheduling.models import ClinicSession, Department

SCANNED_FOR = timedelta(minutes=10)  # somebody who scanned has to log in, and to find the button
_LABEL, _SCREEN = "lobby", "lobby.screen"
_KEY_DIGITS = 16


@dataclass(frozen=True)
class Scanned:
    """The phone scanned the code of the lobby with this code, at that time."""

    lobby_code: str
    at: datetime


@dataclass(frozen=True)
class LobbyIn:
    """A lobby as it is told; degrees in millionths, None where nobody has measured it."""

    code: str
    name: str
    name_en: str = ""
    department_id: int | None = None
    campus_code: str = ""
    latitude_e6: int | None = None
    longitude_e6: int | None = None
    near_metres: int = 300


def file_lobby(uow: Uow, told: LobbyIn) -> Lobby:
    """The lobby is on file as told; told again under the same code it is changed. Refuses `lobby_not_valid`."""
    _refuse_nonsense(told)
    row = uow.session.scalars(select(Lobby).where(Lobby.code == told.code)).first() or Lobby(code=told.code)
    row.name, row.name_en = told.name, told.name_en or told.name
    row.department_id, row.campus_code = told.department_id, told.campus_code
    row.latitude_e6, row.longitude_e6, row.near_metres = told.latitude_e6, told.longitude_e6, told.near_metres
    uow.session.add(row)
    uow.session.flush()
    audit.record(uow, "lobby.file", "lobby", row.code)
    return row


def _refuse_nonsense(told: LobbyIn) -> None:
    is_named = 0 < len(told.code) <= 24 and 0 < len(told.name) <= 60
    is_paired = (told.latitude_e6 is None) == (told.longitude_e6 is None)
    is_on_earth = abs(told.latitude_e6 or 0) <= 90_000_000 and abs(told.longitude_e6 or 0) <= 180_000_000
    if not (is_named and is_paired and is_on_earth and 20 <= told.near_metres <= 5000):
        raise LobbyNotValid


def lobbies(uow: Uow) -> list[Lobby]:
    """All lobbies, in the order of their codes."""
    return list(uow.session.scalars(select(Lobby).order_by(Lobby.code)))


def lobby_by_code(uow: Uow, code: str) -> Lobby:
    """The lobby called `code`; else NotFound."""
    found = uow.session.scalars(select(Lobby).where(Lobby.code == code)).first()
    if found is None:
        raise NotFound
    return found


def lobbies_of(uow: Uow, department: Department) -> list[Lobby]:
    """Where the department's patients check in: its own lobbies first, then its campus's."""
    everybodys = Lobby.department_id.is_(None) & (Lobby.campus_code == department.campus_code)
    found = select(Lobby).where(or_(Lobby.department_id == department.id, everybodys))
    return list(uow.session.scalars(found.order_by(Lobby.department_id.is_(None), Lobby.code)))


def screen_key(uow: Uow, lobby: Lobby) -> str:
    """The part of the address of the lobby's screen that nobody can make up: who knows it reads the code from afar."""
    return uow.keys.index(f"{lobby.code}:{lobby.screen_no}", _SCREEN)[:_KEY_DIGITS]


def on_screen(uow: Uow, *, lobby_code: str, key: str) -> Lobby:
    """The lobby whose screen has this key; else NotFound, as for a lobby that is none."""
    lobby = lobby_by_code(uow, lobby_code)
    if not hmac.compare_digest(screen_key(uow, lobby).encode(), key.encode()):
        raise NotFound
    return lobby


def move_screen(uow: Uow, lobby_code: str) -> Lobby:
    """The lobby's screen has another address; whatever shows the one before goes dark. NotFound."""
    lobby = lobby_by_code(uow, lobby_code)
    lobby.screen_no += 1
    uow.session.flush()
    audit.record(uow, "lobby.move_screen", "lobby", lobby.code)
    return lobby


def code_now(uow: Uow, lobby: Lobby) -> tuple[str, int]:
    """What the lobby's screen shows now, and the number of the half minute for which it does."""
    window = lobby_codes.window_of(uow.clock.wall_now())
    return lobby_codes.code_of(lobby.code, window, lambda text: uow.keys.index(text, _LABEL)), window


def scan(uow: Uow, *, lobby_code: str, code: str) -> Scanned:
    """Whoever scanned this stands before the screen. Refuses `lobby_code_forged`, `lobby_code_expired`."""
    lobby, now = lobby_by_code(uow, lobby_code), uow.clock.wall_now()
    lobby_codes.accept(code, lobby.code, now, lambda text: uow.keys.index(text, _LABEL))
    return Scanned(lobby.code, now)


def is_fresh(uow: Uow, scanned: Scanned | None) -> bool:
    """True while the phone may check in by what it scanned."""
    return scanned is not None and timedelta(0) <= uow.clock.wall_now() - scanned.at < SCANNED_FOR


def may_check_in(uow: Uow, registration: Registration, scanned: Scanned | None) -> None:
    """Quiet when the phone may check this registration in as far as the place goes; the hours are check_in's.

    Refuses `lobby_code_needed` and `lobby_code_expired` where the rules want a code, and `checkin_elsewhere` for
    whoever scanned the code of a lobby that does not serve the department.
    """
    session = uow.session.get_one(ClinicSession, registration.session_id)
    if scanned is not None and is_fresh(uow, scanned):
        served = lobbies_of(uow, uow.session.get_one(Department, session.department_id))
        if scanned.lobby_code not in {lobby.code for lobby in served}:
            raise CheckInElsewhere(where=_where(uow, session, served))
    elif rules_of_session(uow, session).check_in_needs_lobby_code:
        raise LobbyCodeNeeded if scanned is None else LobbyCodeExpired


def _where(uow: Uow, session: ClinicSession, served: list[Lobby]) -> str:
    return served[0].name if served else uow.session.get_one(Department, session.department_id).location


def check_in_by_phone(uow: Uow, *, registration: Registration, scanned: Scanned | None) -> Ticket:
    """The patient in the lobby has a number; asked twice, the same one. Refuses as `may_check_in` and `check_in` do."""
    if registration.state == RegistrationState.BOOKED:
        may_check_in(uow, registration, scanned)
    return check_in(uow, registration=registration)
