"""A day is signed off, once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "day_signature",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("signed_by", KEY, nullable=False),
        sa.Column("signed_name", sa.String(60), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.String(200), nullable=False),
        sa.Column("drawers_off_fen", sa.BigInteger(), nullable=False),
        sa.Column("totals", sa.JSON(), nullable=False),
        sa.Column("left_open", sa.JSON(), nullable=False),
        sa.Column("carried", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("public_id", sa.String(26), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.CheckConstraint("drawers_off_fen = 0 OR note <> ''", name=op.f("ck_day_signature_off_drawer_says_why")),
        sa.ForeignKeyConstraint(["signed_by"], ["staff.id"], name=op.f("fk_day_signature_signed_by_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_day_signature")),
        sa.UniqueConstraint("day", name=op.f("uq_day_signature_day")),
        sa.UniqueConstraint("public_id", name=op.f("uq_day_signature_public_id")),
    )
    op.create_index(op.f("ix_day_signature_signed_by"), "day_signature", ["signed_by"])


def downgrade() -> None:
    op.drop_index(op.f("ix_day_signature_signed_by"), "day_signature")
    op.drop_table("day_signature")
