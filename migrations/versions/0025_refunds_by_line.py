"""Refunds line by line and payer by payer, and staff's claims with their second person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FEN = sa.BigInteger()
MOMENT = sa.DateTime(timezone=True)
PAYERS = ("fund", "other", "account", "cash")
BILL_STATES = ("open", "settling", "paid", "void", "refunding", "refunded")
LINE_CHECK = "refunded_quantity BETWEEN 0 AND quantity AND " + " AND ".join(
    f"refunded_{payer}_fen BETWEEN 0 AND {payer}_fen" for payer in PAYERS
)
SPLIT_CHECK = " AND ".join(f"returned_{payer}_fen BETWEEN 0 AND {payer}_fen" for payer in PAYERS[:3])
# A refund of the bill itself gave all of it back, and nothing else could go back until now.
WHOLE = (
    "FROM refund r JOIN bill_line l ON l.bill_id = r.bill_id LEFT JOIN payment_order o ON o.id = r.payment_order_id"
    " WHERE o.id IS NULL OR o.settles_bill"
)



def _bill_states(*states: str) -> None:
    with op.batch_alter_table("bill") as bill:
        bill.drop_constraint(op.f("ck_bill_billstate"), type_="check")
        bill.create_check_constraint(op.f("ck_bill_billstate"), "state IN (%s)" % ", ".join(f"'{s}'" for s in states))


def upgrade() -> None:
    _bill_states(*BILL_STATES[:4], "partly_refunded", *BILL_STATES[4:])
    with op.batch_alter_table("bill_line") as line:
        line.add_column(sa.Column("refunded_quantity", KEY, server_default="0", nullable=False))
        for payer in PAYERS:
            line.add_column(sa.Column(f"refunded_{payer}_fen", FEN, server_default="0", nullable=False))
        line.create_check_constraint(op.f("ck_bill_line_refunded_within_paid"), LINE_CHECK)
    with op.batch_alter_table("refund") as refund:
        for payer in PAYERS[:3]:
            refund.add_column(sa.Column(f"{payer}_fen", FEN, server_default="0", nullable=False))
        refund.add_column(sa.Column("ends_bill", sa.Boolean(), server_default=sa.false(), nullable=False))
    with op.batch_alter_table("split") as split:
        for payer in PAYERS[:3]:
            split.add_column(sa.Column(f"returned_{payer}_fen", FEN, server_default="0", nullable=False))
        split.create_check_constraint(op.f("ck_split_returned_within_settled"), SPLIT_CHECK)
    op.create_table(
        "refund_line",
        sa.Column("refund_id", KEY, nullable=False),
        sa.Column("line_no", KEY, nullable=False),
        sa.Column("quantity", KEY, nullable=False),
        *(sa.Column(f"{payer}_fen", FEN, nullable=False) for payer in PAYERS),
        sa.Column("id", KEY, nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_refund_line_quantity_positive")),
        sa.CheckConstraint(" AND ".join(f"{payer}_fen >= 0" for payer in PAYERS), name=op.f("ck_refund_line_parts_not_negative")),
        sa.ForeignKeyConstraint(["refund_id"], ["refund.id"], name=op.f("fk_refund_line_refund_id_refund")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_line")),
        sa.UniqueConstraint("refund_id", "line_no", name=op.f("uq_refund_line_refund_id_line_no")),
    )
    op.create_table(
        "refund_claim",
        sa.Column("bill_id", KEY, nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("total_fen", FEN, nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("state", sa.Enum("waiting", "granted", "declined", name="claimstate", native_enum=False, create_constraint=True, length=32), nullable=False),
        sa.Column("asked_by", KEY, nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("decided_by", KEY, nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("refund_id", KEY, nullable=True),
        sa.Column("public_id", sa.String(26), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> asked_by", name=op.f("ck_refund_claim_second_person")),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_refund_claim_says_why")),
        sa.ForeignKeyConstraint(["bill_id"], ["bill.id"], name=op.f("fk_refund_claim_bill_id_bill")),
        sa.ForeignKeyConstraint(["asked_by"], ["staff.id"], name=op.f("fk_refund_claim_asked_by_staff")),
        sa.ForeignKeyConstraint(["decided_by"], ["staff.id"], name=op.f("fk_refund_claim_decided_by_staff")),
        sa.ForeignKeyConstraint(["refund_id"], ["refund.id"], name=op.f("fk_refund_claim_refund_id_refund")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_claim")),
        sa.UniqueConstraint("public_id", name=op.f("uq_refund_claim_public_id")),
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index("uq_refund_claim_waiting", "refund_claim", ["bill_id"], unique=True, sqlite_where=waiting, postgresql_where=waiting)
    op.create_index(op.f("ix_refund_claim_bill_id"), "refund_claim", ["bill_id"])
    op.create_index(op.f("ix_refund_claim_refund_id"), "refund_claim", ["refund_id"])
    _tell_what_went_back()


def _tell_what_went_back() -> None:
    columns = ", ".join(f"{payer}_fen" for payer in PAYERS)
    parts = ", ".join(f"l.{payer}_fen" for payer in PAYERS)
    op.execute(
        f"INSERT INTO refund_line (refund_id, line_no, quantity, {columns}) SELECT r.id, l.line_no, l.quantity, {parts} {WHOLE}"
    )
    back = ", ".join(f"refunded_{payer}_fen = {payer}_fen" for payer in PAYERS)
    op.execute(f"UPDATE bill_line SET refunded_quantity = quantity, {back} WHERE id IN (SELECT l.id {WHOLE})")
    sums = ", ".join(
        f"{payer}_fen = coalesce((SELECT sum(p.{payer}_fen) FROM refund_line p WHERE p.refund_id = refund.id), 0)"
        for payer in PAYERS[:3]
    )
    op.execute(
        f"UPDATE refund SET ends_bill = true, {sums} WHERE id IN (SELECT refund_id FROM refund_line)"
    )


def downgrade() -> None:
    op.drop_table("refund_claim")
    op.drop_table("refund_line")
    with op.batch_alter_table("split") as split:
        split.drop_constraint(op.f("ck_split_returned_within_settled"), type_="check")
        for payer in PAYERS[:3]:
            split.drop_column(f"returned_{payer}_fen")
    with op.batch_alter_table("refund") as refund:
        refund.drop_column("ends_bill")
        for payer in PAYERS[:3]:
            refund.drop_column(f"{payer}_fen")
    with op.batch_alter_table("bill_line") as line:
        line.drop_constraint(op.f("ck_bill_line_refunded_within_paid"), type_="check")
        line.drop_column("refunded_quantity")
        for payer in PAYERS:
            line.drop_column(f"refunded_{payer}_fen")
    op.execute("UPDATE bill SET state = 'paid' WHERE state = 'partly_refunded'")
    _bill_states(*BILL_STATES)
