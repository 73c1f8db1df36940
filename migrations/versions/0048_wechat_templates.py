"""The numbers under which the Official Account knows our messages, every version kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "wechat_template",
        sa.Column("name", sa.String(24), nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("keywords", sa.JSON(), nullable=False),
        sa.Column("fixed", sa.JSON(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_ref", sa.String(64), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_wechat_template_version_counts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_template")),
        sa.UniqueConstraint("name", "version", name=op.f("uq_wechat_template_name_version")),
    )


def downgrade() -> None:
    op.drop_table("wechat_template")
