"""What is agreed with a peer about fields, codes and our own names, and code tables that the hospital changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LISTS = ("facilities", "field_rules", "codes")


def upgrade() -> None:
    for name in LISTS:
        op.add_column("hl7_peer", sa.Column(name, sa.JSON(), nullable=False, server_default="[]"))
    policy = sa.Enum("flag", "refuse", name="otherfacility", native_enum=False, create_constraint=True, length=32)
    with op.batch_alter_table("hl7_peer") as peer:
        peer.add_column(sa.Column("other_facility", policy, nullable=False, server_default="flag"))
    op.create_table(
        "hl7_code_table",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("codes", sa.JSON(), nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hl7_code_table")),
        sa.UniqueConstraint("name", name=op.f("uq_hl7_code_table_name")),
    )
    op.create_table(
        "hl7_code_table_version",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_kind", sa.String(length=16), nullable=False),
        sa.Column("by_ref", sa.String(length=64), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hl7_code_table_version")),
        sa.UniqueConstraint("name", "version", name=op.f("uq_hl7_code_table_version_name_version")),
    )


def downgrade() -> None:
    op.drop_table("hl7_code_table_version")
    op.drop_table("hl7_code_table")
    with op.batch_alter_table("hl7_peer") as peer:
        peer.drop_constraint(op.f("ck_hl7_peer_otherfacility"), type_="check")  # SQLite keeps what names a lost column
        for name in (*LISTS, "other_facility"):
            peer.drop_column(name)
