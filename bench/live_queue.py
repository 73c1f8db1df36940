"""A full waiting room looks at its phones: everybody asks every ten seconds what is new, and mostly nothing is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import Flask
from sqlalchemy import event, insert, select, text

from app import create_app
from app.kernel.ids import new_public_id
from app.queueing.models import Ticket
from app.registration.models import Registration
from app.registration.states import RegistrationState
from app.scheduling.models import ClinicSession, Department, Slot
from bench.figures import Figure
from bench.http_load import Load, Pace, ask_on_time, get
from bench.processor import seconds_of_tree
from bench.rush_house import RushHouse, Server, file_session, our_server, rush_house
from config import read_settings

EVERY_SECONDS = 10
LINES = 64
ETAG = re.compile(rb"\r\netag: ([^\r]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Size:
    """How many people wait, how many to a doctor, and for how many seconds they ask after all have asked twice."""

    crowds: tuple[int, ...]
    to_a_doctor: int
    seconds: int


FULL = Size(crowds=(300, 3_000), to_a_doctor=50, seconds=120)
QUICK = Size(crowds=(60, 300), to_a_doctor=30, seconds=15)


def measure(*, quick: bool) -> Iterator[Figure]:
    """The answers' times and how many said that nothing is new, then the statements for a short and a long queue."""
    size = QUICK if quick else FULL
    most = max(size.crowds)
    with rush_house(people=most, spread=(1, 1), hot_places=1) as house:
        visits = _waiting(house, most, size.to_a_doctor)
        with our_server(house.url) as ours:
            for people in size.crowds:
                _crowd(house, ours, visits, Pace(people, EVERY_SECONDS, 2 * EVERY_SECONDS, LINES))  # the first looks
                web = seconds_of_tree(ours.pid)
                load = _crowd(house, ours, visits, Pace(people, EVERY_SECONDS, size.seconds, LINES))
                web = seconds_of_tree(ours.pid) - web
                n, which = len(load.took_ms), "" if people == most else f"_{people}"
                yield Figure(f"p95_ms{which}", "ms", round(load.p(95), 1), n)
                yield Figure(f"p50_ms{which}", "ms", round(load.p(50), 1), n)
                yield Figure(f"share_304{which}", "share", round(load.statuses[304] / n, 3), n)
                yield Figure(f"web_us{which}", "us", round(web / n * 1e6), n)
        yield from _statements(house, visits, size.to_a_doctor)


def _waiting(house: RushHouse, people: int, to_a_doctor: int) -> list[str]:
    """Everybody has a ticket and waits for a doctor who has so many; returns the public ids of their visits."""
    now, visits = datetime.now(UTC), [new_public_id() for _ in range(people)]
    starts_at = now - timedelta(minutes=to_a_doctor // 2)
    with house.engine.begin() as connection:
        department_id = connection.scalar(select(Department.id))
        for doctor in range(-(-people // to_a_doctor)):
            named = file_session(connection, department_id, 1000 + doctor, to_a_doctor, starts_at=starts_at)
            session = connection.execute(select(ClinicSession.__table__).where(ClinicSession.public_id == named)).one()
            slots = connection.execute(select(Slot.id, Slot.seq).where(Slot.session_id == session.id)).all()
            numbers = range(doctor * to_a_doctor, min(people, (doctor + 1) * to_a_doctor))
            for number, slot in zip(numbers, slots, strict=False):
                registration_id = number + 1
                connection.execute(
                    insert(Registration).values(
                        id=registration_id,
                        public_id=visits[number],
                        visit_number=f"Q{number:06d}",
                        account_id=number + 1,
                        patient_id=number + 1,
                        session_id=session.id,
                        slot_id=slot.id,
                        practitioner_id=session.practitioner_id,
                        visit_day=session.visit_day,
                        half_day=session.half_day,
                        place_no=slot.seq,
                        fee_fen=25_00,
                        state=RegistrationState.CHECKED_IN,
                        held_at=now,
                        held_until=now,
                    )
                )
                connection.execute(
                    insert(Ticket).values(
                        public_id=new_public_id(),
                        registration_id=registration_id,
                        patient_id=number + 1,
                        session_id=session.id,
                        line_id=session.id,
                        department_id=department_id,
                        visit_day=session.visit_day,
                        number=f"A{number:05d}",
                        room="201",
                        order_at=starts_at + timedelta(minutes=slot.seq),
                        checked_in_at=now,
                    )
                )
        connection.execute(text("UPDATE slot SET state = 'taken', registration_id = -id WHERE state = 'free'"))
    with house.engine.connect() as connection:
        connection.execute(text("VACUUM ANALYZE"))
    return visits


def _crowd(house: RushHouse, ours: Server, visits: list[str], pace: Pace) -> Load:
    """So many phones look at their visit's page, each with the tag of what it has."""
    tags = _tags.setdefault(house.url, {})

    def look(number: int) -> bytes:
        return get(f"/visits/{visits[number]}/live", house.phones[number].cookie, tags.get(number, ""))

    def heard(head: bytes, number: int) -> None:
        found = ETAG.search(head)
        if found is not None:
            tags[number] = found[1].decode()

    load = ask_on_time(ours.port, look, heard, pace)
    if set(load.statuses) - {200, 304}:
        raise SystemExit(f"not every look was answered: {load.statuses}")
    return load


_tags: dict[str, dict[int, str]] = {}


def _statements(house: RushHouse, visits: list[str], to_a_doctor: int) -> Iterator[Figure]:
    """Statements for one look of the last in a full queue; the floor is for a queue of one."""
    app = create_app(read_settings({"MENZHEN_MODE": "demo", "MENZHEN_DATABASE_URL": house.url}))
    full = _looked(app, house, visits, to_a_doctor - 1)
    house.run(f"UPDATE ticket SET state = 'void' WHERE id BETWEEN 2 AND {to_a_doctor - 1}")
    alone = _looked(app, house, visits, to_a_doctor - 1)
    for name, ours, floor in zip(("queries_first_look", "queries_nothing_new"), full, alone, strict=True):
        yield Figure(name, "statements", ours, 1, None, floor, round(ours / floor, 2))


def _looked(app: Flask, house: RushHouse, visits: list[str], number: int) -> tuple[int, int]:
    sent: list[str] = []
    engine = app.extensions["menzhen"].units.engine

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    client = app.test_client()
    client.set_cookie("menzhen", house.phones[number].cookie)
    path = f"/visits/{visits[number]}/live"
    client.get(path)
    event.listen(engine, "before_cursor_execute", note)
    first = client.get(path)
    whole = len(sent)
    second = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    event.remove(engine, "before_cursor_execute", note)
    if (first.status_code, second.status_code) != (200, 304):
        raise SystemExit(f"looks were answered {first.status_code}, {second.status_code}")
    return whole, len(sent) - whole
