"""The history of states is in the sealed chain: each seal says up to which move it goes, and the head there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("audit_seal", sa.Column("last_move_id", KEY, nullable=False, server_default="0"))
    op.add_column("audit_seal", sa.Column("moves", KEY, nullable=False, server_default="0"))
    op.add_column("audit_seal", sa.Column("moves_head", sa.String(64), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("audit_seal", "moves_head")
    op.drop_column("audit_seal", "moves")
    op.drop_column("audit_seal", "last_move_id")
