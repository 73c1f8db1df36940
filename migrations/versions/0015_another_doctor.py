"""Doctors who stand in for others, and places that the hospital took back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
PLANNED = "planned_practitioner_id"


def upgrade() -> None:
    with op.batch_alter_table("clinic_session") as session:
        session.add_column(sa.Column(PLANNED, KEY, nullable=True))
        session.add_column(sa.Column("substituted_at", INSTANT, nullable=True))
        session.create_foreign_key(
            op.f("fk_clinic_session_planned_practitioner_id_practitioner"), "practitioner", [PLANNED], ["id"]
        )
        session.create_check_constraint(
            op.f("ck_clinic_session_substituted_since_some_time"),
            "(planned_practitioner_id IS NULL) = (substituted_at IS NULL)",
        )
    op.create_index(op.f("ix_clinic_session_planned_practitioner_id"), "clinic_session", [PLANNED], unique=False)
    op.create_table(
        "lost_place",
        sa.Column("registration_id", KEY, nullable=False),
        sa.Column("patient_id", KEY, nullable=False),
        sa.Column("practitioner_id", KEY, nullable=False),
        sa.Column("department_id", KEY, nullable=False),
        sa.Column("lost_at", INSTANT, nullable=False),
        sa.Column("found_id", KEY, nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_lost_place_registration_id_registration")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_lost_place_patient_id_patient")),
        sa.ForeignKeyConstraint(
            ["practitioner_id"], ["practitioner.id"], name=op.f("fk_lost_place_practitioner_id_practitioner")
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_lost_place_department_id_department")
        ),
        sa.ForeignKeyConstraint(["found_id"], ["registration.id"], name=op.f("fk_lost_place_found_id_registration")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lost_place")),
        sa.UniqueConstraint("registration_id", name=op.f("uq_lost_place_registration_id")),
        sa.UniqueConstraint("found_id", name=op.f("uq_lost_place_found_id")),
    )
    op.create_index(op.f("ix_lost_place_patient_id"), "lost_place", ["patient_id"], unique=False)


def downgrade() -> None:
    op.drop_table("lost_place")
    op.drop_index(op.f("ix_clinic_session_planned_practitioner_id"), table_name="clinic_session")
    with op.batch_alter_table("clinic_session") as session:
        session.drop_constraint(op.f("ck_clinic_session_substituted_since_some_time"), type_="check")
        session.drop_constraint(op.f("fk_clinic_session_planned_practitioner_id_practitioner"), type_="foreignkey")
        session.drop_column("substituted_at")
        session.drop_column(PLANNED)
