"""An invoice for what was left of a bill names the one that told of all."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("invoice") as invoice:
        invoice.add_column(sa.Column("replaces_id", KEY, nullable=True))
        invoice.create_foreign_key(op.f("fk_invoice_replaces_id_invoice"), "invoice", ["replaces_id"], ["id"])
        invoice.create_unique_constraint(op.f("uq_invoice_replaces_id"), ["replaces_id"])


def downgrade() -> None:
    with op.batch_alter_table("invoice") as invoice:
        invoice.drop_constraint(op.f("uq_invoice_replaces_id"), type_="unique")
        invoice.drop_constraint(op.f("fk_invoice_replaces_id_invoice"), type_="foreignkey")
        invoice.drop_column("replaces_id")
