"""Programs of other systems may prove who they are by a key of their own, whose public half is kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_client", sa.Column("public_keys", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    # Who has no secret cannot ask any more, and must be filed anew.
    op.drop_column("api_client", "public_keys")
