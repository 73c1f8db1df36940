"""Settled messages can be emptied: when it was done, by what they are known again, and indexes of what is due."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

RECEIVED_FULL = sa.text("state <> 'received' AND state <> 'refused' AND emptied_at IS NULL")
TOLD_FULL = sa.text("state = 'sent' AND (body IS NOT NULL OR answer IS NOT NULL)")


def upgrade() -> None:
    op.add_column("inbox", sa.Column("emptied_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("inbox", sa.Column("digest", sa.String(64), nullable=True))
    op.add_column("outbox", sa.Column("emptied_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_inbox_to_empty", "inbox", ["done_at"], sqlite_where=RECEIVED_FULL, postgresql_where=RECEIVED_FULL
    )
    op.create_index("ix_outbox_to_empty", "outbox", ["sent_at"], sqlite_where=TOLD_FULL, postgresql_where=TOLD_FULL)
    op.create_index(op.f("ix_phone_code_expires_at"), "phone_code", ["expires_at"])
    op.create_index(op.f("ix_login_session_ends_at"), "login_session", ["ends_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_login_session_ends_at"), "login_session")
    op.drop_index(op.f("ix_phone_code_expires_at"), "phone_code")
    op.drop_index("ix_outbox_to_empty", "outbox")
    op.drop_index("ix_inbox_to_empty", "inbox")
    op.drop_column("outbox", "emptied_at")
    op.drop_column("inbox", "digest")
    op.drop_column("inbox", "emptied_at")
