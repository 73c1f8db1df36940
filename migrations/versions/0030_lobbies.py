"""Where patients check in by themselves, by the code on a screen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "lobby",
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("name_en", sa.String(length=60), nullable=False),
        sa.Column("department_id", KEY, nullable=True),
        sa.Column("campus_code", sa.String(length=24), nullable=False),
        sa.Column("latitude_e6", KEY, nullable=True),
        sa.Column("longitude_e6", KEY, nullable=True),
        sa.Column("near_metres", KEY, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.CheckConstraint(
            "(latitude_e6 IS NULL) = (longitude_e6 IS NULL)", name=op.f("ck_lobby_is_somewhere_or_nowhere")
        ),
        sa.CheckConstraint("near_metres BETWEEN 20 AND 5000", name=op.f("ck_lobby_near_is_walkable")),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_lobby_department_id_department")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lobby")),
        sa.UniqueConstraint("code", name=op.f("uq_lobby_code")),
    )


def downgrade() -> None:
    op.drop_table("lobby")
