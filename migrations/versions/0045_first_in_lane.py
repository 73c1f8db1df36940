"""Which letter is the first of its lane that is still to go is found by an index, however many were sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

IS_TO_GO = sa.text("state IN ('waiting', 'sending')")


def upgrade() -> None:
    op.create_index("ix_outbox_first", "outbox", ["lane", "id"], sqlite_where=IS_TO_GO, postgresql_where=IS_TO_GO)


def downgrade() -> None:
    op.drop_index("ix_outbox_first", "outbox")
