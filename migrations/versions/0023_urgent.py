"""What a patient waits for on the phone is told first; who refuses a booking, and who is asked before, is agreed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

URGENT = sa.text("is_urgent AND state <> 'sent'")


def upgrade() -> None:
    op.add_column("outbox", sa.Column("is_urgent", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(
        "ix_outbox_urgent", "outbox", ["topic", "due_at"], sqlite_where=URGENT, postgresql_where=URGENT
    )
    policy = sa.Enum("person", "give_back", name="refusedbooking", native_enum=False, create_constraint=True, length=32)
    with op.batch_alter_table("hl7_peer") as peer:
        peer.add_column(sa.Column("refused_booking", policy, nullable=False, server_default="person"))
        peer.add_column(sa.Column("is_asked_first", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    with op.batch_alter_table("hl7_peer") as peer:
        peer.drop_constraint(op.f("ck_hl7_peer_refusedbooking"), type_="check")
        peer.drop_column("is_asked_first")
        peer.drop_column("refused_booking")
    op.drop_index("ix_outbox_urgent", table_name="outbox")
    with op.batch_alter_table("outbox") as outbox:
        outbox.drop_column("is_urgent")
