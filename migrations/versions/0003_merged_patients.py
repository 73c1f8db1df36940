"""Records that were merged into others, and the numbers by which others know an appointment."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # Plain ALTER TABLE: SQLite would otherwise make these tables anew, which other tables point at.
    op.add_column("patient", sa.Column("merged_into_id", KEY, nullable=True))
    op.create_index(op.f("ix_patient_merged_into_id"), "patient", ["merged_into_id"], unique=False)
    op.add_column("patient_identifier", sa.Column("is_former", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "registration_number",
        sa.Column("registration_id", KEY, nullable=False),
        sa.Column("system", sa.String(length=48), nullable=False),
        sa.Column("value", sa.String(length=80), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_registration_number_registration_id_registration")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registration_number")),
        sa.UniqueConstraint("system", "value", name=op.f("uq_registration_number_system_value")),
    )
    with op.batch_alter_table("registration_number", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_registration_number_registration_id"), ["registration_id"], unique=False)


def downgrade() -> None:
    op.drop_table("registration_number")
    op.drop_column("patient_identifier", "is_former")
    op.drop_index(op.f("ix_patient_merged_into_id"), "patient")
    op.drop_column("patient", "merged_into_id")
