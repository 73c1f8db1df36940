"""Settlements with the insurer as rows, whose figures a split may be, and bills that wait for theirs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
BILL_STATES = ("open", "paid", "void", "refunding", "refunded")
SETTLEMENT_STATES = (
    "wanted", "presettled", "due", "settling", "unknown", "undoing", "settled", "reversing", "reversed", "withdrawing",
    "withdrawn", "held", "failed",
)
LIVE = sa.text("state IN ('wanted', 'presettled', 'due', 'settling', 'unknown', 'settled')")


def words(name: str, *of: str) -> sa.Enum:
    return sa.Enum(*of, name=name, native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    op.create_table(
        "settlement",
        sa.Column("prescription_id", KEY, nullable=False),
        sa.Column("patient_id", KEY, nullable=False),
        sa.Column("coverage_id", KEY, nullable=False),
        sa.Column("coverage_version", KEY, nullable=False),
        sa.Column("split_id", KEY, nullable=True),
        sa.Column("state", words("settlementstate", *SETTLEMENT_STATES), nullable=False),
        sa.Column("batch_no", sa.String(length=26), nullable=False),
        sa.Column("psn_no_sealed", sa.String(length=200), nullable=False),
        sa.Column("insutype", sa.String(length=6), nullable=False),
        sa.Column("mdtrt_id", sa.String(length=30), nullable=False),
        sa.Column("message_id", sa.String(length=30), nullable=True),
        sa.Column("setl_id", sa.String(length=30), nullable=True),
        sa.Column("flaw", sa.String(length=60), nullable=False),
        sa.Column("is_unwanted", sa.Boolean(), nullable=False),
        sa.Column("tries", KEY, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("presettled_at", INSTANT, nullable=True),
        sa.Column("half_until", INSTANT, nullable=True),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["coverage_id"], ["coverage.id"], name=op.f("fk_settlement_coverage_id_coverage")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_settlement_patient_id_patient")),
        sa.ForeignKeyConstraint(
            ["prescription_id"], ["prescription.id"], name=op.f("fk_settlement_prescription_id_prescription")
        ),
        sa.ForeignKeyConstraint(["split_id"], ["split.id"], name=op.f("fk_settlement_split_id_split")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement")),
        sa.UniqueConstraint("public_id", name=op.f("uq_settlement_public_id")),
        sa.UniqueConstraint("split_id", name=op.f("uq_settlement_split_id")),
        sa.UniqueConstraint("batch_no", name=op.f("uq_settlement_batch_no")),
        sa.UniqueConstraint("message_id", name=op.f("uq_settlement_message_id")),
        sa.UniqueConstraint("setl_id", name=op.f("uq_settlement_setl_id")),
    )
    op.create_index("ix_settlement_due", "settlement", ["state", "due_at"])
    for column in ("prescription_id", "patient_id", "coverage_id"):
        op.create_index(op.f(f"ix_settlement_{column}"), "settlement", [column])
    op.create_index(
        "uq_settlement_live", "settlement", ["prescription_id"], unique=True, sqlite_where=LIVE, postgresql_where=LIVE
    )
    with op.batch_alter_table("coverage") as coverage:
        coverage.add_column(sa.Column("certificate_kind", sa.String(length=2), server_default="03", nullable=False))
    with op.batch_alter_table("split") as split:
        sources = words("splitsource", "estimate", "insurer", "self")
        split.add_column(sa.Column("source", sources, server_default="estimate", nullable=False))
    with op.batch_alter_table("split") as split:
        split.alter_column("source", server_default=None)
    _bill_states(*BILL_STATES, "settling")
    _one_bill("state IN ('open', 'settling')")


def _bill_states(*states: str) -> None:
    listed = ", ".join(f"'{state}'" for state in states)
    with op.batch_alter_table("bill") as bill:
        bill.drop_constraint(op.f("ck_bill_billstate"), type_="check")
        bill.create_check_constraint(op.f("ck_bill_billstate"), f"state IN ({listed})")


def _one_bill(condition: str) -> None:
    where = sa.text(condition)
    op.drop_index("uq_bill_open", "bill")
    op.create_index(
        "uq_bill_open", "bill", ["purpose", "subject_id"], unique=True, sqlite_where=where, postgresql_where=where
    )


def downgrade() -> None:
    """Bills that wait for their insurer are kept as open ones: their money is found by asking its provider again."""
    op.execute("UPDATE bill SET state = 'open' WHERE state = 'settling'")
    _one_bill("state = 'open'")
    _bill_states(*BILL_STATES)
    with op.batch_alter_table("split") as split:
        split.drop_constraint(op.f("ck_split_splitsource"), type_="check")
        split.drop_column("source")
    with op.batch_alter_table("coverage") as coverage:
        coverage.drop_column("certificate_kind")
    op.drop_table("settlement")
