"""A day's bills, orders and refunds are found among those of years."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_bill_paid_at", "bill", "paid_at"),
    ("ix_payment_order_paid_at", "payment_order", "paid_at"),
    ("ix_refund_finished_at", "refund", "finished_at"),
)


def upgrade() -> None:
    for name, table, column in INDEXES:
        where = sa.text(f"{column} IS NOT NULL")
        op.create_index(name, table, [column], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for name, table, _ in reversed(INDEXES):
        op.drop_index(name, table)
