"""Orders of which nobody told us the end are found among those of years by an index of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

IS_UNSURE = sa.text("(state IN ('created', 'asked', 'unknown', 'mismatch') OR (state = 'paid' AND NOT settles_bill))")


def upgrade() -> None:
    op.create_index(
        "ix_payment_order_unsure",
        "payment_order",
        ["query_due_at"],
        sqlite_where=IS_UNSURE,
        postgresql_where=IS_UNSURE,
    )


def downgrade() -> None:
    op.drop_index("ix_payment_order_unsure", "payment_order")
