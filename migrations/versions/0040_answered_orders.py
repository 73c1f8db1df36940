"""Orders can be answered order by order, as agreed with each system."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("hl7_peer", sa.Column("answers_orders", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    with op.batch_alter_table("hl7_peer") as peer:
        peer.drop_column("answers_orders")
