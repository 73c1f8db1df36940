"""Our own book and the fiscal platform over HTTP: an invoice is numbered once, looked up, and taken back."""

from __future__ import annotations

import dataclasses
import secrets
from datetime import UTC, date, datetime
from typing import Any

import pytest
import requests

from app.couriers.fiscal import FiscalPlatform, signature
from app.invoice.own_book import OwnBook
from app.invoice.ports import EInvoicePort, IssuerAway, IssuerRefused, Numbers, RedSheet, Sheet, SheetLine
from config import FiscalSettings
from tests.sandbox.fixtures import RunningSandbox


def settings(sandbox: RunningSandbox, **changes: Any) -> FiscalSettings:
    env = sandbox.env
    made = FiscalSettings(
        base_url=env["FISCAL_BASE_URL"],
        appid=env["FISCAL_APPID"],
        key=env["FISCAL_KEY"],
        place_code=env["FISCAL_PLACE_CODE"],
        timeout_seconds=5,
    )
    return dataclasses.replace(made, **changes)


@pytest.fixture
def platform(sandbox: RunningSandbox) -> FiscalPlatform:
    return FiscalPlatform(settings(sandbox))


@pytest.fixture(params=["own", "fiscal"])
def issuer(request: pytest.FixtureRequest, platform: FiscalPlatform) -> EInvoicePort:
    return OwnBook() if request.param == "own" else platform


def sheet(**changes: Any) -> Sheet:
    """187.50: a drug for 162.50 and the registration, of which the fund bears 98.75."""
    number = f"0{secrets.randbelow(10**9):09d}"
    made = Sheet(
        bus_no=f"MZ11060126{number}",
        own=Numbers("11060126", number, "123456"),
        is_registration=False,
        issued_at=datetime(2026, 11, 23, 1, 30, tzinfo=UTC),
        payer="张晓明",
        document_masked="1101**********002X",
        sex="男",
        outpatient_number="V2026112300017",
        visit_day=date(2026, 11, 23),
        insurance_type="职工基本医疗保险",
        insurance_number="4401****0017",
        total_fen=18750,
        fund_fen=9875,
        other_fen=0,
        account_fen=4000,
        cash_fen=4875,
        self_part_fen=6375,
        self_fee_fen=2500,
        items=(("西药费", 16250), ("挂号费", 2500)),
        lines=(
            SheetLine("西药费", "阿莫西林胶囊", "0.25g×24粒", 2, "盒", 16250, "甲"),
            SheetLine("挂号费", "普通门诊挂号", "", 1, "次", 2500, "自费"),
        ),
        clerk="自助结算",
    )
    return dataclasses.replace(made, **changes)


def red_of(blue: Sheet, numbers: Numbers) -> RedSheet:
    own = dataclasses.replace(blue.own, number="9" + blue.own.number[1:])
    return RedSheet(f"{blue.bus_no}9", own, numbers, blue.issued_at, "退费", blue.clerk)


def order(sandbox: RunningSandbox, mode: str, seconds: float = 0) -> None:
    what = {"mode": mode, "scope": "next", "seconds": seconds}
    requests.post(f"{sandbox.http_url}/sandbox/fiscal/switch", json=what, timeout=30).raise_for_status()


def book(sandbox: RunningSandbox) -> list[dict[str, Any]]:
    bills: list[dict[str, Any]] = requests.get(f"{sandbox.http_url}/sandbox/fiscal/book", timeout=30).json()
    return bills


def test_what_was_issued_is_found_and_taken_back_once(issuer: EInvoicePort) -> None:
    asked = sheet()

    numbers = issuer.issue(asked)
    red_sheet = red_of(asked, numbers)
    red = issuer.take_back(red_sheet)

    assert issuer.look_up(asked) == numbers
    assert issuer.look_up(red_sheet) == red
    assert red.number != numbers.number
    assert all((numbers.batch_code, numbers.number, numbers.check_code))


def test_the_platform_is_told_every_field_to_the_fen(sandbox: RunningSandbox, platform: FiscalPlatform) -> None:
    asked = sheet()

    numbers = platform.issue(asked)

    (told,) = [bill for bill in book(sandbox) if bill["bus_no"] == asked.bus_no]
    assert (told["total"], told["number"], numbers.batch_code) == (18750, numbers.number, told["batch_code"])
    body = told["body"]
    assert (body["busType"], body["totalAmt"], body["placeCode"]) == ("02", "187.5", "001")
    assert [item["chargeName"] for item in body["chargeDetail"]] == ["西药费", "挂号费"]
    assert [line["name"] for line in body["listDetail"]] == ["阿莫西林胶囊", "普通门诊挂号"]
    assert numbers.check_code in requests.get(numbers.url, timeout=30).text


def test_a_registration_is_told_as_one(sandbox: RunningSandbox, platform: FiscalPlatform) -> None:
    asked = sheet(is_registration=True)

    platform.issue(asked)

    assert next(bill for bill in book(sandbox) if bill["bus_no"] == asked.bus_no)["body"]["busType"] == "06"


def test_asked_twice_it_issues_once_and_says_so(sandbox: RunningSandbox, platform: FiscalPlatform) -> None:
    asked = sheet()
    numbers = platform.issue(asked)

    with pytest.raises(IssuerAway):
        platform.issue(asked)
    platform.take_back(red_of(asked, numbers))
    with pytest.raises(IssuerAway):
        platform.take_back(red_of(asked, numbers))

    assert len([bill for bill in book(sandbox) if bill["bus_no"].startswith(asked.bus_no)]) == 2


def test_a_lost_answer_is_found_by_looking_up(sandbox: RunningSandbox) -> None:
    hasty = FiscalPlatform(settings(sandbox, timeout_seconds=1))
    asked = sheet()
    order(sandbox, "late", 2)

    with pytest.raises(IssuerAway):
        hasty.issue(asked)

    found = hasty.look_up(asked)
    assert found is not None
    assert [bill["number"] for bill in book(sandbox) if bill["bus_no"] == asked.bus_no] == [found.number]


def test_what_it_never_issued_is_absent_and_what_it_never_took_back_stands(platform: FiscalPlatform) -> None:
    asked = sheet()

    assert platform.look_up(asked) is None
    numbers = platform.issue(asked)
    assert platform.look_up(red_of(asked, numbers)) is None


def test_a_platform_that_is_down_is_away_and_one_that_refuses_says_why(
    sandbox: RunningSandbox, platform: FiscalPlatform
) -> None:
    order(sandbox, "down")
    with pytest.raises(IssuerAway, match="503"):
        platform.issue(sheet())

    order(sandbox, "refuse")
    with pytest.raises(IssuerRefused) as refused:
        platform.issue(sheet())
    assert refused.value.code == "E0009"


@pytest.mark.parametrize(
    "changes",
    [
        {"cash_fen": 4876},
        {"items": (("挂号费", 2500), ("西药费", 16250))},
        {"items": (("西药费", 16250),)},
        {"lines": ()},
        {"self_fee_fen": 2499},
    ],
    ids=["payers", "order", "items", "details", "own share"],
)
def test_what_does_not_add_up_is_refused(platform: FiscalPlatform, changes: dict[str, Any]) -> None:
    with pytest.raises(IssuerRefused) as refused:
        platform.issue(sheet(**changes))

    assert refused.value.code == "E0003"


def test_a_false_key_is_believed_on_neither_side(sandbox: RunningSandbox) -> None:
    stranger = FiscalPlatform(settings(sandbox, key="guessed"))
    asked = sheet()

    with pytest.raises(IssuerAway, match="not signed"):
        stranger.issue(asked)

    assert all(bill["bus_no"] != asked.bus_no for bill in book(sandbox))


def test_the_signature_is_of_all_parts_in_their_order() -> None:
    assert signature("A", "ZGF0YQ==", "n", "k") == "4573A334C1E87FF6ACCC6C0288220F0F"


def test_a_question_heard_again_is_not_answered(sandbox: RunningSandbox) -> None:
    keys = settings(sandbox)
    envelope = {"appid": keys.appid, "data": "e30=", "noise": "once", "version": "1.0"}
    envelope["sign"] = signature(keys.appid, "e30=", "once", keys.key)
    address = f"{keys.base_url}/medical-web/api/medical/getEBillStatesByBillInfo"

    answers = [requests.post(address, json=envelope, timeout=30).json()["data"] for _ in range(2)]

    assert answers[0] != answers[1]
