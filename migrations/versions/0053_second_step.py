"""Staff may log in with a second step: six digits of their own phone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("staff", sa.Column("needs_second_step", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("staff", sa.Column("has_second_step", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("staff", sa.Column("second_step_key_sealed", sa.String(200), nullable=False, server_default=""))
    op.add_column("staff", sa.Column("second_step_used", KEY, nullable=False, server_default="0"))
    op.add_column("login_session", sa.Column("took_second_step", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    op.drop_column("login_session", "took_second_step")
    for name in ("second_step_used", "second_step_key_sealed", "has_second_step", "needs_second_step"):
        op.drop_column("staff", name)
