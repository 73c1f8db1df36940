"""A visit can be moved: which place it replaces, and how often it was moved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IS_HELD = sa.text("state = 'held'")


def upgrade() -> None:
    with op.batch_alter_table("registration") as registration:
        registration.add_column(sa.Column("replaces_id", KEY, nullable=True))
        registration.add_column(sa.Column("times_moved", KEY, nullable=True))
        registration.create_foreign_key(
            op.f("fk_registration_replaces_id_registration"), "registration", ["replaces_id"], ["id"]
        )
    op.execute("UPDATE registration SET times_moved = 0")
    with op.batch_alter_table("registration") as registration:
        registration.alter_column("times_moved", existing_type=KEY, nullable=False)
    op.create_index(
        "uq_registration_replacing",
        "registration",
        ["replaces_id"],
        unique=True,
        sqlite_where=IS_HELD,
        postgresql_where=IS_HELD,
    )


def downgrade() -> None:
    op.drop_index("uq_registration_replacing", table_name="registration")
    with op.batch_alter_table("registration") as registration:
        registration.drop_constraint(op.f("fk_registration_replaces_id_registration"), type_="foreignkey")
        registration.drop_column("times_moved")
        registration.drop_column("replaces_id")
