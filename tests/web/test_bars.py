"""Whoever may open many pages of the console finds them in groups, and nobody is led where they may not go."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from tests.web.work_fixtures import House, house

__all__ = ["house"]
BAR = re.compile(r'<nav class="staff-nav[^"]*".*?</nav>', re.DOTALL)
ENTRY = re.compile(r'<a href="([^"]+)"(?: aria-current="(\w+)")?>([^<]+)</a>')


def bars(browser: FlaskClient, path: str) -> list[list[tuple[str, str, str]]]:
    page = browser.get(path)
    assert page.status_code == 200
    return [ENTRY.findall(bar) for bar in BAR.findall(page.text)]


def labels(bar: list[tuple[str, str, str]]) -> list[str]:
    return [label for _, _, label in bar]


def test_the_open_group_is_marked_and_shows_its_pages_below(house: House) -> None:
    groups, pages = bars(house.browser("operations"), "/staff/payments")

    assert labels(groups) == ["今日", "门诊", "患者服务", "财务"]
    assert [label for _, current, label in groups if current == "true"] == ["财务"]
    assert [label for _, current, label in pages if current == "page"] == ["收费"]


def test_the_first_page_belongs_to_no_group(house: House) -> None:
    (groups,) = bars(house.browser("operations"), "/staff/")

    assert [label for _, current, label in groups if current == "page"] == ["今日"]


def test_few_pages_stand_side_by_side(house: House) -> None:
    (pages,) = bars(house.browser("it"), "/staff/hl7")

    assert labels(pages) == ["今日", "消息", "HL7 消息", "对接系统", "发送失败"]


@pytest.mark.parametrize("who", ["boss", "operations", "finance", "it", "auditor"])
def test_every_entry_leads_to_a_page_that_opens(house: House, who: str) -> None:
    browser = house.browser(who)
    found = {href for bar in bars(browser, "/staff/") for href, _, _ in bar}
    found |= {href for each in sorted(found) for bar in bars(browser, each) for href, _, _ in bar}

    assert found
    assert {browser.get(href).status_code for href in found} == {200}
