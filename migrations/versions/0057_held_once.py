"""When a place was held is told by its registration alone, and no index has entries for what it is never asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None

AFTER_HOLDING = ("booked", "arrived", "prescribed", "collected", "revisit")
CHECK = op.f("ck_funnel_step_stage")
HELD = "state = 'held'"


def upgrade() -> None:
    op.execute("DELETE FROM funnel_step WHERE stage = 'held'")
    _may_be(AFTER_HOLDING)
    op.create_index("ix_registration_held_at", "registration", ["held_at"], postgresql_using="brin")
    _one_replacing(f"{HELD} AND replaces_id IS NOT NULL")


def downgrade() -> None:
    _one_replacing(HELD)
    op.drop_index("ix_registration_held_at", "registration")
    _may_be(("held", *AFTER_HOLDING))
    op.execute(
        "INSERT INTO funnel_step (registration_id, stage, source_code, reached_at)"
        " SELECT id, 'held', source_code, held_at FROM registration"
    )


def _may_be(words: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{word}'" for word in words)
    with op.batch_alter_table("funnel_step") as batch:
        batch.drop_constraint(CHECK, type_="check")
        batch.create_check_constraint(CHECK, f"stage IN ({listed})")


def _one_replacing(where: str) -> None:
    op.drop_index("uq_registration_replacing", "registration")
    op.create_index(
        "uq_registration_replacing",
        "registration",
        ["replaces_id"],
        unique=True,
        postgresql_where=sa.text(where),
        sqlite_where=sa.text(where),
    )
