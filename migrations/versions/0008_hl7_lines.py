"""The lines to HL7 receivers and whether they are broken, and an index of what the outbox still has to tell."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NOT_SENT = sa.text("state <> 'sent'")


def upgrade() -> None:
    op.create_table(
        "hl7_line",
        sa.Column("peer", sa.String(length=48), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "whole", "broken", "trying", name="linestate", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("failures", KEY, nullable=False),
        sa.Column("away_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(length=64), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_hl7_line_failures")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hl7_line")),
        sa.UniqueConstraint("peer", name=op.f("uq_hl7_line_peer")),
    )
    op.create_index("ix_outbox_open", "outbox", ["topic", "state"], sqlite_where=NOT_SENT, postgresql_where=NOT_SENT)


def downgrade() -> None:
    op.drop_index("ix_outbox_open", "outbox")
    op.drop_table("hl7_line")
