"""Where the hospital system decides on appointments, a place knows since when its word is waited for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("hl7_peer", sa.Column("decides_bookings", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("registration") as registration:
        registration.add_column(sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True))
        registration.add_column(sa.Column("asked_nth", KEY, nullable=True))
        registration.create_check_constraint(
            op.f("ck_registration_asked_for_something"), "(asked_at IS NULL) = (asked_nth IS NULL)"
        )


def downgrade() -> None:
    with op.batch_alter_table("registration") as registration:
        registration.drop_constraint(op.f("ck_registration_asked_for_something"), type_="check")
        registration.drop_column("asked_nth")
        registration.drop_column("asked_at")
    with op.batch_alter_table("hl7_peer") as peer:
        peer.drop_column("decides_bookings")
