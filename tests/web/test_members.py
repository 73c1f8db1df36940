"""An administrator takes staff on, locks them out and gives passwords; whoever got one chooses an own one first."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from app.identity.models import Staff
from app.identity.rules import ROLES
from app.web.staff.members import ROLE_WORDS
from tests.authenticator import authenticator
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


def key_on(page: str) -> str:
    """The key that the page shows to type, as an authenticator's address."""
    found = re.search(r"<code>([A-Z2-7 ]{39})</code>", page)
    assert found is not None, "no key on the page"
    return f"otpauth://totp/x?secret={found[1].replace(' ', '')}"


def test_whoever_needs_a_second_step_binds_a_phone_and_then_shows_its_codes(house: House) -> None:
    boss = house.browser("boss")
    nurse, _ = log_in(house, given_password(boss.post("/staff/people", data=NEW).text))
    path = member_page(boss)
    boss.post(f"{path}/second-step", data={"is_needed": "yes"})
    assert "手机未绑定" in boss.get(path).text

    asked = nurse.get("/desk/check-in")
    assert asked.location == "/staff/second-step?next=/desk/check-in"
    assert nurse.get("/staff/password").location.startswith("/staff/second-step")
    assert nurse.post("/staff/password", data={"present": "x", "wanted": "y"}).location == "/staff/password"
    page = nurse.get(asked.location).text
    assert "请先绑定手机" in page
    shown = authenticator(key_on(page), house.clock)
    wrong = nurse.post("/staff/second-step", data={"digits": "12345", "next": "/desk/check-in"})
    assert (wrong.status_code, "验证码不对" in wrong.text) == (422, True)
    assert wrong.headers["Cache-Control"] == "no-store", "the key is on the page"
    right = nurse.post("/staff/second-step", data={"digits": shown(), "next": "/desk/check-in"})

    assert right.location == "/desk/check-in"
    assert nurse.get("/desk/check-in").location == "/staff/password", "the given password is still to be replaced"
    assert "手机已绑定" in boss.get(path).text
    assert "<code>" not in nurse.get("/staff/second-step").text, "the key is told to nobody any more"

    boss.post(f"{path}/second-step/take-away")
    assert nurse.get("/desk/check-in").location.startswith("/staff/login")


def test_a_phone_is_bound_without_being_asked_and_needed_from_then_on(house: House) -> None:
    boss = house.browser("boss")
    shown = authenticator(key_on(boss.get("/staff/second-step").text), house.clock)
    assert boss.get("/staff/people").status_code == 200, "looking at the key binds nobody"

    assert boss.post("/staff/second-step", data={"digits": shown()}).location == "/staff"

    assert boss.get("/staff/people").status_code == 200
    assert "已开启" in boss.get("/staff/second-step").text
    again = house.app.test_client()
    to_the_step = again.post("/staff/login", data={"login": "boss", "password": "demo-2026", "next": "/staff/people"})
    assert to_the_step.location == "/staff/second-step?next=/staff/people"
    for _ in range(4):
        again.post("/staff/second-step", data={"digits": "000000x"})
    out = again.post("/staff/second-step", data={"digits": "000000x"})
    assert out.location.startswith("/staff/login")
    assert "15 分钟后重新登录" in again.get(out.location).text


def test_what_was_typed_before_the_log_in_ended_is_shown_after_the_second_step_only(house: House) -> None:
    boss = house.browser("boss")
    shown = authenticator(key_on(boss.get("/staff/second-step").text), house.clock)
    boss.post("/staff/second-step", data={"digits": shown()})
    boss.post("/staff/logout")
    boss.post("/staff/people", data=NEW)
    boss.post("/staff/login", data={"login": "boss", "password": "demo-2026"})

    assert boss.get("/unsent").location == "/staff/second-step?next=/unsent"
    assert boss.post("/staff/second-step", data={"digits": shown(30), "next": "/unsent"}).location == "/unsent"
    assert "新来的" in boss.get("/unsent").text


def test_only_whoever_is_logged_in_takes_the_second_step(house: House) -> None:
    nobody = house.app.test_client()

    assert nobody.get("/staff/second-step").location.startswith("/staff/login")
    assert nobody.post("/staff/second-step", data={"digits": "123456"}).location.startswith("/staff/login")


def test_the_only_administrator_who_lost_the_phone_is_helped_by_the_operator(house: House) -> None:
    boss = house.browser("boss")
    shown = authenticator(key_on(boss.get("/staff/second-step").text), house.clock)
    boss.post("/staff/second-step", data={"digits": shown()})

    with house.app.app_context():
        typed = house.app.test_cli_runner()
        assert typed.invoke(args=["staff", "forget-phone", "nobody"]).exit_code == 1
        assert typed.invoke(args=["staff", "forget-phone", "boss"]).exit_code == 0

    assert boss.get("/staff/people").location.startswith("/staff/login")
    assert house.browser("boss").get("/staff/people").status_code == 200


def test_every_role_has_its_word() -> None:
    assert set(ROLE_WORDS) == set(ROLES)


def test_a_doctor_whose_code_nobody_has_is_told_whom_to_ask(house: House) -> None:
    doctor = house.browser("doctor")
    with house.units.open() as uow:
        uow.session.execute(update(Staff).values(practitioner_code="D404"))

    page = doctor.get("/desk/", follow_redirects=True)

    assert page.status_code == 200
    assert "您的账号没有对应的医生" in page.text
    assert doctor.get(f"/desk/sessions/{house.clinic.session.public_id}").status_code == 404
