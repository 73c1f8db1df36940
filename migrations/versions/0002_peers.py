"""Agreements with the systems that speak HL7, and messages that wait for their patient."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hl7_peer",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("application", sa.String(length=227), nullable=False),
        sa.Column("facility", sa.String(length=227), nullable=False),
        sa.Column(
            "ack_mode",
            sa.Enum(
                "original", "enhanced", "auto", name="ackmode", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("charset", sa.String(length=40), nullable=False),
        sa.Column("addresses", sa.JSON(), nullable=False),
        sa.Column("max_frame_bytes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("messages_per_minute", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "unknown_event",
            sa.Enum("filed", "refused", name="unknownevent", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "reused_id",
            sa.Enum("process", "refuse", name="reusedid", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "unknown_patient",
            sa.Enum(
                "create", "park", "refuse", name="unknownpatient", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("retry_codes", sa.JSON(), nullable=False),
        sa.Column("out_host", sa.String(length=253), nullable=False),
        sa.Column("out_port", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("out_tls", sa.Boolean(), nullable=False),
        sa.Column("out_charset", sa.String(length=40), nullable=False),
        sa.Column("is_paused", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("max_frame_bytes BETWEEN 1024 AND 16777216", name=op.f("ck_hl7_peer_frame_bytes")),
        sa.CheckConstraint("messages_per_minute >= 0", name=op.f("ck_hl7_peer_per_minute")),
        sa.CheckConstraint("out_port BETWEEN 0 AND 65535", name=op.f("ck_hl7_peer_out_port")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hl7_peer")),
        sa.UniqueConstraint("application", "facility", name=op.f("uq_hl7_peer_application_facility")),
        sa.UniqueConstraint("public_id", name=op.f("uq_hl7_peer_public_id")),
    )
    op.create_table(
        "hl7_peer_version",
        sa.Column("peer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_kind", sa.String(length=16), nullable=False),
        sa.Column("by_ref", sa.String(length=64), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["peer_id"], ["hl7_peer.id"], name=op.f("fk_hl7_peer_version_peer_id_hl7_peer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hl7_peer_version")),
        sa.UniqueConstraint("peer_id", "version", name=op.f("uq_hl7_peer_version_peer_id_version")),
    )
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.create_index(
            "ix_inbox_parked",
            ["subject_ref"],
            unique=False,
            sqlite_where=sa.text("state = 'received'"),
            postgresql_where=sa.text("state = 'received'"),
        )


def downgrade() -> None:
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_inbox_parked",
            sqlite_where=sa.text("state = 'received'"),
            postgresql_where=sa.text("state = 'received'"),
        )

    op.drop_table("hl7_peer_version")
    op.drop_table("hl7_peer")
