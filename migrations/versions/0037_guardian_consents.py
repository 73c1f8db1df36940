"""A guardian's consent before a child under fourteen is booked, and its withdrawal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
STANDS = sa.text("withdrawn_at IS NULL")
CONSENT = "guardian_consent"


def upgrade() -> None:
    guardianship = sa.Enum(
        *("parent", "grandparent", "sibling", "other"),
        name="guardianship",
        native_enum=False,
        create_constraint=True,
        length=32,
    )
    op.create_table(
        CONSENT,
        sa.Column("patient_id", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=True),
        sa.Column("guardian_sealed", sa.String(length=800), nullable=False),
        sa.Column("guardianship", guardianship, nullable=False),
        sa.Column("text_version", sa.String(length=16), nullable=False),
        sa.Column("given_at", INSTANT, nullable=False),
        sa.Column("given_by", sa.String(length=64), nullable=False),
        sa.Column("withdrawn_at", INSTANT, nullable=True),
        sa.Column("withdrawn_by", sa.String(length=64), nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.CheckConstraint(
            "(withdrawn_at IS NULL) = (withdrawn_by = '')", name=op.f("ck_guardian_consent_withdrawn_by_somebody")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_guardian_consent_patient_id_patient")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_guardian_consent_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guardian_consent")),
        sa.UniqueConstraint("public_id", name=op.f("uq_guardian_consent_public_id")),
    )
    op.create_index(op.f("ix_guardian_consent_account_id"), CONSENT, ["account_id"])
    op.create_index("ix_guardian_consent_patient", CONSENT, ["patient_id", "given_at"])
    op.create_index(
        "uq_guardian_consent_standing",
        CONSENT,
        ["patient_id"],
        unique=True,
        sqlite_where=STANDS,
        postgresql_where=STANDS,
    )


def downgrade() -> None:
    op.drop_table(CONSENT)
