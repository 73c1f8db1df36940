"""The screen of a lobby has an address that can be replaced."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None

COUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("lobby", sa.Column("screen_no", COUNT, server_default="0", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("lobby") as batch:
        batch.drop_column("screen_no")
