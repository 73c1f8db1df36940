"""A hospital in which the messages of the visit mean something: drugs on its list, a doctor, and one known patient."""

from __future__ import annotations

import pytest

from app.kernel.uow import Units
from hl7_adapter.intake import receive
from tests import factories
from tests.factories_prescription import stocked

KNOWN = (
    "MSH|^~\\&|HIS|HOSPITAL|MENZHEN|HOSPITAL|20261123080000||ADT^A04^ADT_A01|KNOWN|P|2.5.1\r"
    "PID|1||P10001^^^HIS^PI||张秀英||19500101|F|||||13800138000\r"
).encode()


@pytest.fixture
def hospital(units: Units) -> Units:
    with units.open() as uow:
        stocked(uow)
        factories.clinic(uow)
    receive(units, KNOWN)
    return units
