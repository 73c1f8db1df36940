"""Who walks while they wait, what was told of waits, and how right that was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "walk",
        sa.Column("ticket_id", KEY, nullable=False),
        sa.Column("walk_minutes", KEY, nullable=False),
        sa.Column("choice_no", KEY, nullable=False),
        sa.Column("chosen_at", INSTANT, nullable=False),
        sa.Column("told_at", INSTANT, nullable=True),
        sa.Column("spare_seconds", KEY, nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.CheckConstraint("walk_minutes BETWEEN 0 AND 120", name=op.f("ck_walk_is_a_walk")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_walk_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_walk")),
        sa.UniqueConstraint("ticket_id", name=op.f("uq_walk_ticket_id")),
    )
    op.create_table(
        "told_wait",
        sa.Column("ticket_id", KEY, nullable=False),
        sa.Column("department_id", KEY, nullable=False),
        sa.Column("visit_day", sa.Date(), nullable=False),
        sa.Column("told_at", INSTANT, nullable=False),
        sa.Column("low_seconds", KEY, nullable=False),
        sa.Column("middle_seconds", KEY, nullable=False),
        sa.Column("high_seconds", KEY, nullable=False),
        sa.Column("waited_seconds", KEY, nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_told_wait_department_id_department")
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_told_wait_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_told_wait")),
        sa.UniqueConstraint("ticket_id", name=op.f("uq_told_wait_ticket_id")),
    )
    op.create_index("ix_told_wait_day", "told_wait", ["visit_day", "department_id"], unique=False)
    op.create_table(
        "wait_errors",
        sa.Column("department_id", KEY, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("told", KEY, nullable=False),
        sa.Column("error_seconds", KEY, nullable=False),
        sa.Column("inside", KEY, nullable=False),
        sa.Column("earlier", KEY, nullable=False),
        sa.Column("returns", KEY, nullable=False),
        sa.Column("late_returns", KEY, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.CheckConstraint(
            "inside + earlier <= told AND late_returns <= returns", name=op.f("ck_wait_errors_adds_up")
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_wait_errors_department_id_department")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wait_errors")),
        sa.UniqueConstraint("department_id", "day", name=op.f("uq_wait_errors_department_id_day")),
    )
    op.create_index(op.f("ix_wait_errors_day"), "wait_errors", ["day"], unique=False)


def downgrade() -> None:
    op.drop_table("wait_errors")
    op.drop_table("told_wait")
    op.drop_table("walk")
