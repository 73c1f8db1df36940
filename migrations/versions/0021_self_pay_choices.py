"""What patients agreed to pay alone, or did not want, with who said so and by which words."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    decision = sa.Enum(
        "agreed", "declined", name="selfpaydecision", native_enum=False, create_constraint=True, length=32
    )
    op.create_table(
        "self_pay_choice",
        sa.Column("prescription_id", KEY, nullable=False),
        sa.Column("line_no", KEY, nullable=False),
        sa.Column("drug_name", sa.String(length=120), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("decision", decision, nullable=False),
        sa.Column("words_version", sa.String(length=16), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_kind", sa.String(length=16), nullable=False),
        sa.Column("by_ref", sa.String(length=64), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["prescription_id"], ["prescription.id"], name=op.f("fk_self_pay_choice_prescription_id_prescription")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_self_pay_choice")),
        sa.UniqueConstraint(
            "prescription_id",
            "line_no",
            "amount_fen",
            "decision",
            name=op.f("uq_self_pay_choice_prescription_id_line_no_amount_fen_decision"),
        ),
    )


def downgrade() -> None:
    op.drop_table("self_pay_choice")
