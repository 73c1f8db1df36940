"""Reconciliation with Alipay, the insurer and the hospital system: their sources, what a row may say, what is found."""

from __future__ import annotations

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

SUBJECTS = ("payment", "refund", "flow", "settlement")
SOURCES = ("wechat", "wechat_funds", "insurer", "hospital")
OUTCOMES = ("done", "in_progress", "failed", "unreadable")
KINDS = (
    *("open_here", "only_there", "only_here", "amount_differs", "twice_there", "in_progress_there", "failed_there"),
    *("other_day", "unreadable"),
)


def upgrade() -> None:
    _only("reconciliation_run", "source", "source", (*SOURCES, "alipay"))
    _only("reconciliation_row", "outcome", "outcome", (*OUTCOMES, "disputed"))
    _only("reconciliation_case", "casekind", "kind", (*KINDS, "disputed"))
    for table in ("reconciliation_row", "reconciliation_case"):
        _only(table, "subject", "subject", SUBJECTS)
    op.create_index("ix_settlement_settled_at", "settlement", ["settled_at"])


def downgrade() -> None:
    op.drop_index("ix_settlement_settled_at", "settlement")
    for table in ("reconciliation_row", "reconciliation_case"):
        _only(table, "subject", "subject", (*SUBJECTS, "booking"))
    _only("reconciliation_case", "casekind", "kind", KINDS)
    _only("reconciliation_row", "outcome", "outcome", OUTCOMES)
    _only("reconciliation_run", "source", "source", SOURCES)


def _only(table: str, name: str, column: str, words: tuple[str, ...]) -> None:
    """The column has these words; rows with another one stop the way, as they must."""
    listed = ", ".join(f"'{word}'" for word in words)
    with op.batch_alter_table(table) as batch:
        batch.drop_constraint(op.f(f"ck_{table}_{name}"), type_="check")
        batch.create_check_constraint(op.f(f"ck_{table}_{name}"), f"{column} IN ({listed})")
