"""The waiting list: who waits for which places, what was offered to them, and places set aside for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
IS_OPEN = sa.text("state = 'open'")


def words(name: str, *of: str) -> sa.Enum:
    return sa.Enum(*of, name=name, native_enum=False, create_constraint=True, length=32)


def _refer(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"))


def upgrade() -> None:
    entry, offer = "waitlist_entry", "waitlist_offer"
    op.create_table(
        entry,
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("patient_id", KEY, nullable=False),
        sa.Column("department_id", KEY, nullable=False),
        sa.Column("practitioner_id", KEY, nullable=True),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("to_day", sa.Date(), nullable=False),
        sa.Column("half_day", words("halfday", "am", "pm", "eve"), nullable=True),
        sa.Column("state", words("entrystate", "waiting", "offered", "served", "left", "lapsed"), nullable=False),
        sa.Column("missed", KEY, nullable=False),
        sa.Column("joined_at", INSTANT, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.CheckConstraint("from_day <= to_day", name=op.f("ck_waitlist_entry_days_in_order")),
        _refer(entry, "account_id", "account"),
        _refer(entry, "patient_id", "patient"),
        _refer(entry, "department_id", "department"),
        _refer(entry, "practitioner_id", "practitioner"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waitlist_entry")),
        sa.UniqueConstraint("public_id", name=op.f("uq_waitlist_entry_public_id")),
    )
    op.create_index(op.f("ix_waitlist_entry_account_id"), entry, ["account_id"])
    op.create_index("ix_waitlist_entry_waiting", entry, ["department_id", "state", "from_day", "to_day"])
    op.create_index("ix_waitlist_entry_patient", entry, ["patient_id", "state"])
    op.create_table(
        offer,
        sa.Column("entry_id", KEY, nullable=False),
        sa.Column("patient_id", KEY, nullable=False),
        sa.Column("session_id", KEY, nullable=False),
        sa.Column("slot_id", KEY, nullable=False),
        sa.Column("offered_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column(
            "state", words("offerstate", "open", "accepted", "declined", "expired", "withdrawn"), nullable=False
        ),
        sa.Column("registration_id", KEY, nullable=True),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.CheckConstraint(
            "(state = 'accepted') = (registration_id IS NOT NULL)",
            name=op.f("ck_waitlist_offer_accepted_has_its_place"),
        ),
        _refer(offer, "entry_id", entry),
        _refer(offer, "patient_id", "patient"),
        _refer(offer, "session_id", "clinic_session"),
        _refer(offer, "slot_id", "slot"),
        _refer(offer, "registration_id", "registration"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waitlist_offer")),
        sa.UniqueConstraint("public_id", name=op.f("uq_waitlist_offer_public_id")),
        sa.UniqueConstraint("entry_id", "slot_id", name=op.f("uq_waitlist_offer_entry_id_slot_id")),
    )
    op.create_index("ix_waitlist_offer_due", offer, ["state", "ends_at"])
    for name, column in (("uq_waitlist_offer_slot", "slot_id"), ("uq_waitlist_offer_patient", "patient_id")):
        op.create_index(name, offer, [column], unique=True, sqlite_where=IS_OPEN, postgresql_where=IS_OPEN)
    _let_places_be(("free", "set_aside", "held", "taken"), "(state IN ('free', 'set_aside'))")


def downgrade() -> None:
    op.execute("UPDATE slot SET state = 'free' WHERE state = 'set_aside'")
    _let_places_be(("free", "held", "taken"), "(state = 'free')")
    op.drop_table("waitlist_offer")
    op.drop_table("waitlist_entry")


def _let_places_be(states: tuple[str, ...], nobodys: str) -> None:
    listed = ", ".join(f"'{state}'" for state in states)
    with op.batch_alter_table("slot") as slot:
        slot.drop_constraint(op.f("ck_slot_slotstate"), type_="check")
        slot.drop_constraint(op.f("ck_slot_free_has_nobody"), type_="check")
        slot.create_check_constraint(op.f("ck_slot_slotstate"), f"state IN ({listed})")
        slot.create_check_constraint(op.f("ck_slot_free_has_nobody"), f"{nobodys} = (registration_id IS NULL)")
