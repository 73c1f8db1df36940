"""The board shows numbers and masked names to everybody, and changes nothing."""

from __future__ import annotations

import pytest

from app.queueing import service as queueing
from tests.web.work_fixtures import House, house

__all__ = ["house"]


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
