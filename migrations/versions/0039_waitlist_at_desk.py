"""Somebody without a phone waits too: an entry of the waiting list that the desk made has no account."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT_DESK = "(SELECT id FROM waitlist_entry WHERE account_id IS NULL)"


def upgrade() -> None:
    with op.batch_alter_table("waitlist_entry") as entry:
        entry.alter_column("account_id", existing_type=KEY, nullable=True)


def downgrade() -> None:
    op.execute(f"DELETE FROM waitlist_offer WHERE entry_id IN {AT_DESK}")  # noqa: S608 - a name from this file
    op.execute("DELETE FROM waitlist_entry WHERE account_id IS NULL")
    with op.batch_alter_table("waitlist_entry") as entry:
        entry.alter_column("account_id", existing_type=KEY, nullable=False)
