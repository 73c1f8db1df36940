"""What a ticket was before the last deed, so that it can be taken back for a minute."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("ticket") as ticket:
        ticket.add_column(sa.Column("before", sa.JSON(), nullable=False, server_default="{}"))
        ticket.add_column(sa.Column("deed_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("ticket") as ticket:
        ticket.drop_column("deed_at")
        ticket.drop_column("before")
