"""Reconciliation with the bank's statement of the card terminals: one more source."""

from __future__ import annotations

from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

SOURCES = ("wechat", "wechat_funds", "alipay", "insurer", "hospital")


def upgrade() -> None:
    _only((*SOURCES, "pos"))


def downgrade() -> None:
    _only(SOURCES)


def _only(words: tuple[str, ...]) -> None:
    """A run is of one of these sources; rows of another one stop the way, as they must."""
    listed = ", ".join(f"'{word}'" for word in words)
    with op.batch_alter_table("reconciliation_run") as batch:
        batch.drop_constraint(op.f("ck_reconciliation_run_source"), type_="check")
        batch.create_check_constraint(op.f("ck_reconciliation_run_source"), f"source IN ({listed})")
