"""Who has verified that a patient is who the record says, and since when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    proof = sa.Enum(
        *("unverified", "desk", "hospital"), name="identityproof", native_enum=False, create_constraint=True, length=32
    )
    with op.batch_alter_table("patient") as patient:
        patient.add_column(sa.Column("proof", proof, nullable=False, server_default="unverified"))
        patient.add_column(sa.Column("proven_at", sa.DateTime(timezone=True), nullable=True))
        patient.create_check_constraint(
            op.f("ck_patient_proven_since_some_time"), "(proof = 'unverified') = (proven_at IS NULL)"
        )


def downgrade() -> None:
    with op.batch_alter_table("patient") as patient:
        patient.drop_constraint(op.f("ck_patient_proven_since_some_time"), type_="check")
        patient.drop_constraint(op.f("ck_patient_identityproof"), type_="check")
        patient.drop_column("proven_at")
        patient.drop_column("proof")
