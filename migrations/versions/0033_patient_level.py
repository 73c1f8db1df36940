"""How the hospital system is told of a patient's data, at a visit or as a person, is agreed with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    level = sa.Enum("visit", "person", name="patientlevel", native_enum=False, create_constraint=True, length=32)
    with op.batch_alter_table("hl7_peer") as peer:
        peer.add_column(sa.Column("patient_level", level, nullable=False, server_default="visit"))


def downgrade() -> None:
    with op.batch_alter_table("hl7_peer") as peer:
        peer.drop_constraint(op.f("ck_hl7_peer_patientlevel"), type_="check")
        peer.drop_column("patient_level")
