"""Our client and the sandbox's mobile payment centre, each with its own SM2: a pay order is paid once, or let go."""

from __future__ import annotations

import dataclasses
import secrets
from typing import Any

import pytest
import requests

from app.couriers.fsi import FsiInsurer
from app.couriers.mobile_insurance import MobilePayCentre
from app.insurance.ports import (
    AnswerFlawed,
    Certificate,
    Claim,
    Graded,
    InsurerAway,
    InsurerRefused,
    PayFactState,
    Sums,
    Visit,
)
from app.kernel.clock import SystemClock
from config import MobileInsuranceSettings
from tests.contracts.test_fsi import asked, card, claim, insurer, used
from tests.sandbox.fixtures import RunningSandbox, free_port

__all__ = ["card", "insurer"]


def settings(sandbox: RunningSandbox, **changes: Any) -> MobileInsuranceSettings:
    env = sandbox.env
    made = MobileInsuranceSettings(
        base_url=env["MIPAY_BASE_URL"],
        org_code=env["FSI_HOSPITAL_CODE"],
        app_id=env["MIPAY_APP_ID"],
        app_secret=env["MIPAY_APP_SECRET"],
        private_key=env["MIPAY_PRIVATE_KEY"],
        public_key=env["MIPAY_PUBLIC_KEY"],
        timeout_seconds=5,
    )
    return dataclasses.replace(made, **changes)


@pytest.fixture
def centre(sandbox: RunningSandbox) -> MobilePayCentre:
    return MobilePayCentre(settings(sandbox), SystemClock())


@dataclasses.dataclass(frozen=True)
class Case:
    claim: Claim
    visit: Visit
    graded: list[Graded]
    quoted: Sums
    number: str


@pytest.fixture
def case(insurer: FsiInsurer, card: Certificate) -> Case:
    """Fees that lie with the insurer, graded and quoted."""
    made = claim(card)
    visit, graded = asked(insurer, made)
    quoted = insurer.presettle(visit, made.batch_no, graded)
    return Case(made, visit, graded, quoted, f"mz{secrets.token_hex(13)}")


def test_a_pay_order_is_paid_once_and_refunded_once(
    sandbox: RunningSandbox, centre: MobilePayCentre, case: Case, card: Certificate
):
    before = used(sandbox, card)
    order = centre.upload(case.visit, case.claim, case.graded, case.number)
    assert centre.query(order, case.quoted).state is PayFactState.UNDER_WAY

    first, second = centre.pay(order, case.quoted), centre.pay(order, case.quoted)
    found = centre.query(order, case.quoted)

    assert first == second == found
    assert (found.state, found.total_fen, found.cash_fen) == (PayFactState.SETTLED, 477_00, case.quoted.cash_fen)
    assert found.setl_id
    assert used(sandbox, card) != before
    for _ in range(2):
        centre.refund(order, f"rf{case.number}", case.quoted)
    assert centre.query(order, case.quoted).state is PayFactState.GONE
    assert used(sandbox, card) == before


def test_the_same_order_number_is_the_same_pay_order_and_needs_its_token(centre: MobilePayCentre, case: Case):
    first = centre.upload(case.visit, case.claim, case.graded, case.number)
    second = centre.upload(case.visit, case.claim, case.graded, case.number)

    assert first == second
    with pytest.raises(InsurerRefused):
        centre.pay(dataclasses.replace(first, pay_token="AUTH0"), case.quoted)
    assert centre.pay(second, case.quoted).state is PayFactState.SETTLED


def test_a_revoked_pay_order_is_not_paid_and_a_paid_one_not_revoked(centre: MobilePayCentre, case: Case):
    order = centre.upload(case.visit, case.claim, case.graded, case.number)
    centre.revoke(order)
    with pytest.raises(InsurerRefused):
        centre.pay(order, case.quoted)
    assert centre.query(order, case.quoted).state is PayFactState.GONE

    other = centre.upload(case.visit, case.claim, case.graded, f"{case.number}2")
    centre.pay(other, case.quoted)
    with pytest.raises(InsurerRefused):
        centre.revoke(other)


def test_fees_that_were_settled_by_the_order_are_not_settled_by_2207_as_well(
    centre: MobilePayCentre, insurer: FsiInsurer, case: Case
):
    centre.pay(centre.upload(case.visit, case.claim, case.graded, case.number), case.quoted)

    with pytest.raises(InsurerRefused):
        insurer.settle(case.visit, case.claim.batch_no, case.graded, insurer.new_message_id())


def test_fees_the_insurer_does_not_have_make_no_pay_order(centre: MobilePayCentre, case: Case):
    unknown = dataclasses.replace(case.claim, batch_no="another")

    with pytest.raises(InsurerRefused):
        centre.upload(case.visit, unknown, case.graded, case.number)


def test_other_sums_than_those_quoted_are_a_flaw(centre: MobilePayCentre, case: Case):
    order = centre.upload(case.visit, case.claim, case.graded, case.number)
    shown = dataclasses.replace(case.quoted, cash_fen=case.quoted.cash_fen - 1, fund_fen=case.quoted.fund_fen + 1)

    with pytest.raises(AnswerFlawed, match="figures_changed"):
        centre.pay(order, shown)


@pytest.mark.parametrize(
    "changes",
    [{"private_key": "2" * 64}, {"app_secret": "0" * 32}, {"app_id": "0" * 32}],
    ids=["another's key", "another secret", "another app"],
)
def test_the_centre_takes_no_envelope_of_a_stranger(sandbox: RunningSandbox, case: Case, changes: dict[str, str]):
    stranger = MobilePayCentre(settings(sandbox, **changes), SystemClock())

    with pytest.raises(InsurerRefused):
        stranger.upload(case.visit, case.claim, case.graded, case.number)


def test_an_answer_signed_by_a_stranger_is_no_answer(sandbox: RunningSandbox, case: Case):
    from app.couriers.sm_envelope import public_of

    deceived = MobilePayCentre(settings(sandbox, public_key=public_of("2" * 64)), SystemClock())

    with pytest.raises(InsurerAway):
        deceived.upload(case.visit, case.claim, case.graded, case.number)


def test_a_centre_that_is_away_leaves_the_outcome_open(sandbox: RunningSandbox, centre: MobilePayCentre, case: Case):
    gone = MobilePayCentre(settings(sandbox, base_url=f"http://127.0.0.1:{free_port()}"), SystemClock())
    requests.post(f"{sandbox.http_url}/sandbox/insurer/switch", json={"mode": "down", "scope": "next"}, timeout=30)

    for each in (centre, gone):
        with pytest.raises(InsurerAway):
            each.upload(case.visit, case.claim, case.graded, case.number)
