"""Somebody scans the lobby's code: three screens lie between the scan and the fee."""

from __future__ import annotations

import re

from app.analytics.models import ChannelKind
from app.analytics.service import file_channel
from app.kernel.uow import Units
from tests.web.conftest import Phone
from tests.web.work_fixtures import House, hidden


def test_from_the_lobbys_code_to_the_fee_are_three_screens(zhang: Phone, clinic: House, units: Units) -> None:
    with units.open() as uow:
        code = file_channel(uow, name="大厅海报", target="/departments/GI", kind=ChannelKind.SCREEN).code
    screens = []

    screens.append(zhang.follow(zhang.open(f"/c/{code}")).text)
    choice = re.search(r'href="(/sessions/[^"]+)"', screens[-1])
    assert choice
    screens.append(zhang.open(choice[1]).text)
    form = {name: hidden(screens[-1], name) for name in ("patient", "session", "once")}
    screens.append(zhang.follow(zhang.send("/registrations", **form)).text)

    assert len(screens) == 3
    assert "今天" in screens[0]
    assert re.search(r'action="/bills/[^"]+/pay"', screens[-1])
    assert "¥25.00" in screens[-1]
