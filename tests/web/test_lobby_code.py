"""The screen in the lobby shows a code that changes; the phone that scans it checks in with one tap."""

from __future__ import annotations

import re

import pytest

from app.kernel.uow import Units
from app.paper import qr
from app.queueing import lobbies
from app.queueing.lobbies import LobbyIn
from app.rulebook import service as rulebook
from tests.browser.hospital import account_of
from tests.conftest import SetClock
from tests.web.conftest import Phone
from tests.web.work_fixtures import House, house

__all__ = ["house"]
BASE = "http://127.0.0.1:8000"


@pytest.fixture
def hall(clinic: House) -> House:
    with clinic.units.open() as uow:
        told = LobbyIn("HALL", "门诊大厅", latitude_e6=39_904_200, longitude_e6=116_407_400)
        lobbies.file_lobby(uow, told)
        lobbies.file_lobby(uow, LobbyIn("EAST", "东院大厅", campus_code="east"))
        rulebook.write(uow, rulebook.HOUSE, {"check_in_needs_lobby_code": True})
    return clinic


def address(units: Units, lobby: str = "HALL") -> str:
    """The path in the code that the lobby's screen shows now."""
    with units.open(reads_only=True) as uow:
        code, _ = lobbies.code_now(uow, lobbies.lobby_by_code(uow, lobby))
    return f"/l/{lobby}/{code}"


def screen_of(units: Units, lobby: str = "HALL") -> str:
    """The path of the lobby's screen, as the console tells it."""
    with units.open(reads_only=True) as uow:
        return f"/board/check-in/{lobby}/{lobbies.screen_key(uow, lobbies.lobby_by_code(uow, lobby))}"


def book(hall: House) -> str:
    """Zhang has a paid place this morning; the path of its check-in."""
    _, held = hall.booked(who=account_of(hall.units, "13800000101"))
    return f"/registrations/{held.public_id}/check-in"


def test_the_screen_shows_the_code_and_changes_it(hall: House, units: Units, clock: SetClock) -> None:
    screen, path = hall.browser(), screen_of(units)

    first = screen.get(path)
    shown = qr.svg_path(BASE + address(units), version=None)
    live = screen.get(f"{path}/live")
    same = screen.get(f"{path}/live", headers={"If-None-Match": live.headers["ETag"]})
    clock.step(seconds=30)
    other = screen.get(f"{path}/live", headers={"If-None-Match": live.headers["ETag"]})

    assert first.status_code == 200
    assert shown in first.text
    assert shown in live.text
    assert (same.status_code, other.status_code) == (304, 200)
    assert shown not in other.text


def test_whoever_stays_at_home_finds_no_way_to_the_screen(zhang: Phone, hall: House, units: Units) -> None:
    path = screen_of(units)
    key = path.rpartition("/")[2]
    guesses = ["/board/check-in/HALL", "/board/check-in/HALL/live", f"/board/check-in/HALL/{'0' * len(key)}"]
    guesses += [f"{guesses[-1]}/live", f"/board/check-in/EAST/{key}", f"/board/check-in/NOWHERE/{key}"]

    assert [zhang.open(guess).status_code for guess in guesses] == [404] * len(guesses)
    assert not re.search(r"/l/|check-in/[A-Z]", zhang.open("/board/").text)
    assert hall.browser().get(path).status_code == 200


def test_an_address_that_became_known_is_replaced(house: House, units: Units) -> None:
    with units.open() as uow:
        lobbies.file_lobby(uow, LobbyIn("HALL", "门诊大厅"))
    boss, screen, known = house.browser("operations"), house.browser(), screen_of(units)

    answer = boss.post("/staff/lobbies/HALL/screen")
    page = boss.get(answer.location).text

    assert [screen.get(path).status_code for path in (known, f"{known}/live")] == [404, 404]
    assert screen_of(units) in page
    assert known not in page
    assert screen.get(screen_of(units)).status_code == 200
    assert boss.post("/staff/lobbies/NOWHERE/screen").status_code == 404


def test_scanned_tapped_and_checked_in(zhang: Phone, hall: House, units: Units) -> None:
    check_in = book(hall)

    refused = zhang.send(check_in)
    before = zhang.open("/check-in").text
    page = zhang.follow(zhang.open(address(units))).text
    answer = zhang.send(check_in)
    again = zhang.send(check_in)

    assert refused.status_code == 409
    assert "请先扫码" in refused.text
    assert "扫候诊厅屏幕上的签到码" in before
    assert "您在 门诊大厅" in page
    assert f'action="{check_in}"' in page
    assert answer.status_code == again.status_code == 302
    assert answer.location == again.location
    assert "A001" in zhang.follow(answer).text


def test_whoever_is_not_logged_in_scans_logs_in_and_finds_the_button(phone: Phone, hall: House, units: Units) -> None:
    scanned = phone.open(address(units))
    login = phone.follow(scanned)

    assert login.status_code == 302
    assert login.location.startswith("/login?next=/check-in")
    phone.log_in("13800000101", "/check-in")
    assert "您在 门诊大厅" in phone.open("/check-in").text


@pytest.mark.parametrize(
    ("path", "seconds", "words"),
    [("", 60, "签到码已更换"), ("0", 0, "这不是本院的签到码"), ("/l/HALL/x", 0, "这不是本院的签到码")],
)
def test_an_old_or_forged_code_says_what_to_do(zhang: Phone, hall: House, path: str, seconds: int, words: str) -> None:
    scanned = path if path.startswith("/") else address(hall.units) + path
    hall.clock.step(seconds=seconds)

    answer = zhang.open(scanned)

    assert answer.status_code == 409
    assert words in answer.text
    assert "您在" not in zhang.open("/check-in").text


def test_a_scan_in_the_wrong_place_says_where_to_go(zhang: Phone, hall: House, units: Units) -> None:
    check_in = book(hall)

    page = zhang.follow(zhang.open(address(units, "EAST"))).text
    answer = zhang.send(check_in)

    assert "这个科室请到 门诊大厅 签到" in page
    assert answer.status_code == 409
    assert "请到 门诊大厅 签到" in answer.text


def test_the_page_holds_the_hospitals_place_and_asks_for_nobodys(zhang: Phone, hall: House) -> None:
    book(hall)

    answer = zhang.open("/check-in")

    assert "[[39.9042, 116.4074, 300]]" in answer.text
    assert answer.headers["Permissions-Policy"].startswith("geolocation=(self)")
    assert zhang.open("/").headers["Permissions-Policy"].startswith("geolocation=()")


def test_the_console_files_a_lobby_and_refuses_nonsense(house: House, units: Units) -> None:
    boss = house.browser("operations")
    typed = {"code": "W3", "name": "三楼西区", "latitude": "39.9", "longitude": "116.4", "near_metres": "200"}
    wrongs = [{"code": "三楼"}, {"latitude": "north"}, {"longitude": ""}, {"near_metres": "5"}, {"name": ""}]

    made = boss.post("/staff/lobbies", data=typed)
    wrong = [boss.post("/staff/lobbies", data=typed | change).status_code for change in wrongs]

    assert made.status_code == 302
    assert set(wrong) == {422}
    page = boss.get("/staff/lobbies?lobby=W3").text
    assert 'value="39.900000"' in page
    assert screen_of(units, "W3") in page
