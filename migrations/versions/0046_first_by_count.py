"""The first letter of each lane is found by reading what is to go once: no index of its own is needed for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

IS_TO_GO = sa.text("state IN ('waiting', 'sending')")


def upgrade() -> None:
    op.drop_index("ix_outbox_first", "outbox")


def downgrade() -> None:
    op.create_index("ix_outbox_first", "outbox", ["lane", "id"], sqlite_where=IS_TO_GO, postgresql_where=IS_TO_GO)
