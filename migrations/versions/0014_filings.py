"""How each invoice comes to the numbers of its issuer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("state IN ('requested', 'unknown')")


def upgrade() -> None:
    op.create_table(
        "invoice_filing",
        sa.Column("invoice_id", KEY, nullable=False),
        sa.Column("bus_no", sa.String(length=40), nullable=False),
        sa.Column("after_id", KEY, nullable=True),
        sa.Column("issuer", sa.String(length=16), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "requested",
                "unknown",
                "issued",
                "failed",
                name="filingstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", KEY, nullable=False),
        sa.Column("last_error", sa.String(length=64), nullable=False),
        sa.Column("batch_code", sa.String(length=20), nullable=True),
        sa.Column("number", sa.String(length=20), nullable=True),
        sa.Column("check_code", sa.String(length=20), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.CheckConstraint(
            "(state = 'issued') = (number IS NOT NULL)", name=op.f("ck_invoice_filing_issued_has_its_number")
        ),
        sa.CheckConstraint(
            "(number IS NULL) = (batch_code IS NULL)", name=op.f("ck_invoice_filing_number_in_its_batch")
        ),
        sa.ForeignKeyConstraint(["after_id"], ["invoice_filing.id"], name=op.f("fk_invoice_filing_after_id_invoice_filing")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_filing_invoice_id_invoice")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_filing")),
        sa.UniqueConstraint("after_id", name=op.f("uq_invoice_filing_after_id")),
        sa.UniqueConstraint("bus_no", name=op.f("uq_invoice_filing_bus_no")),
        sa.UniqueConstraint("invoice_id", name=op.f("uq_invoice_filing_invoice_id")),
        sa.UniqueConstraint(
            "issuer", "batch_code", "number", name=op.f("uq_invoice_filing_issuer_batch_code_number")
        ),
        sa.UniqueConstraint("public_id", name=op.f("uq_invoice_filing_public_id")),
    )
    op.create_index("ix_invoice_filing_due", "invoice_filing", ["due_at"], sqlite_where=OPEN, postgresql_where=OPEN)


def downgrade() -> None:
    op.drop_index("ix_invoice_filing_due", "invoice_filing")
    op.drop_table("invoice_filing")
