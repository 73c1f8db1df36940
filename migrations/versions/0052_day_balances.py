"""The balances of closed days are kept, so that the trial balance need not add up all history at each look."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ACCOUNTS = ("in_transit", "fund", "other_fund", "personal_account", "advance", "refunds_payable", "income")


def upgrade() -> None:
    account = sa.Enum(*ACCOUNTS, name="account", native_enum=False, create_constraint=True, length=32)
    op.create_table(
        "ledger_day_balance",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("account", account, nullable=False),
        sa.Column("party", sa.String(length=16), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_day_balance")),
        sa.UniqueConstraint("day", "account", "party", name=op.f("uq_ledger_day_balance_day_account_party")),
    )


def downgrade() -> None:
    op.drop_table("ledger_day_balance")
