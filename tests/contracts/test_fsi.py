"""Our insurance client and the sandbox insurer, over HTTP with signatures checked: settled once, taken back, undone."""

from __future__ import annotations

import dataclasses
import secrets
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from app.couriers import fsi_answers as answers
from app.couriers.fsi import FsiInsurer
from app.insurance.ports import (
    AnswerFlawed,
    Certificate,
    Claim,
    Fee,
    Graded,
    InsurerAway,
    InsurerRefused,
    Visit,
)
from app.kernel.clock import SystemClock
from config import FsiSettings
from tests.sandbox.fixtures import RunningSandbox


def settings(sandbox: RunningSandbox, **changes: Any) -> FsiSettings:
    env = sandbox.env
    made = FsiSettings(
        base_url=env["FSI_BASE_URL"],
        paasid=env["FSI_PAASID"],
        token=env["FSI_TOKEN"],
        hospital_code=env["FSI_HOSPITAL_CODE"],
        timeout_seconds=5,
    )
    return dataclasses.replace(made, **changes)


@pytest.fixture
def insurer(sandbox: RunningSandbox) -> FsiInsurer:
    return FsiInsurer(settings(sandbox), SystemClock())


@pytest.fixture
def card(sandbox: RunningSandbox) -> Certificate:
    """A working employee with 30.00 in the account and nothing used this year."""
    number = f"C{secrets.randbelow(10**11):011d}"
    order = {"card_no": number, "policy": "employee", "name": "赵安", "balance_fen": 30_00}
    requests.post(f"{sandbox.http_url}/sandbox/insurer/people", json=order, timeout=30).raise_for_status()
    return Certificate("03", number, "赵安")


def claim(card: Certificate) -> Claim:
    """Amlodipine 338.00 (A), omeprazole-like B 100.00, vitamin C 39.00 (C): 477.00."""
    batch = secrets.token_hex(8)
    fees = (
        Fee(f"{batch}1", "AML5", "氨氯地平", 338_00, 20, 16_90),
        Fee(f"{batch}2", "OME20", "奥美拉唑", 100_00, 4, 25_00),
        Fee(f"{batch}3", "VITC", "维生素C", 39_00, 1, 39_00),
    )
    begun = datetime(2026, 11, 23, 1, 20, tzinfo=UTC)
    return Claim(card, batch, batch, "D001", "张伟", "GI", "K29.7", "慢性胃炎", begun, fees)


def asked(insurer: FsiInsurer, made: Claim) -> tuple[Visit, list[Graded]]:
    visit = insurer.register(insurer.identify(made.certificate), made)
    insurer.diagnose(visit, made)
    return visit, list(insurer.upload(visit, made))


def used(sandbox: RunningSandbox, card: Certificate) -> tuple[int, int, int]:
    books = requests.get(f"{sandbox.http_url}/sandbox/insurer/books", timeout=30).json()
    row = next(each for each in books["people"] if each["card_no"] == card.number)
    return row["deductible"], row["fund"], row["balance"]


def switch(sandbox: RunningSandbox, mode: str, seconds: float = 0) -> None:
    order = {"mode": mode, "scope": "next", "seconds": seconds}
    requests.post(f"{sandbox.http_url}/sandbox/insurer/switch", json=order, timeout=30).raise_for_status()


def test_a_visit_is_settled_as_it_was_quoted_and_taken_back(
    sandbox: RunningSandbox, insurer: FsiInsurer, card: Certificate
) -> None:
    made = claim(card)
    visit, graded = asked(insurer, made)

    quoted = insurer.presettle(visit, made.batch_no, graded)
    settled = insurer.settle(visit, made.batch_no, graded, insurer.new_message_id())

    assert (settled.total_fen, settled.full_self_fen, settled.pre_self_fen, settled.in_scope_fen) == (
        477_00,
        39_00,
        10_00,
        428_00,
    )
    assert (settled.deductible_fen, settled.fund_fen, settled.account_fen, settled.cash_fen) == (
        200_00,
        136_80,
        30_00,
        310_20,
    )
    assert dataclasses.replace(settled, setl_id="") == quoted
    assert quoted.settled_at is None
    assert settled.settled_at is not None
    assert abs((datetime.now(UTC) - settled.settled_at).total_seconds()) < 60, "by the insurer's own clock"
    assert used(sandbox, card) == (200_00, 136_80, 0)
    number = insurer.new_message_id()
    for _ in range(2):
        insurer.cancel(visit, settled.setl_id, number)
    assert used(sandbox, card) == (0, 0, 30_00)
    with pytest.raises(InsurerRefused):
        insurer.cancel(visit, settled.setl_id, insurer.new_message_id())


def test_a_reversal_whose_answer_is_lost_is_undone_and_the_settlement_stands(
    sandbox: RunningSandbox, card: Certificate
) -> None:
    hasty = FsiInsurer(settings(sandbox, timeout_seconds=1), SystemClock())
    made = claim(card)
    visit, graded = asked(hasty, made)
    settled = hasty.settle(visit, made.batch_no, graded, hasty.new_message_id())
    number = hasty.new_message_id()
    switch(sandbox, "late", 2)

    with pytest.raises(InsurerAway):
        hasty.cancel(visit, settled.setl_id, number)

    assert used(sandbox, card) == (0, 0, 30_00)
    for _ in range(2):
        hasty.undo_cancel(visit, number)
    assert used(sandbox, card) == (200_00, 136_80, 0)
    with pytest.raises(InsurerRefused):
        hasty.cancel(visit, settled.setl_id, number)
    hasty.cancel(visit, settled.setl_id, hasty.new_message_id())
    assert used(sandbox, card) == (0, 0, 30_00)


def test_the_same_message_settles_once_and_another_is_refused(
    sandbox: RunningSandbox, insurer: FsiInsurer, card: Certificate
) -> None:
    made = claim(card)
    visit, graded = asked(insurer, made)
    message_id = insurer.new_message_id()

    first = insurer.settle(visit, made.batch_no, graded, message_id)

    assert insurer.settle(visit, made.batch_no, graded, message_id) == first
    with pytest.raises(InsurerRefused):
        insurer.settle(visit, made.batch_no, graded, insurer.new_message_id())
    assert used(sandbox, card) == (200_00, 136_80, 0)


def test_a_settlement_whose_answer_is_lost_is_undone_by_its_message(sandbox: RunningSandbox, card: Certificate) -> None:
    hasty = FsiInsurer(settings(sandbox, timeout_seconds=1), SystemClock())
    made = claim(card)
    visit, graded = asked(hasty, made)
    message_id = hasty.new_message_id()
    switch(sandbox, "late", 2)

    with pytest.raises(InsurerAway):
        hasty.settle(visit, made.batch_no, graded, message_id)

    assert used(sandbox, card) == (200_00, 136_80, 0)
    hasty.undo(visit, message_id)
    assert used(sandbox, card) == (0, 0, 30_00)
    with pytest.raises(InsurerRefused):
        hasty.settle(visit, made.batch_no, graded, message_id)


@pytest.mark.parametrize(
    ("mode", "flaw"), [("wrong_sum", "I3"), ("wrong_person", "psn_no")], ids=["sums that differ", "another person"]
)
def test_a_false_answer_is_not_believed(
    sandbox: RunningSandbox, insurer: FsiInsurer, card: Certificate, mode: str, flaw: str
) -> None:
    made = claim(card)
    visit, graded = asked(insurer, made)
    switch(sandbox, mode)

    with pytest.raises(AnswerFlawed) as found:
        insurer.presettle(visit, made.batch_no, graded)

    assert found.value.flaw == flaw


def test_an_answer_to_another_message_is_no_answer(
    sandbox: RunningSandbox, insurer: FsiInsurer, card: Certificate
) -> None:
    made = claim(card)
    visit, graded = asked(insurer, made)
    switch(sandbox, "twice")

    with pytest.raises(InsurerAway):
        insurer.presettle(visit, made.batch_no, graded)


def test_an_insurer_that_is_down_is_away(sandbox: RunningSandbox, insurer: FsiInsurer, card: Certificate) -> None:
    switch(sandbox, "down")

    with pytest.raises(InsurerAway):
        insurer.identify(card)


def test_a_false_token_is_turned_away(sandbox: RunningSandbox, card: Certificate) -> None:
    stranger = FsiInsurer(settings(sandbox, token="guessed"), SystemClock())

    with pytest.raises(InsurerAway, match="401"):
        stranger.identify(card)


def test_somebody_unknown_is_refused(insurer: FsiInsurer) -> None:
    with pytest.raises(InsurerRefused):
        insurer.identify(Certificate("03", "C99999999999", "无名"))


def test_uploaded_fees_can_be_withdrawn_and_the_visit_cancelled(insurer: FsiInsurer, card: Certificate) -> None:
    made = claim(card)
    visit, graded = asked(insurer, made)

    insurer.withdraw(visit)

    with pytest.raises(InsurerRefused):
        insurer.presettle(visit, made.batch_no, graded)
    insurer.cancel_register(visit, made.visit_no)
    with pytest.raises(InsurerRefused):
        insurer.upload(visit, made)


LINE = Graded("1", 200_00, 40_00, 0, 10_00, 150_00)
VISIT = Visit("P1", "310", "M1", Certificate("03", "C1", "赵安"))
GOOD = {
    "psn_no": "P1",
    "mdtrt_id": "M1",
    "medfee_sumamt": "200.00",
    "fulamt_ownpay_amt": "40",
    "preselfpay_amt": "10.00",
    "inscp_scp_amt": "150.0",
    "act_pay_dedc": "20.00",
    "hifp_pay": "78.00",
    "fund_pay_sumamt": "78.00",
    "psn_part_amt": "122.00",
    "acct_pay": "30.00",
    "psn_cash_pay": "92.00",
}


def read(**changes: object) -> Any:
    told = {"setlinfo": {**GOOD, **changes}, "setldetail": [{"fund_payamt": "78.00"}]}
    return answers.sums(told, VISIT, [LINE])


def test_the_constructed_bill_is_read_to_the_fen() -> None:
    made = read()

    assert (made.fund_fen, made.account_fen, made.cash_fen) == (78_00, 30_00, 92_00)


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({"medfee_sumamt": "200.01"}, "I1"),
        ({"preselfpay_amt": "9.99"}, "I2"),
        ({"hifp_pay": "77.99"}, "I3"),
        ({"psn_part_amt": "121.99"}, "I4"),
        ({"hosp_part_amt": "0.01"}, "I4"),
        ({"psn_cash_pay": "92.01"}, "I5"),
        ({"psn_cash_pay": "92.001"}, "psn_cash_pay"),
        ({"psn_cash_pay": "-92.00"}, "psn_cash_pay"),
        ({"psn_cash_pay": ["92.00"]}, "psn_cash_pay"),
        ({"mdtrt_id": "M2"}, "mdtrt_id"),
        ({"psn_no": None}, "psn_no"),
    ],
)
def test_what_does_not_add_up_is_named(changes: dict[str, object], flaw: str) -> None:
    with pytest.raises(AnswerFlawed) as found:
        read(**changes)

    assert found.value.flaw == flaw
