"""The ledger: journals with their postings, what moved before it was kept, and the nightly proofs."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ACCOUNTS = ("in_transit", "fund", "other_fund", "personal_account", "advance", "refunds_payable", "income")
MOVEMENTS = ("receive", "insure", "uninsure", "earn", "give_back", "arrive_back")
_INSURED = "s.fund_fen, s.other_fen, s.account_fen"
_SPLIT = (
    f"SELECT s.id, (SELECT max(b.id) FROM bill b WHERE b.split_id = s.id), m.moved_at, {_INSURED}"
    " FROM split s JOIN move m ON m.machine = 'split' AND m.subject_id = s.id AND m.action = '%s'"
    " WHERE s.state IN (%s)"
)
# Movement: what moved (thing, bill, when, facts …), and what it does to the accounts (account, party, fen).
MOVED = {
    "receive": (
        "SELECT id, bill_id, paid_at, provider, paid_fen FROM payment_order WHERE paid_fen > 0",
        lambda provider, paid: (("in_transit", provider, paid), ("advance", "patient", -paid)),
    ),
    "insure": (
        _SPLIT % ("settle", "'settled', 'reversed'"),
        lambda fund, other, account: _insured(1, fund, other, account),
    ),
    "uninsure": (
        _SPLIT % ("reverse", "'reversed'"),
        lambda fund, other, account: _insured(-1, fund, other, account),
    ),
    "earn": (
        "SELECT id, id, paid_at, purpose, total_fen, cash_fen FROM bill WHERE state IN ('paid', 'refunding', 'refunded')",
        lambda purpose, total, cash: (
            ("advance", "patient", cash),
            ("advance", "insurer", total - cash),
            ("income", purpose, -total),
        ),
    ),
    "give_back": (
        "SELECT r.id, r.bill_id, r.requested_at, coalesce(o.provider, ''), r.amount_fen, b.purpose,"
        " CASE WHEN o.id IS NULL OR o.settles_bill THEN b.total_fen - b.cash_fen ELSE -1 END"
        " FROM refund r JOIN bill b ON b.id = r.bill_id LEFT JOIN payment_order o ON o.id = r.payment_order_id",
        lambda provider, cash, purpose, insured: (
            ("income", purpose, cash + insured) if insured >= 0 else ("advance", "patient", cash),
            ("refunds_payable", provider, -cash),
            ("advance", "insurer", -max(insured, 0)),
        ),
    ),
    "arrive_back": (
        "SELECT r.id, r.bill_id, r.finished_at, coalesce(o.provider, ''), r.amount_fen FROM refund r"
        " LEFT JOIN payment_order o ON o.id = r.payment_order_id WHERE r.state = 'succeeded'",
        lambda provider, cash: (("refunds_payable", provider, cash), ("in_transit", provider, -cash)),
    ),
}


def _insured(sign: int, *amounts: int) -> list[tuple[str, str, int]]:
    parts = zip(("fund", "other_fund", "personal_account"), amounts)
    return [*((account, "insurer", sign * fen) for account, fen in parts), ("advance", "insurer", -sign * sum(amounts))]


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    journal = op.create_table(
        "ledger_journal",
        sa.Column("movement", sa.Enum(*MOVEMENTS, name="movement", native_enum=False, create_constraint=True, length=32), nullable=False),
        sa.Column("subject_id", KEY, nullable=False),
        sa.Column("bill_id", KEY, nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("posted_at", moment, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["bill_id"], ["bill.id"], name=op.f("fk_ledger_journal_bill_id_bill")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_journal")),
        sa.UniqueConstraint("movement", "subject_id", name=op.f("uq_ledger_journal_movement_subject_id")),
    )
    op.create_index("ix_ledger_journal_day", "ledger_journal", ["day", "id"])
    op.create_index(op.f("ix_ledger_journal_bill_id"), "ledger_journal", ["bill_id"])
    posting = op.create_table(
        "ledger_posting",
        sa.Column("journal_id", KEY, nullable=False),
        sa.Column("account", sa.Enum(*ACCOUNTS, name="account", native_enum=False, create_constraint=True, length=32), nullable=False),
        sa.Column("party", sa.String(16), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.CheckConstraint("amount_fen <> 0", name=op.f("ck_ledger_posting_moves_something")),
        sa.ForeignKeyConstraint(["journal_id"], ["ledger_journal.id"], name=op.f("fk_ledger_posting_journal_id_ledger_journal")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_posting")),
        sa.UniqueConstraint("journal_id", "account", "party", name=op.f("uq_ledger_posting_journal_id_account_party")),
    )
    op.create_table(
        "ledger_proof",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("proven_at", moment, nullable=False),
        sa.Column("journals", KEY, nullable=False),
        sa.Column("turnover_fen", sa.BigInteger(), nullable=False),
        sa.Column("flaws", sa.JSON(), nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_proof")),
        sa.UniqueConstraint("day", name=op.f("uq_ledger_proof_day")),
    )
    _book_what_moved(journal, posting)


def _book_what_moved(journal: sa.Table, posting: sa.Table) -> None:
    connection = op.get_bind()
    zone = ZoneInfo(os.environ.get("MENZHEN_TIME_ZONE") or "Asia/Shanghai")
    for movement, (question, sides) in MOVED.items():
        for subject_id, bill_id, moved_at, *facts in connection.execute(sa.text(question)).all():
            moved = [side for side in sides(*facts) if side[2]]
            if not moved:
                continue
            at = datetime.fromisoformat(moved_at) if isinstance(moved_at, str) else moved_at
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            kept = connection.execute(
                journal.insert().values(
                    movement=movement,
                    subject_id=subject_id,
                    bill_id=bill_id,
                    day=at.astimezone(zone).date(),
                    posted_at=at.astimezone(UTC) if connection.dialect.name != "sqlite" else at.astimezone(UTC).replace(tzinfo=None),
                )
            ).inserted_primary_key
            connection.execute(
                posting.insert(),
                [{"journal_id": kept[0], "account": account, "party": party, "amount_fen": fen} for account, party, fen in moved],
            )


def downgrade() -> None:
    op.drop_table("ledger_proof")
    op.drop_table("ledger_posting")
    op.drop_index(op.f("ix_ledger_journal_bill_id"), table_name="ledger_journal")
    op.drop_index("ix_ledger_journal_day", table_name="ledger_journal")
    op.drop_table("ledger_journal")
