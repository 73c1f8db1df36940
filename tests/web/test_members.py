"""An administrator takes staff on, locks them out and gives passwords; whoever got one chooses an own one first."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from app.identity.rules import ROLES
from app.web.staff.members import ROLE_WORDS
from tests.web.work_fixtures import House, house

__all__ = ["house"]
NEW = {"login": "new.nurse", "name": "新来的", "roles": ["nurse"]}


def given_password(page: str) -> str:
    found = re.search(r"<code>([0-9a-z]{14})</code>", page)
    assert found is not None, "no password on the page"
    return found[1]


def log_in(house: House, password: str) -> tuple[FlaskClient, int]:
    client = house.app.test_client()
    return client, client.post("/staff/login", data={"login": "new.nurse", "password": password}).status_code


def member_page(boss: FlaskClient) -> str:
    found = re.search(
        r'href="(/staff/people/[0-9a-z]+)"[^>]*>(?:(?!</a>).)*新来的', boss.get("/staff/people").text, re.DOTALL
    )
    assert found is not None
    return found[1]


def test_somebody_new_chooses_a_password_before_anything_else(house: House) -> None:
    page = house.browser("boss").post("/staff/people", data=NEW).text
    nurse, _ = log_in(house, given_password(page))

    assert nurse.get("/desk/check-in").location == "/staff/password"
    assert "请先设置自己的密码" in nurse.get("/staff/password").text
    short = nurse.post("/staff/password", data={"present": given_password(page), "wanted": "short"})
    wrong = nurse.post("/staff/password", data={"present": "wrong", "wanted": "own words 2026"})
    done = nurse.post("/staff/password", data={"present": given_password(page), "wanted": "own words 2026"})

    assert (short.status_code, "password_too_weak" in short.text) == (422, True)
    assert (wrong.status_code, "password_wrong" in wrong.text) == (422, True)
    assert done.location == "/desk"
    assert nurse.get("/desk/check-in").status_code == 200
    assert log_in(house, given_password(page))[1] == 401
    assert log_in(house, "own words 2026")[1] == 302


def test_a_member_is_changed_locked_out_and_let_in(house: House) -> None:
    boss = house.browser("boss")
    nurse, _ = log_in(house, given_password(boss.post("/staff/people", data=NEW).text))
    path = member_page(boss)

    changed = boss.post(path, data={"name": "新来的", "roles": ["nurse", "auditor"], "practitioner_code": ""})
    none = boss.post(path, data={"name": "新来的"})
    boss.post(f"{path}/lock-out")
    out = nurse.get("/desk/check-in")
    locked = boss.get(path).text
    boss.post(f"{path}/let-in")
    newer = given_password(boss.post(f"{path}/password").text)

    assert changed.status_code == 302
    assert (none.status_code, "bad_staff" in none.text) == (422, True)
    assert out.location.startswith("/staff/login")
    assert "已停用" in locked
    assert log_in(house, newer)[1] == 302


@pytest.mark.parametrize(
    ("told", "code"),
    [({"login": ""}, "bad_staff"), ({"roles": []}, "bad_staff"), ({"roles": ["king"]}, "bad_staff"),
     ({"name": " "}, "bad_staff"), ({"login": "boss"}, "login_taken")],
)  # fmt: skip
def test_what_is_no_staff_member_gets_its_words(house: House, told: dict[str, object], code: str) -> None:
    answer = house.browser("boss").post("/staff/people", data=NEW | told)

    assert code in answer.text
    assert answer.status_code in {409, 422}


def test_only_administrators_see_who_works_here(house: House) -> None:
    assert house.browser("operations").get("/staff/people").status_code == 403
    assert house.browser("it").post("/staff/people", data=NEW).status_code == 403
    assert house.app.test_client().get("/staff/password").location.startswith("/staff/login")


def test_every_role_has_its_word() -> None:
    assert set(ROLE_WORDS) == set(ROLES)
