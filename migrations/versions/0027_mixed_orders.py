"""Insured bills are settled and paid in one go on the phone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
BEFORE = ("jsapi", "native", "cash", "card", "wap")


def upgrade() -> None:
    _pay_by((*BEFORE, "mixed"))
    op.add_column("settlement", sa.Column("pay_order_id", sa.String(length=64), nullable=False, server_default=""))
    with op.batch_alter_table("settlement") as settlement:
        settlement.alter_column("pay_order_id", server_default=None)
    op.create_table(
        "mixed_order",
        sa.Column("payment_order_id", KEY, nullable=False),
        sa.Column("split_id", KEY, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "created",
                "placed",
                "unknown",
                "paid",
                "failed",
                name="mixedorderstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("pay_order_id", sa.String(length=64), nullable=False),
        sa.Column("pay_token_sealed", sa.String(length=200), nullable=False),
        sa.Column("mix_trade_no", sa.String(length=64), nullable=True),
        sa.Column("asked_until", AT, nullable=True),
        sa.Column("query_due_at", AT, nullable=False),
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.ForeignKeyConstraint(
            ["payment_order_id"], ["payment_order.id"], name=op.f("fk_mixed_order_payment_order_id_payment_order")
        ),
        sa.ForeignKeyConstraint(["split_id"], ["split.id"], name=op.f("fk_mixed_order_split_id_split")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mixed_order")),
        sa.UniqueConstraint("mix_trade_no", name=op.f("uq_mixed_order_mix_trade_no")),
        sa.UniqueConstraint("payment_order_id", name=op.f("uq_mixed_order_payment_order_id")),
    )
    op.create_index("ix_mixed_order_due", "mixed_order", ["state", "query_due_at"])
    op.create_index(op.f("ix_mixed_order_split_id"), "mixed_order", ["split_id"])


def downgrade() -> None:
    op.drop_table("mixed_order")
    with op.batch_alter_table("settlement") as settlement:
        settlement.drop_column("pay_order_id")
    _pay_by(BEFORE)


def _pay_by(words: tuple[str, ...]) -> None:
    """Orders and entries may be paid by these methods; rows paid by another one stop the way back, as they must."""
    listed = ", ".join(f"'{word}'" for word in words)
    for table in ("payment_order", "cashier_entry"):
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(op.f(f"ck_{table}_paymethod"), type_="check")
            batch.create_check_constraint(op.f(f"ck_{table}_paymethod"), f"method IN ({listed})")
