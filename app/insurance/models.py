"""The catalogue, the policies, who is covered by which, and how each prescription or fee was divided."""

from __future__ import annotations

import enum
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.insurance.rules import ChargeableClass
from app.insurance.states import SettlementState, SplitState
from app.kernel.db import Fen, PublicRow, Row, choice

_NOT_NEGATIVE = " AND ".join(
    f"{name} >= 0"
    for name in (
        "full_self_fen",
        "over_limit_fen",
        "pre_self_fen",
        "in_scope_fen",
        "deductible_fen",
        "fund_fen",
        "other_fen",
        "account_fen",
        "cash_fen",
    )
)
_RETURNED_WITHIN = " AND ".join(
    f"returned_{payer}_fen BETWEEN 0 AND {payer}_fen" for payer in ("fund", "other", "account")
)
_LIVE_SPLIT = "state IN ('made', 'settled')"
_LIVE_SETTLEMENT = "state IN ('wanted', 'presettled', 'due', 'settling', 'unknown', 'settled')"
_ONE_SUBJECT = "(prescription_id IS NULL) <> (registration_id IS NULL)"
_BY_PAYER = "fund_fen + other_fen + account_fen + cash_fen"
_BY_SCOPE = "full_self_fen + over_limit_fen + pre_self_fen + in_scope_fen"


class SplitSource(enum.StrEnum):
    """Who worked the split out: our own engine, the insurer, or the patient, who chose to pay all of it."""

    ESTIMATE = "estimate"
    INSURER = "insurer"
    SELF = "self"


class CatalogueItem(Row):
    """A drug in the insurance catalogue 医保目录 from a day on; the latest row not after the day of issue counts.

    `code` is the hospital's drug code; the limit price is for one unit; `source` names where the entry comes from.
    """

    __tablename__ = "catalogue_item"
    __table_args__ = (
        UniqueConstraint("code", "valid_from"),
        CheckConstraint(
            "(chargeable_class = 'a' AND self_pay_ratio_bp = 0)"
            " OR (chargeable_class = 'b' AND self_pay_ratio_bp BETWEEN 0 AND 10000)"
            " OR (chargeable_class = 'c' AND self_pay_ratio_bp = 10000)",
            name="ratio_fits_class",
        ),
        CheckConstraint("limit_price_fen >= 0", name="limit_price_not_negative"),
    )

    code: Mapped[str] = mapped_column(String(40))
    chargeable_class: Mapped[ChargeableClass] = mapped_column(choice(ChargeableClass))
    self_pay_ratio_bp: Mapped[int]
    limit_price_fen: Mapped[int | None] = mapped_column(Fen)
    valid_from: Mapped[date]
    source: Mapped[str] = mapped_column(String(120))


class Policy(Row):
    """What one kind of insured person is promised for a calendar year; figures are data, `source` says whose."""

    __tablename__ = "policy"
    __table_args__ = (
        CheckConstraint("fund_ratio_bp BETWEEN 0 AND 10000", name="ratio_within_all"),
        CheckConstraint("deductible_fen >= 0 AND cap_fen >= 0", name="not_negative"),
    )

    code: Mapped[str] = mapped_column(String(24), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    name_en: Mapped[str] = mapped_column(String(80))
    deductible_fen: Mapped[int] = mapped_column(Fen)
    fund_ratio_bp: Mapped[int]
    cap_fen: Mapped[int] = mapped_column(Fen)
    uses_account: Mapped[bool]
    is_insured: Mapped[bool]
    source: Mapped[str] = mapped_column(String(120))


class Coverage(PublicRow):
    """How a patient is insured 参保, and what of it is used in `year`; `version` rises with every change of figures.

    `certificate_kind` is what the number is, as the insurer asks for it: 02 an identity card, 03 an insurance card.
    """

    __tablename__ = "coverage"
    __table_args__ = (
        CheckConstraint(
            "deductible_used_fen >= 0 AND cap_used_fen >= 0 AND account_balance_fen >= 0", name="not_negative"
        ),
    )

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), unique=True)
    policy_code: Mapped[str] = mapped_column(ForeignKey("policy.code"), index=True)
    member_no_sealed: Mapped[str] = mapped_column(String(200))
    certificate_kind: Mapped[str] = mapped_column(String(2), default="03", server_default="03")
    year: Mapped[int]
    deductible_used_fen: Mapped[int] = mapped_column(Fen)
    cap_used_fen: Mapped[int] = mapped_column(Fen)
    account_balance_fen: Mapped[int] = mapped_column(Fen)
    version: Mapped[int] = mapped_column(default=1)
    bound_at: Mapped[datetime]


def _unique_while(name: str, condition: str, *columns: str) -> Index:
    where = text(condition)
    return Index(name, *columns, unique=True, sqlite_where=where, postgresql_where=where)


class Split(PublicRow):
    """How the amount of a prescription or of a registration's fee is divided.

    `rules` are those of the bill, `year` the one whose usage it takes. `root_id` is the split of the bill, when this
    one is of what is left after some of it went back.
    """

    __tablename__ = "split"
    __table_args__ = (
        _unique_while("uq_split_live_prescription", _LIVE_SPLIT, "prescription_id"),
        _unique_while("uq_split_live_registration", _LIVE_SPLIT, "registration_id"),
        CheckConstraint(_ONE_SUBJECT, name="one_subject"),
        CheckConstraint(f"total_fen = {_BY_PAYER}", name="payers_add_up"),
        CheckConstraint(f"total_fen = {_BY_SCOPE}", name="scopes_add_up"),
        CheckConstraint("fund_fen <= in_scope_fen - deductible_fen", name="fund_within_scope"),
        CheckConstraint(_NOT_NEGATIVE, name="not_negative"),
        CheckConstraint(_RETURNED_WITHIN, name="returned_within_settled"),
    )

    prescription_id: Mapped[int | None] = mapped_column(ForeignKey("prescription.id"), index=True)
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id"), index=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    coverage_id: Mapped[int | None] = mapped_column(ForeignKey("coverage.id"), index=True)
    policy_code: Mapped[str] = mapped_column(String(24))
    source: Mapped[SplitSource] = mapped_column(choice(SplitSource), default=SplitSource.ESTIMATE)
    year: Mapped[int]
    state: Mapped[SplitState] = mapped_column(choice(SplitState), default=SplitState.MADE)
    made_at: Mapped[datetime]
    total_fen: Mapped[int] = mapped_column(Fen)
    full_self_fen: Mapped[int] = mapped_column(Fen)
    over_limit_fen: Mapped[int] = mapped_column(Fen)
    pre_self_fen: Mapped[int] = mapped_column(Fen)
    in_scope_fen: Mapped[int] = mapped_column(Fen)
    deductible_fen: Mapped[int] = mapped_column(Fen)
    fund_fen: Mapped[int] = mapped_column(Fen)
    other_fen: Mapped[int] = mapped_column(Fen)
    account_fen: Mapped[int] = mapped_column(Fen)
    cash_fen: Mapped[int] = mapped_column(Fen)
    returned_fund_fen: Mapped[int] = mapped_column(Fen, default=0, server_default="0")
    returned_other_fen: Mapped[int] = mapped_column(Fen, default=0, server_default="0")
    returned_account_fen: Mapped[int] = mapped_column(Fen, default=0, server_default="0")
    root_id: Mapped[int | None] = mapped_column(ForeignKey("split.id"), index=True)
    rules: Mapped[list[Any]]


class SplitLine(Row):
    """One line of a split: `line_no` is the subject's, `chargeable_class` None when no catalogue lists the code.

    `rules` is a list of `{"code": …, "fen": …, facts}`; see `rules.RULE_CODES`.
    """

    __tablename__ = "split_line"
    __table_args__ = (
        UniqueConstraint("split_id", "line_no"),
        CheckConstraint(f"amount_fen = {_BY_PAYER}", name="payers_add_up"),
        CheckConstraint(f"amount_fen = {_BY_SCOPE}", name="scopes_add_up"),
        CheckConstraint("fund_fen <= in_scope_fen - deductible_fen", name="fund_within_scope"),
        CheckConstraint(_NOT_NEGATIVE, name="not_negative"),
    )

    split_id: Mapped[int] = mapped_column(ForeignKey("split.id"), index=True)
    line_no: Mapped[int]
    drug_code: Mapped[str] = mapped_column(String(40))
    drug_name: Mapped[str] = mapped_column(String(120))
    chargeable_class: Mapped[ChargeableClass | None] = mapped_column(choice(ChargeableClass))
    ratio_bp: Mapped[int]
    limit_price_fen: Mapped[int | None] = mapped_column(Fen)
    amount_fen: Mapped[int] = mapped_column(Fen)
    full_self_fen: Mapped[int] = mapped_column(Fen)
    over_limit_fen: Mapped[int] = mapped_column(Fen)
    pre_self_fen: Mapped[int] = mapped_column(Fen)
    in_scope_fen: Mapped[int] = mapped_column(Fen)
    deductible_fen: Mapped[int] = mapped_column(Fen)
    fund_fen: Mapped[int] = mapped_column(Fen)
    other_fen: Mapped[int] = mapped_column(Fen)
    account_fen: Mapped[int] = mapped_column(Fen)
    cash_fen: Mapped[int] = mapped_column(Fen)
    rules: Mapped[list[Any]]


class Settlement(PublicRow):
    """One try to have a prescription or a fee settled by the insurer, under a batch number (chrg_bchno) of its own.

    `message_id` is the number of its one 2207, kept before it is sent; `pay_order_id` names the pay order that settled
    it instead. `half_until` is when it must have come to one end or the other after the patient paid. `flaw` says what
    was wrong with an answer or why the insurer said no; `is_unwanted` that its subject fell while the 2207 was on
    its way. `due_at` is when it is next worked on.

    `cancel_message_id` is the number of its latest 2208. A settlement of what is left of one that was taken back says
    which pieces (`remainder`: [line_no, pieces]) and by which split their bill was opened (`root_split_id`).
    """

    __tablename__ = "settlement"
    __table_args__ = (
        _unique_while("uq_settlement_live", _LIVE_SETTLEMENT, "prescription_id"),
        _unique_while("uq_settlement_live_registration", _LIVE_SETTLEMENT, "registration_id"),
        CheckConstraint(_ONE_SUBJECT, name="one_subject"),
        Index("ix_settlement_due", "state", "due_at"),
        Index("ix_settlement_settled_at", "settled_at"),
    )

    prescription_id: Mapped[int | None] = mapped_column(ForeignKey("prescription.id"), index=True)
    registration_id: Mapped[int | None] = mapped_column(ForeignKey("registration.id"), index=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    coverage_id: Mapped[int] = mapped_column(ForeignKey("coverage.id"), index=True)
    coverage_version: Mapped[int]
    split_id: Mapped[int | None] = mapped_column(ForeignKey("split.id"), unique=True)
    state: Mapped[SettlementState] = mapped_column(choice(SettlementState), default=SettlementState.WANTED)
    batch_no: Mapped[str] = mapped_column(String(26), unique=True)
    psn_no_sealed: Mapped[str] = mapped_column(String(200), default="")
    insutype: Mapped[str] = mapped_column(String(6), default="")
    mdtrt_id: Mapped[str] = mapped_column(String(30), default="")
    message_id: Mapped[str | None] = mapped_column(String(30), unique=True)
    setl_id: Mapped[str | None] = mapped_column(String(30), unique=True)
    cancel_message_id: Mapped[str | None] = mapped_column(String(30), unique=True)
    remainder: Mapped[list[Any] | None] = mapped_column(default=None)
    root_split_id: Mapped[int | None] = mapped_column(ForeignKey("split.id"), index=True)
    pay_order_id: Mapped[str] = mapped_column(String(64), default="")
    flaw: Mapped[str] = mapped_column(String(60), default="")
    is_unwanted: Mapped[bool] = mapped_column(default=False)
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    asked_at: Mapped[datetime]
    presettled_at: Mapped[datetime | None]
    half_until: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]


class SelfPayDecision(enum.StrEnum):
    """What somebody decided about a line that no insurance covers."""

    AGREED = "agreed"
    DECLINED = "declined"


class SelfPayChoice(Row):
    """Somebody agreed to pay a line that no insurance covers, or did not want it: who, when, by which words."""

    __tablename__ = "self_pay_choice"
    __table_args__ = (UniqueConstraint("prescription_id", "line_no", "amount_fen", "decision"),)

    prescription_id: Mapped[int] = mapped_column(ForeignKey("prescription.id"))
    line_no: Mapped[int]
    drug_name: Mapped[str] = mapped_column(String(120))
    amount_fen: Mapped[int] = mapped_column(Fen)
    decision: Mapped[SelfPayDecision] = mapped_column(choice(SelfPayDecision))
    words_version: Mapped[str] = mapped_column(String(16))
    decided_at: Mapped[datetime]
    by_kind: Mapped[str] = mapped_column(String(16))
    by_ref: Mapped[str] = mapped_column(String(64))
