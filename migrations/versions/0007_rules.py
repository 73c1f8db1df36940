"""The hospital's rules as data, what counts against a patient, places that rest, and turns after tests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
WITH_AWAY = ("waiting", "called", "serving", "passed", "away", "done", "void")


def words(name: str, *of: str) -> sa.Enum:
    return sa.Enum(*of, name=name, native_enum=False, create_constraint=True, length=32)


def breach() -> sa.Enum:
    return words("breach", "no_show", "late_cancel", "cancel", "same_day_refund", "no_show_or_late_cancel")


def upgrade() -> None:
    op.create_table(
        "rule_set",
        sa.Column("scope", words("scope", "hospital", "campus", "department"), nullable=False),
        sa.Column("scope_code", sa.String(length=24), nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.Column("valid_from", INSTANT, nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("by_ref", sa.String(length=64), nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.CheckConstraint("(scope = 'hospital') = (scope_code = '')", name=op.f("ck_rule_set_house_has_no_code")),
        sa.CheckConstraint("version > 0", name=op.f("ck_rule_set_version_counts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_set")),
        sa.UniqueConstraint("public_id", name=op.f("uq_rule_set_public_id")),
        sa.UniqueConstraint("scope", "scope_code", "version", name=op.f("uq_rule_set_scope_scope_code_version")),
    )
    op.create_index("ix_rule_set_valid", "rule_set", ["scope", "scope_code", "valid_from"], unique=False)
    op.create_table(
        "suspension",
        sa.Column("patient_id", KEY, nullable=False),
        sa.Column("breach", breach(), nullable=False),
        sa.Column("breaches", KEY, nullable=False),
        sa.Column("within_months", KEY, nullable=False),
        sa.Column("begins_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("state", words("suspensionstate", "standing", "appealed", "upheld", "lifted"), nullable=False),
        sa.Column("appeal_sealed", sa.String(length=2000), nullable=False),
        sa.Column("appealed_at", INSTANT, nullable=True),
        sa.Column("answer", sa.String(length=200), nullable=False),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.CheckConstraint("ends_at > begins_at", name=op.f("ck_suspension_ends_after_it_begins")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_suspension_patient_id_patient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suspension")),
        sa.UniqueConstraint("public_id", name=op.f("uq_suspension_public_id")),
    )
    op.create_index("ix_suspension_patient", "suspension", ["patient_id", "ends_at"], unique=False)
    op.create_index(op.f("ix_suspension_state"), "suspension", ["state"], unique=False)
    op.create_table(
        "conduct_record",
        sa.Column("registration_id", KEY, nullable=False),
        sa.Column("patient_id", KEY, nullable=False),
        sa.Column("breach", breach(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("suspension_id", KEY, nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_conduct_record_patient_id_patient")),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_conduct_record_registration_id_registration")
        ),
        sa.ForeignKeyConstraint(
            ["suspension_id"], ["suspension.id"], name=op.f("fk_conduct_record_suspension_id_suspension")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conduct_record")),
        sa.UniqueConstraint(
            "registration_id", "breach", name=op.f("uq_conduct_record_registration_id_breach")
        ),
    )
    op.create_index("ix_conduct_record_patient", "conduct_record", ["patient_id", "suspension_id"], unique=False)
    op.add_column("department", sa.Column("campus_code", sa.String(length=24), nullable=False, server_default=""))
    op.add_column("slot", sa.Column("free_from", INSTANT, nullable=True))
    turn = words("turnkind", "first", "returned", "passed", "priority")
    with op.batch_alter_table("ticket") as ticket:
        ticket.add_column(sa.Column("turn", turn, nullable=False, server_default="first"))
        ticket.add_column(sa.Column("passes", KEY, nullable=False, server_default="0"))
        ticket.add_column(sa.Column("priority_class", sa.String(length=24), nullable=False, server_default=""))
    _let_tickets_be(WITH_AWAY)


def downgrade() -> None:
    op.execute("UPDATE ticket SET state = 'passed' WHERE state = 'away'")
    _let_tickets_be(tuple(word for word in WITH_AWAY if word != "away"))
    with op.batch_alter_table("ticket") as ticket:
        ticket.drop_constraint(op.f("ck_ticket_turnkind"), type_="check")
        for name in ("priority_class", "passes", "turn"):
            ticket.drop_column(name)
    op.drop_column("slot", "free_from")
    op.drop_column("department", "campus_code")
    op.drop_table("conduct_record")
    op.drop_table("suspension")
    op.drop_table("rule_set")


def _let_tickets_be(states: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{state}'" for state in states)
    with op.batch_alter_table("ticket") as ticket:
        ticket.drop_constraint(op.f("ck_ticket_ticketstate"), type_="check")
        ticket.create_check_constraint(op.f("ck_ticket_ticketstate"), f"state IN ({listed})")
