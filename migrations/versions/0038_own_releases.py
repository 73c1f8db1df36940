"""A session can have its own release time, and places that somebody kept by hand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("clinic_session") as session:
        session.add_column(sa.Column("release_at", sa.DateTime(timezone=True), nullable=True))
        session.add_column(sa.Column("is_kept_by_hand", sa.Boolean(), nullable=False, server_default=sa.false()))
        session.create_check_constraint(
            op.f("ck_clinic_session_released_before_it_ends"), "release_at IS NULL OR release_at < ends_at"
        )


def downgrade() -> None:
    with op.batch_alter_table("clinic_session") as session:
        session.drop_constraint(op.f("ck_clinic_session_released_before_it_ends"), type_="check")
        session.drop_column("is_kept_by_hand")
        session.drop_column("release_at")
