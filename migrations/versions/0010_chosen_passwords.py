"""Whoever was given a password by somebody else chooses another at the first log-in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("staff") as staff:
        staff.add_column(sa.Column("must_choose_password", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("staff") as staff:
        staff.alter_column("must_choose_password", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("staff") as staff:
        staff.drop_column("must_choose_password")
