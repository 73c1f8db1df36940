"""The waiting room of the release minute."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "release_gate",
        sa.Column("department_id", KEY, nullable=False),
        sa.Column("release_at", INSTANT, nullable=False),
        sa.Column("per_second", KEY, nullable=False),
        sa.Column("next_turn", KEY, nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.CheckConstraint("per_second > 0 AND next_turn >= 0", name=op.f("ck_release_gate_turns_count")),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_release_gate_department_id_department")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_gate")),
        sa.UniqueConstraint("department_id", "release_at", name=op.f("uq_release_gate_department_id_release_at")),
    )
    op.create_table(
        "release_token",
        sa.Column("gate_id", KEY, nullable=False),
        sa.Column("account_id", KEY, nullable=False),
        sa.Column("came_at", INSTANT, nullable=False),
        sa.Column("lot", sa.BigInteger(), nullable=False),
        sa.Column("turn", KEY, nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_release_token_account_id_account")),
        sa.ForeignKeyConstraint(["gate_id"], ["release_gate.id"], name=op.f("fk_release_token_gate_id_release_gate")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_token")),
        sa.UniqueConstraint("gate_id", "account_id", name=op.f("uq_release_token_gate_id_account_id")),
        sa.UniqueConstraint("gate_id", "turn", name=op.f("uq_release_token_gate_id_turn")),
    )
    op.create_index(op.f("ix_release_token_account_id"), "release_token", ["account_id"], unique=False)


def downgrade() -> None:
    op.drop_table("release_token")
    op.drop_table("release_gate")
