"""Two unlike systems, each connected by the console's form alone, and their messages by their own transports."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
import requests
from sqlalchemy import select

from app.identity import service as identity
from app.identity.models import Sex
from app.kernel.inbox import InboxItem, InboxState
from app.prescription import service as prescriptions
from app.prescription.models import Prescription
from config import Hl7Settings
from hl7_adapter.er7 import parse
from hl7_adapter.listener import listen, listen_http
from hl7_adapter.mllp import MllpClient
from tests.hl7.test_http import HOST, SOAP, serving
from tests.hl7.test_intake import patient
from tests.hl7.test_mllp import free_port
from tests.web.test_peers import FORM, filed
from tests.web.work_fixtures import House, house

__all__ = ["house"]
PAGE = Path(__file__).parents[2] / "docs" / "hl7" / "worked-peers.md"


def written(title: str, number: int) -> str:
    """The numbered block of text under a heading of the page that tells of both systems."""
    part = PAGE.read_text(encoding="utf-8").partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return re.findall(r"```\w*\n(.*?)\n```", part, re.DOTALL)[number]


def form(title: str) -> dict[str, str]:
    """The form as the page says it is filled in: `field: value`, indented lines for more of them."""
    usual = {"max_frame_bytes": "16777216", "out_charset": "UNICODE UTF-8", "retry_codes": "206 207"}
    typed: dict[str, str] = dict.fromkeys(FORM, "") | usual
    name = ""
    for line in written(title, 0).split("\n"):
        if line.startswith("  "):
            typed[name] = f"{typed[name]}\r\n{line.strip()}".strip()
        else:
            name, _, value = (part.strip() for part in line.partition(":"))
            typed[name] = value
    return typed


@pytest.fixture
def hospital(house: House) -> House:
    with house.units.open() as uow:
        his = identity.PatientFromHis(mrn="P10001", name="张秀英", sex=Sex.FEMALE)
        identity.file_patient_from_his(uow, his)
    return house


def test_an_old_his_sends_orders_of_v23_with_line_feeds(hospital: House) -> None:
    filed(hospital.browser("it"), **form("A HIS of v2.3"))
    raw = written("A HIS of v2.3", 1).encode()
    assert b"\r" not in raw

    async def ask(port: int, sent: bytes) -> bytes:
        client = MllpClient(HOST, port, 10)
        try:
            return await client.send(sent)
        finally:
            await client.close()

    with serving(listen(hospital.units, Hl7Settings(port=free_port(), is_strict=True))) as server:
        told = parse(asyncio.run(ask(server.port, raw)))
        refused = parse(asyncio.run(ask(server.port, re.sub(rb"\|V0001\b", b"|", raw).replace(b"|0815|", b"|0816|"))))

    with hospital.units.open(reads_only=True) as uow:
        order = uow.session.scalars(select(Prescription)).one()
        (line,) = prescriptions.lines_of(uow, order.id)
    assert (told.get("MSA"), told.get("MSH-12")) == ("MSA|AA|0815", "2.3")
    assert (order.number, line.days, line.route, line.frequency) == ("RX2301", 3, "口服", "BID")
    assert (refused.get("MSA-1"), refused.get("ERR-1")) == ("AE", written("A HIS of v2.3", 2).split("|")[1])


def posted(port: int, text: str) -> str:
    """What comes back for the message in an envelope, both in GBK."""
    body = SOAP.replace("utf-8", "GBK").format(text).encode("gb18030")
    headers = {"Content-Type": "text/xml; charset=GBK"}
    return requests.post(f"http://{HOST}:{port}/soap", body, headers=headers, timeout=30).text


def test_a_platform_of_v24_sends_its_own_events_in_gbk_and_soap(hospital: House) -> None:
    title = "A platform of v2.4"
    filed(hospital.browser("it"), **form(title))
    raw = written(title, 1)
    others = [raw.replace("ADT^ZP1", "ADT^ZP9").replace("8A7F", "9A7F"), raw.replace("|HOSPITAL|", "|ELSEWHERE|", 1)]

    with serving(listen_http(hospital.units, Hl7Settings(http_port=free_port(), is_strict=True))) as server:
        answer, *refused = (posted(server.port, text) for text in (raw, *others))

    filed_patient = patient(hospital.units, "P24001")
    with hospital.units.open(reads_only=True) as uow:
        name, card = identity.name_of(uow, filed_patient), identity.id_number_of(uow, filed_patient)
        taken = uow.session.scalars(select(InboxItem).where(InboxItem.kind == "ADT^ZP1").order_by(InboxItem.id)).first()
    assert answer.count("MSA|") == 1
    assert "MSA|AA|8A7F3C5E9B214D60A1B2C3D4E5F60718" in answer
    assert ["MSA|AR|9A7F" in refused[0], "ERR|MSH^1^9^201" in refused[0]] == [True, True]
    assert ["MSA|AE|8A7F" in refused[1], "ERR|MSH^1^6^204" in refused[1]] == [True, True]
    assert (name, card, filed_patient.sex) == ("瑋珅", "11010119900307803X", Sex.MALE)
    assert taken is not None
    assert (taken.state, taken.kind) == (InboxState.DONE, "ADT^ZP1")
