"""Bills are paid in cash and by card at the cashier's window, out of a drawer that somebody answers for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)
PHONE = ("jsapi", "native")
WINDOW = ("cash", "card")


def upgrade() -> None:
    _pay_by((*PHONE, *WINDOW))
    op.create_table(
        "cashier_shift",
        sa.Column("staff_id", KEY, nullable=False),
        sa.Column("state", _choice("cashiershiftstate", ("open", "closed")), nullable=False),
        sa.Column("opened_at", AT, nullable=False),
        sa.Column("closed_at", AT, nullable=True),
        sa.Column("float_fen", sa.BigInteger(), nullable=False),
        sa.Column("counted_fen", sa.BigInteger(), nullable=True),
        sa.Column("expected_fen", sa.BigInteger(), nullable=True),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.CheckConstraint(
            "(state = 'open') = (closed_at IS NULL) AND (closed_at IS NULL) = (counted_fen IS NULL)"
            " AND (closed_at IS NULL) = (expected_fen IS NULL)",
            name=op.f("ck_cashier_shift_counted_when_closed"),
        ),
        sa.CheckConstraint("float_fen >= 0 AND counted_fen >= 0", name=op.f("ck_cashier_shift_not_negative")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_cashier_shift_staff_id_staff")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cashier_shift")),
        sa.UniqueConstraint("public_id", name=op.f("uq_cashier_shift_public_id")),
    )
    op.create_index(op.f("ix_cashier_shift_staff_id"), "cashier_shift", ["staff_id"])
    is_open = sa.text("state = 'open'")
    op.create_index(
        "uq_cashier_shift_open",
        "cashier_shift",
        ["staff_id"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_table(
        "cashier_entry",
        sa.Column("shift_id", KEY, nullable=False),
        sa.Column("payment_order_id", KEY, nullable=False),
        sa.Column("refund_id", KEY, nullable=True),
        sa.Column("method", _choice("paymethod", (*PHONE, *WINDOW)), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("tendered_fen", sa.BigInteger(), nullable=False),
        sa.Column("change_fen", sa.BigInteger(), nullable=False),
        sa.Column("terminal_no", sa.String(length=16), nullable=False),
        sa.Column("slip_no", sa.String(length=12), nullable=False),
        sa.Column("made_at", AT, nullable=False),
        sa.Column("public_id", sa.String(length=26), nullable=False),
        sa.Column("id", KEY, autoincrement=True, nullable=False),
        sa.CheckConstraint(
            "(refund_id IS NULL AND amount_fen > 0) OR (refund_id IS NOT NULL AND amount_fen < 0)",
            name=op.f("ck_cashier_entry_in_or_back"),
        ),
        sa.CheckConstraint(
            "(method = 'cash' AND tendered_fen - change_fen = amount_fen AND slip_no = '')"
            " OR (method = 'card' AND tendered_fen = 0 AND change_fen = 0 AND terminal_no <> '' AND slip_no <> '')",
            name=op.f("ck_cashier_entry_tender_fits_method"),
        ),
        sa.ForeignKeyConstraint(
            ["shift_id"], ["cashier_shift.id"], name=op.f("fk_cashier_entry_shift_id_cashier_shift")
        ),
        sa.ForeignKeyConstraint(
            ["payment_order_id"], ["payment_order.id"], name=op.f("fk_cashier_entry_payment_order_id_payment_order")
        ),
        sa.ForeignKeyConstraint(["refund_id"], ["refund.id"], name=op.f("fk_cashier_entry_refund_id_refund")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cashier_entry")),
        sa.UniqueConstraint("public_id", name=op.f("uq_cashier_entry_public_id")),
        sa.UniqueConstraint("refund_id", name=op.f("uq_cashier_entry_refund_id")),
    )
    op.create_index(op.f("ix_cashier_entry_shift_id"), "cashier_entry", ["shift_id"])
    op.create_index(op.f("ix_cashier_entry_payment_order_id"), "cashier_entry", ["payment_order_id"])
    is_in = sa.text("refund_id IS NULL")
    op.create_index(
        "uq_cashier_entry_taken",
        "cashier_entry",
        ["payment_order_id"],
        unique=True,
        sqlite_where=is_in,
        postgresql_where=is_in,
    )


def downgrade() -> None:
    op.drop_table("cashier_entry")
    op.drop_table("cashier_shift")
    _pay_by(PHONE)


def _choice(name: str, words: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=32)


def _pay_by(words: tuple[str, ...]) -> None:
    """Orders may be paid by these methods; rows paid by another method stop the way back, as they must."""
    listed = ", ".join(f"'{word}'" for word in words)
    with op.batch_alter_table("payment_order") as order:
        order.drop_constraint(op.f("ck_payment_order_paymethod"), type_="check")
        order.create_check_constraint(op.f("ck_payment_order_paymethod"), f"method IN ({listed})")
