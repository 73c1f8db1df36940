"""Places kept for a channel, and several places in one slot."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
CHANNELS = ("online", "lobby", "revisit", "window")
COUNTS = {"places_per_slot": "1", **{f"kept_{channel}": "0" for channel in CHANNELS}, "kept_until_minutes": "0"}
MAKES_SENSE = "places > 0 AND {}slot_minutes BETWEEN 1 AND 30 AND fee_fen >= 0"


def upgrade() -> None:
    with op.batch_alter_table("shift") as shift:
        for name, default in COUNTS.items():
            shift.add_column(sa.Column(name, KEY, nullable=False, server_default=default))
        shift.drop_constraint(op.f("ck_shift_makes_sense"), type_="check")
        shift.create_check_constraint(op.f("ck_shift_makes_sense"), MAKES_SENSE.format("places_per_slot > 0 AND "))
        shift.create_check_constraint(
            op.f("ck_shift_keeps_what_there_is"),
            "kept_online >= 0 AND kept_lobby >= 0 AND kept_revisit >= 0 AND kept_window >= 0 AND"
            " kept_until_minutes >= 0 AND kept_online + kept_lobby + kept_revisit + kept_window <= places",
        )
    channel = sa.Enum(*CHANNELS, name="bookingchannel", native_enum=False, create_constraint=True, length=32)
    with op.batch_alter_table("slot") as slot:
        slot.add_column(sa.Column("kept_for", channel, nullable=True))
        slot.add_column(sa.Column("kept_until", INSTANT, nullable=True))
        slot.create_check_constraint(
            op.f("ck_slot_kept_until_some_time"), "(kept_for IS NULL) = (kept_until IS NULL)"
        )


def downgrade() -> None:
    with op.batch_alter_table("slot") as slot:
        slot.drop_constraint(op.f("ck_slot_kept_until_some_time"), type_="check")
        slot.drop_constraint(op.f("ck_slot_bookingchannel"), type_="check")
        slot.drop_column("kept_until")
        slot.drop_column("kept_for")
    with op.batch_alter_table("shift") as shift:
        shift.drop_constraint(op.f("ck_shift_keeps_what_there_is"), type_="check")
        shift.drop_constraint(op.f("ck_shift_makes_sense"), type_="check")
        shift.create_check_constraint(op.f("ck_shift_makes_sense"), MAKES_SENSE.format(""))
        for name in reversed(COUNTS):
            shift.drop_column(name)
