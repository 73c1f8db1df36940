"""A system that speaks HL7 can be bound to the name in its certificate."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("hl7_peer", sa.Column("certificate", sa.String(length=253), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("hl7_peer") as peer:
        peer.drop_column("certificate")
