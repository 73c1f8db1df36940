"""Insurance settles the fee of a registration too: a split and a settlement are of one or the other."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ONE_SUBJECT = "(prescription_id IS NULL) <> (registration_id IS NULL)"
LIVE = {
    "split": ("uq_split_live_registration", sa.text("state IN ('made', 'settled')")),
    "settlement": (
        "uq_settlement_live_registration",
        sa.text("state IN ('wanted', 'presettled', 'due', 'settling', 'unknown', 'settled')"),
    ),
}


def upgrade() -> None:
    op.add_column("registration", sa.Column("fee_is_insured", sa.Boolean(), nullable=False, server_default=sa.false()))
    for name, (live, where) in LIVE.items():
        with op.batch_alter_table(name) as table:
            table.alter_column("prescription_id", existing_type=KEY, nullable=True)
            table.add_column(sa.Column("registration_id", KEY, nullable=True))
            table.create_foreign_key(
                op.f(f"fk_{name}_registration_id_registration"), "registration", ["registration_id"], ["id"]
            )
            table.create_check_constraint(op.f(f"ck_{name}_one_subject"), ONE_SUBJECT)
        op.create_index(op.f(f"ix_{name}_registration_id"), name, ["registration_id"])
        op.create_index(live, name, ["registration_id"], unique=True, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for name, (live, _) in LIVE.items():
        op.drop_index(live, name)
        op.drop_index(op.f(f"ix_{name}_registration_id"), name)
        with op.batch_alter_table(name) as table:
            table.drop_constraint(op.f(f"ck_{name}_one_subject"), type_="check")
            table.drop_constraint(op.f(f"fk_{name}_registration_id_registration"), type_="foreignkey")
            table.drop_column("registration_id")
            table.alter_column("prescription_id", existing_type=KEY, nullable=False)
    op.drop_column("registration", "fee_is_insured")
