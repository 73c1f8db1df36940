"""A settlement is taken back one 2208 at a time; what is left of it is settled anew; refunds wait for both."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PAYERS = ("fund", "other", "account", "cash")
STRICT_LINE = "refunded_quantity BETWEEN 0 AND quantity AND " + " AND ".join(
    f"refunded_{payer}_fen BETWEEN 0 AND {payer}_fen" for payer in PAYERS
)
LINE = (
    "refunded_quantity BETWEEN 0 AND quantity AND refunded_fund_fen <= fund_fen AND refunded_other_fen <= other_fen"
    " AND refunded_account_fen <= account_fen AND refunded_cash_fen <= cash_fen"
    " AND refunded_fund_fen + refunded_other_fen + refunded_account_fen + refunded_cash_fen >= 0"
)
SETTLEMENT_STATES = (
    "wanted", "presettled", "due", "settling", "unknown", "undoing", "settled", "reversing", "reversed", "withdrawing",
    "withdrawn", "held", "failed",
)
GOING_BACK = ("taking_back", "doubtful", "stuck")
REFUND_STATES = ("requested", "sent", "succeeded", "failed")
WITH_INSURER = ("reversing", "resettling")


def _states(table: str, kind: str, states: tuple[str, ...]) -> None:
    with op.batch_alter_table(table) as batch:
        batch.drop_constraint(op.f(f"ck_{table}_{kind}"), type_="check")
        batch.create_check_constraint(op.f(f"ck_{table}_{kind}"), "state IN (%s)" % ", ".join(f"'{s}'" for s in states))


def _line_checks(line: str, quantity: str, shares: str, *, old: str, new: str) -> None:
    with op.batch_alter_table("bill_line") as batch:
        batch.drop_constraint(op.f("ck_bill_line_refunded_within_paid"), type_="check")
        batch.create_check_constraint(op.f("ck_bill_line_refunded_within_paid"), line)
    with op.batch_alter_table("refund_line") as batch:
        batch.drop_constraint(op.f(f"ck_refund_line_{old}"), type_="check")
        batch.drop_constraint(op.f("ck_refund_line_parts_not_negative"), type_="check")
        batch.create_check_constraint(op.f(f"ck_refund_line_{new}"), quantity)
        batch.create_check_constraint(op.f("ck_refund_line_parts_not_negative"), shares)


def upgrade() -> None:
    with op.batch_alter_table("split") as split:
        split.add_column(sa.Column("root_id", KEY, nullable=True))
        split.create_foreign_key(op.f("fk_split_root_id_split"), "split", ["root_id"], ["id"])
        split.create_index(op.f("ix_split_root_id"), ["root_id"])
    with op.batch_alter_table("settlement") as settlement:
        settlement.add_column(sa.Column("cancel_message_id", sa.String(30), nullable=True))
        settlement.add_column(sa.Column("remainder", sa.JSON(), nullable=True))
        settlement.add_column(sa.Column("root_split_id", KEY, nullable=True))
        settlement.create_unique_constraint(op.f("uq_settlement_cancel_message_id"), ["cancel_message_id"])
        settlement.create_foreign_key(op.f("fk_settlement_root_split_id_split"), "split", ["root_split_id"], ["id"])
        settlement.create_index(op.f("ix_settlement_root_split_id"), ["root_split_id"])
    _states("settlement", "settlementstate", SETTLEMENT_STATES + GOING_BACK)
    with op.batch_alter_table("refund") as refund:
        refund.add_column(sa.Column("resettles", sa.Boolean(), server_default=sa.false(), nullable=False))
    _states("refund", "refundstate", REFUND_STATES + WITH_INSURER)
    shares = " + ".join(f"{payer}_fen" for payer in PAYERS) + " >= 0"
    _line_checks(LINE, "quantity >= 0", shares, old="quantity_positive", new="quantity_not_negative")


def downgrade() -> None:
    shares = " AND ".join(f"{payer}_fen >= 0" for payer in PAYERS)
    _line_checks(STRICT_LINE, "quantity > 0", shares, old="quantity_not_negative", new="quantity_positive")
    op.execute("UPDATE refund SET state = 'requested' WHERE state IN ('reversing', 'resettling')")
    _states("refund", "refundstate", REFUND_STATES)
    with op.batch_alter_table("refund") as refund:
        refund.drop_column("resettles")
    op.execute("UPDATE settlement SET state = 'reversing' WHERE state IN ('taking_back', 'doubtful', 'stuck')")
    _states("settlement", "settlementstate", SETTLEMENT_STATES)
    with op.batch_alter_table("settlement") as settlement:
        settlement.drop_index(op.f("ix_settlement_root_split_id"))
        settlement.drop_constraint(op.f("fk_settlement_root_split_id_split"), type_="foreignkey")
        settlement.drop_constraint(op.f("uq_settlement_cancel_message_id"), type_="unique")
        settlement.drop_column("root_split_id")
        settlement.drop_column("remainder")
        settlement.drop_column("cancel_message_id")
    with op.batch_alter_table("split") as split:
        split.drop_index(op.f("ix_split_root_id"))
        split.drop_constraint(op.f("fk_split_root_id_split"), type_="foreignkey")
        split.drop_column("root_id")
