"""A reference range may be longer: laboratories write a line for each phase of a cycle, or for each age."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("observation") as observation:
        observation.alter_column("reference_range", existing_type=sa.String(80), type_=sa.String(400), nullable=False)


def downgrade() -> None:
    op.execute("UPDATE observation SET reference_range = substr(reference_range, 1, 80)")
    with op.batch_alter_table("observation") as observation:
        observation.alter_column("reference_range", existing_type=sa.String(400), type_=sa.String(80), nullable=False)
