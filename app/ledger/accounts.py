"""The accounts of the ledger and the movements that touch them, on one screen.

A posting above zero is a debit 借, one below zero a credit 贷. Who stands behind an account is its `party`.
"""

from __future__ import annotations

import enum


class Account(enum.StrEnum):
    """Where money is, or to whom it belongs.

    `in_transit` at a payment provider (party: its name), not yet in the hospital's bank; `fund` 统筹基金, `other_fund`
    and `personal_account` 个人账户 are owed by the insurer; `advance` 预收 came in and is not earned (party: patient or
    insurer); `refunds_payable` 应退 is promised back (party: the provider); `income` 医疗收入 (party: what for).
    """

    IN_TRANSIT = "in_transit"
    FUND = "fund"
    OTHER_FUND = "other_fund"
    PERSONAL_ACCOUNT = "personal_account"
    ADVANCE = "advance"
    REFUNDS_PAYABLE = "refunds_payable"
    INCOME = "income"


class Movement(enum.StrEnum):
    """What happened; a thing moves so once, so the journal's `subject_id` (an order, split, bill, refund) is unique."""

    RECEIVE = "receive"
    INSURE = "insure"
    UNINSURE = "uninsure"
    EARN = "earn"
    GIVE_BACK = "give_back"
    ARRIVE_BACK = "arrive_back"


PATIENT, INSURER = "patient", "insurer"
# The column of a bill, a split or a refund that each part of the insurer's stands in.
INSURED = {
    "fund_fen": Account.FUND,
    "other_fen": Account.OTHER_FUND,
    "account_fen": Account.PERSONAL_ACCOUNT,
}
