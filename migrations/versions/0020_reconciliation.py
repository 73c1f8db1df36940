"""Reconciliation: runs, what others told of a day, and cases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FEN = sa.BigInteger()
MOMENT = sa.DateTime(timezone=True)


def _choice(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=32)


def _subject() -> sa.Enum:
    return _choice("subject", "payment", "refund", "flow", "settlement", "booking")


def upgrade() -> None:
    op.create_table(
        "reconciliation_run",
        sa.Column("source", _choice("source", "wechat", "wechat_funds", "insurer", "hospital"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", _choice("runstate", "due", "loaded", "matched", "refused"), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("rows_there", KEY, nullable=False),
        sa.Column("sum_there_fen", FEN, nullable=False),
        sa.Column("rows_here", KEY, nullable=False),
        sa.Column("sum_here_fen", FEN, nullable=False),
        sa.Column("matched_at", MOMENT, nullable=True),
        sa.Column("public_id", sa.String(26), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_run")),
        sa.UniqueConstraint("public_id", name=op.f("uq_reconciliation_run_public_id")),
        sa.UniqueConstraint("source", "day", name=op.f("uq_reconciliation_run_source_day")),
    )
    op.create_index("ix_reconciliation_run_due", "reconciliation_run", ["state", "due_at"])
    op.create_table(
        "reconciliation_row",
        sa.Column("run_id", KEY, nullable=False),
        sa.Column("row_no", KEY, nullable=False),
        sa.Column("subject", _subject(), nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("foreign_no", sa.String(64), nullable=False),
        sa.Column("amount_fen", FEN, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("outcome", _choice("outcome", "done", "in_progress", "failed", "unreadable"), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["reconciliation_run.id"], name=op.f("fk_reconciliation_row_run_id_reconciliation_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_row")),
        sa.UniqueConstraint("run_id", "row_no", name=op.f("uq_reconciliation_row_run_id_row_no")),
    )
    op.create_index("ix_reconciliation_row_number", "reconciliation_row", ["number", "subject"])
    kinds = ("open_here", "only_there", "only_here", "amount_differs", "twice_there", "in_progress_there", "failed_there", "other_day", "unreadable")
    op.create_table(
        "reconciliation_case",
        sa.Column("run_id", KEY, nullable=False),
        sa.Column("kind", _choice("casekind", *kinds), nullable=False),
        sa.Column("subject", _subject(), nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("foreign_no", sa.String(64), nullable=False),
        sa.Column("here_fen", FEN, nullable=True),
        sa.Column("there_fen", FEN, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("state", _choice("casestate", "open", "waiting", "repaired", "explained", "closed"), nullable=False),
        sa.Column("found_at", MOMENT, nullable=False),
        sa.Column("note", sa.String(200), nullable=False),
        sa.Column("public_id", sa.String(26), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["reconciliation_run.id"], name=op.f("fk_reconciliation_case_run_id_reconciliation_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_case")),
        sa.UniqueConstraint("public_id", name=op.f("uq_reconciliation_case_public_id")),
        sa.UniqueConstraint("run_id", "subject", "number", "foreign_no", name=op.f("uq_reconciliation_case_run_id_subject_number_foreign_no")),
    )
    op.create_index("ix_reconciliation_case_state", "reconciliation_case", ["state", "id"])
    op.create_index("ix_reconciliation_case_number", "reconciliation_case", ["number", "subject"])


def downgrade() -> None:
    op.drop_table("reconciliation_case")
    op.drop_table("reconciliation_row")
    op.drop_table("reconciliation_run")
