"""Somebody scans a code in the lobby: three screens lie between the scan and the fee, whatever the code leads to."""

from __future__ import annotations

import re

import pytest

from app.analytics.models import ChannelKind
from app.analytics.service import file_channel
from app.kernel.uow import Units
from tests import factories
from tests.web.conftest import Phone
from tests.web.work_fixtures import House, hidden


def code_of(units: Units, kind: ChannelKind, target: str) -> str:
    with units.open() as uow:
        return file_channel(uow, name="大厅海报", target=target, kind=kind).code


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (ChannelKind.POSTER, ""),
        (ChannelKind.SCREEN, ""),
        (ChannelKind.DESK, "/departments"),
        (ChannelKind.SCREEN, "/departments/GI"),
    ],
)
def test_from_the_lobbys_code_to_the_fee_are_three_screens(
    zhang: Phone, clinic: House, units: Units, kind: ChannelKind, target: str
) -> None:
    with units.open() as uow:
        factories.clinic(uow, code="EYE")
    screens = []

    screens.append(zhang.follow(zhang.open(f"/c/{code_of(units, kind, target)}")).text)
    choice = re.search(rf'href="(/sessions/{clinic.clinic.session.public_id})"', screens[-1])
    assert choice
    screens.append(zhang.open(choice[1]).text)
    form = {name: hidden(screens[-1], name) for name in ("patient", "session", "once")}
    screens.append(zhang.follow(zhang.send("/registrations", **form)).text)

    assert len(screens) == 3
    assert "今天" in screens[0]
    assert re.search(r'action="/bills/[^"]+/pay"', screens[-1])
    assert "¥25.00" in screens[-1]


def test_the_lobbys_choice_shows_what_the_lobby_can_have_today(zhang: Phone, clinic: House, units: Units) -> None:
    clinic.clock.step(hours=-2)
    with units.open() as uow:
        kept = factories.clinic(uow, code="EYE", places=2, kept_lobby=2).session.public_id
        gone = factories.clinic(uow, code="ENT", places=2, kept_window=2).session.public_id

    at_home = zhang.open("/departments").text
    here = zhang.follow(zhang.open(f"/c/{code_of(units, ChannelKind.POSTER, '')}")).text

    assert "/sessions/" not in at_home
    assert (f"/sessions/{kept}" in here, f"/sessions/{gone}" in here) == (True, False)
    assert "今天没有号，可约其他日期" in here
    assert here.index("/departments/ENT") > here.index(kept)


def test_a_leaflet_read_at_home_leads_home(zhang: Phone, units: Units) -> None:
    assert zhang.open(f"/c/{code_of(units, ChannelKind.LEAFLET, '')}").location == "/"
