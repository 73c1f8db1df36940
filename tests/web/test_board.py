"""The board shows numbers and masked names to everybody, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.identity.models import Patient
from app.kernel.uow import Uow
from app.queueing import handing_over, undoing
from app.queueing import service as queueing
from app.queueing.models import Ticket
from app.registration.models import Registration
from app.rulebook import service as rulebook
from app.scheduling import service as scheduling
from app.scheduling.models import ClinicSession, Department, HalfDay, Practitioner
from tests import factories
from tests.conftest import application, listened
from tests.web.work_fixtures import House, house

__all__ = ["house"]
SCREENS = ("/board/GI/live", "/board/GI/door/live?room=3-05", "/board/GI/door/live?room=3-11")


def test_the_boards_are_listed_for_everybody(house: House) -> None:
    page = house.browser().get("/board/")

    assert page.status_code == 200
    assert "消化内科" in page.text
    assert "/board/GI" in page.text


def test_a_call_is_shown_with_a_masked_name(house: House) -> None:
    house.waiting("欧阳修远")
    with house.units.open(house.actors["doctor"]) as uow:
        queueing.call_next(uow, session=house.clinic.session)

    page = house.browser().get("/board/GI").text

    assert "A001" in page
    assert "欧**远" in page
    assert "欧阳修远" not in page
    assert "3-05" in page


def test_the_live_part_is_sent_only_when_somebody_moved(house: House) -> None:
    stranger = house.browser()
    first = stranger.get("/board/GI/live")
    tag = {"If-None-Match": first.headers["ETag"]}

    same = stranger.get("/board/GI/live", headers=tag)
    house.waiting()
    changed = stranger.get("/board/GI/live", headers=tag)

    assert (first.status_code, same.status_code, changed.status_code) == (200, 304, 200)
    assert same.data == b""
    assert "<html" not in changed.text


@pytest.mark.parametrize("code", ["XX", "%00", "GI'--", "%F0%9F%98%80", "x" * 200])
def test_an_unknown_department_is_not_found(house: House, code: str) -> None:
    for path in (f"/board/{code}", f"/board/{code}/live"):
        assert house.browser().get(path).status_code == 404


def test_a_board_cannot_be_posted_to(house: House) -> None:
    assert house.browser().post("/board/GI").status_code == 405


def beside(house: House) -> ClinicSession:
    """A second doctor of the department, in room 3-11."""
    with house.units.open() as uow:
        doctor = factories.another_doctor(uow, house.clinic.department)
        starts = house.clinic.session.starts_at.astimezone(uow.zone).time()
        return factories.another_session(uow, doctor, days=0, room="3-11", half_day=HalfDay.AM, starts=starts)


def seen(house: House) -> dict[str, tuple[str, str]]:
    """What each screen shows, and its tag."""
    stranger = house.browser()
    answers = {path: stranger.get(path) for path in SCREENS}
    return {path: (answer.text, answer.headers["ETag"]) for path, answer in answers.items()}


def renamed(table: type[Department | Patient | Practitioner], **columns: str) -> Callable[[Uow, Ticket], None]:
    def deed(uow: Uow, ticket: Ticket) -> None:
        session = uow.session.get_one(ClinicSession, ticket.session_id)
        keys = {
            Department: session.department_id,
            Patient: ticket.patient_id,
            Practitioner: session.practitioner_id,
        }
        row = uow.session.get_one(table, keys[table])
        for name, value in columns.items():
            setattr(row, name, value)

    return deed


def has_moved(uow: Uow, ticket: Ticket) -> None:
    uow.session.get_one(ClinicSession, ticket.session_id).room = "3-12"


def by_rule(**rules: object) -> Callable[[Uow, Ticket], object]:
    return lambda uow, _: rulebook.write(uow, rulebook.HOUSE, rules)


def sent_next_door(uow: Uow, ticket: Ticket) -> None:
    (card,) = handing_over.rooms_for(uow, ticket)
    handing_over.hand_over(uow, ticket, card.session)


def stopped(uow: Uow, ticket: Ticket) -> None:
    sits = uow.session.get_one(ClinicSession, ticket.session_id)
    scheduling.stop_session(uow, public_id=sits.public_id, why="ill")


# One morning, deed after deed, at the first ticket.
MORNING: dict[str, Callable[[Uow, Ticket], object]] = {
    "the patient has another name": renamed(Patient, name_masked="王*"),
    "the patient is called": queueing.call,
    "and called again": queueing.call,
    "and is with the doctor": queueing.begin,
    "which was a slip": undoing.undo,
    "and did not come": queueing.pass_over,
    "and is back in line": queueing.rejoin,
    "numbers only": by_rule(boards_show_names=False),
    "the doctor has another name": renamed(Practitioner, name="欧阳伟"),
    "and another title": renamed(Practitioner, title="副主任医师"),
    "the department has another name": renamed(Department, name="消化科"),
    "the patient is sent next door": sent_next_door,
    "both doctors share a line": by_rule(boards_show_names=False, doctors_share_a_line=True),
    "that doctor's room is another one": has_moved,
    "and that doctor stops": stopped,
}


def changes(before: dict[str, tuple[str, str]], after: dict[str, tuple[str, str]]) -> set[str]:
    """The screens that show something else; none of them by the same tag, and no other by another."""
    changed = {path for path in SCREENS if before[path][0] != after[path][0]}
    assert {path for path in SCREENS if before[path][1] != after[path][1]} == changed
    return changed


def test_nothing_to_be_seen_changes_without_another_tag(house: House) -> None:
    beside(house)
    before = seen(house)
    *_, first = house.waiting()
    house.waiting("李建国")
    assert changes(before, before := seen(house))

    for name, deed in MORNING.items():
        with house.units.open() as uow:
            deed(uow, uow.session.get_one(Ticket, first.id))
        after = seen(house)

        assert changes(before, after), name
        before = after


def test_what_only_the_clock_changes_is_seen_on_time(house: House) -> None:
    with house.units.open() as uow:
        sits = factories.another_session(
            uow, factories.another_doctor(uow, house.clinic.department), days=0, room="3-05"
        )
        opens_at = queueing.opens_at(rulebook.rules_for(uow), sits)
    board, door, _ = SCREENS
    before = seen(house)

    house.clock.step(seconds=(opens_at - house.clock.now()).total_seconds() - 1)
    early = seen(house)
    house.clock.step(seconds=1)
    both_sit = seen(house)
    house.clock.step(seconds=(max(house.clinic.session.ends_at, opens_at) - house.clock.now()).total_seconds())
    over = seen(house)

    assert changes(before, early) == set()
    assert board in changes(early, both_sit)
    assert "刘洋" in over[door][0]


def test_what_is_not_on_the_screen_is_nothing_new(house: House) -> None:
    before = seen(house)

    house.booked()
    with house.units.open() as uow:
        elsewhere = factories.clinic(uow, code="ENT")
        who = factories.person(uow)
    booked = factories.booked(house.units, who, elsewhere.session)
    with house.units.open() as uow:
        queueing.check_in(uow, registration=uow.session.get_one(Registration, booked.id))
    house.clock.step(minutes=1)

    assert changes(before, seen(house)) == set()


def test_screens_of_another_process_bear_the_same_tags(house: House, database_url: str) -> None:
    house.waiting()
    tags = {path: tag for path, (_, tag) in seen(house).items()}

    with application(database_url, house.clock, "another process") as other:
        answers = [other.test_client().get(path, headers={"If-None-Match": tags[path]}) for path in SCREENS]

    assert [answer.status_code for answer in answers] == [304] * len(SCREENS)


@pytest.mark.parametrize("path", SCREENS)
def test_to_look_is_one_question_however_long_the_queue(house: House, path: str) -> None:
    beside(house)
    with house.units.open() as uow:
        rulebook.write(uow, rulebook.HOUSE, {"doctors_share_a_line": True})
    stranger, asked = house.browser(), []
    stranger.get(path)

    for people in (0, 1, 5):
        for _ in range(people):
            house.waiting()
        tag = stranger.get(path).headers["ETag"]
        with listened(house.app.extensions["menzhen"].units.engine) as said:
            answer = stranger.get(path, headers={"If-None-Match": tag})
        asked.append((answer.status_code, len([one for one in said if "SELECT" in one])))

    assert asked == [(304, 1)] * 3
