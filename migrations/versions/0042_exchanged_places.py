"""Places that are to take another's, and those of which the hospital system is asked, are found among all the others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

INDEXES = (("ix_registration_replacing", "replaces_id"), ("ix_registration_asked", "asked_at"))


def upgrade() -> None:
    for name, column in INDEXES:
        where = sa.text(f"{column} IS NOT NULL")
        op.create_index(name, "registration", [column], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for name, _ in reversed(INDEXES):
        op.drop_index(name, "registration")
