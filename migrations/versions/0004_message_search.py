"""Messages found by their numbers, type and peer, their answers' code and time, and copies that a person made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PATTERN = {"kind": "text_pattern_ops"}


def upgrade() -> None:
    op.create_table(
        "message_key",
        sa.Column(
            "direction",
            sa.Enum("in", "out", name="direction", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("item_id", KEY, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "control",
                "patient",
                "visit",
                "order",
                name="keykind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("value", sa.String(length=80), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_key")),
        sa.UniqueConstraint(
            "kind", "value", "direction", "item_id", name=op.f("uq_message_key_kind_value_direction_item_id")
        ),
    )
    op.create_index("ix_message_key_item", "message_key", ["direction", "item_id"], unique=False)
    # Plain ALTER TABLE: making a table of a million messages anew would take minutes on SQLite.
    op.add_column("inbox", sa.Column("answer_code", sa.String(length=2), nullable=False, server_default=""))
    op.add_column("inbox", sa.Column("took_ms", KEY, nullable=True))
    op.add_column("inbox", sa.Column("copy_of_id", KEY, nullable=True))
    op.create_index("ix_inbox_state_id", "inbox", ["state", "id"], unique=False)
    op.create_index("ix_inbox_kind", "inbox", ["kind", "id"], unique=False, postgresql_ops=PATTERN)
    op.create_index("ix_inbox_copy_of_id", "inbox", ["copy_of_id"], unique=False)
    op.add_column("outbox", sa.Column("kind", sa.String(length=40), nullable=False, server_default=""))
    op.add_column("outbox", sa.Column("peer", sa.String(length=48), nullable=False, server_default=""))
    op.create_index("ix_outbox_kind", "outbox", ["kind", "id"], unique=False, postgresql_ops=PATTERN)
    op.create_index("ix_outbox_peer", "outbox", ["peer", "id"], unique=False)
    op.create_index("ix_outbox_posted_at", "outbox", ["posted_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_outbox_posted_at", "outbox")
    op.drop_index("ix_outbox_peer", "outbox")
    op.drop_index("ix_outbox_kind", "outbox")
    op.drop_column("outbox", "peer")
    op.drop_column("outbox", "kind")
    op.drop_index("ix_inbox_copy_of_id", "inbox")
    op.drop_index("ix_inbox_kind", "inbox")
    op.drop_index("ix_inbox_state_id", "inbox")
    op.drop_column("inbox", "copy_of_id")
    op.drop_column("inbox", "took_ms")
    op.drop_column("inbox", "answer_code")
    op.drop_table("message_key")
