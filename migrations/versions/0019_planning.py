"""What differs from the weekly shifts on one day, and the hospital's own word on a day of the calendar."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEPT = ("kept_online", "kept_lobby", "kept_revisit", "kept_window", "kept_until_minutes")


def upgrade() -> None:
    op.create_table(
        "hospital_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("runs_as", KEY, nullable=True),
        sa.Column("note", sa.String(length=120), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.CheckConstraint("runs_as BETWEEN 0 AND 6", name=op.f("ck_hospital_day_is_a_weekday")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hospital_day")),
        sa.UniqueConstraint("day", name=op.f("uq_hospital_day_day")),
    )
    half_day = sa.Enum("am", "pm", "eve", name="halfday", native_enum=False, create_constraint=True, length=32)
    op.create_table(
        "shift_exception",
        sa.Column("practitioner_id", KEY, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("half_day", half_day, nullable=False),
        sa.Column("starts", sa.Time(), nullable=False),
        sa.Column("places", KEY, nullable=False),
        sa.Column("slot_minutes", KEY, nullable=False),
        sa.Column("places_per_slot", KEY, nullable=False),
        sa.Column("room", sa.String(length=24), nullable=False),
        sa.Column("fee_fen", sa.BigInteger(), nullable=False),
        *(sa.Column(name, KEY, nullable=False) for name in KEPT),
        sa.Column("is_off", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(length=120), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.CheckConstraint(
            "places > 0 AND places_per_slot > 0 AND slot_minutes BETWEEN 1 AND 30 AND fee_fen >= 0",
            name=op.f("ck_shift_exception_makes_sense"),
        ),
        sa.CheckConstraint(
            "kept_online >= 0 AND kept_lobby >= 0 AND kept_revisit >= 0 AND kept_window >= 0 AND"
            " kept_until_minutes >= 0 AND kept_online + kept_lobby + kept_revisit + kept_window <= places",
            name=op.f("ck_shift_exception_keeps_what_there_is"),
        ),
        sa.ForeignKeyConstraint(
            ["practitioner_id"], ["practitioner.id"], name=op.f("fk_shift_exception_practitioner_id_practitioner")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift_exception")),
        sa.UniqueConstraint(
            "practitioner_id", "day", "half_day", name=op.f("uq_shift_exception_practitioner_id_day_half_day")
        ),
    )
    op.create_index(op.f("ix_shift_exception_day"), "shift_exception", ["day"], unique=False)
    op.create_index(op.f("ix_shift_exception_practitioner_id"), "shift_exception", ["practitioner_id"], unique=False)


def downgrade() -> None:
    op.drop_table("shift_exception")
    op.drop_table("hospital_day")
