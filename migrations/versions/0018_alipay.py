"""Orders are paid on Alipay's page too, and refunds wait for the provider they belong to."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

BEFORE = ("jsapi", "native", "cash", "card")


def upgrade() -> None:
    _pay_by((*BEFORE, "wap"))
    op.execute("UPDATE outbox SET topic = 'refund.wechat' WHERE topic = 'payment'")


def downgrade() -> None:
    op.execute("UPDATE outbox SET topic = 'payment' WHERE topic = 'refund.wechat'")
    _pay_by(BEFORE)


def _pay_by(words: tuple[str, ...]) -> None:
    """Orders and entries may be paid by these methods; rows paid by another one stop the way back, as they must."""
    listed = ", ".join(f"'{word}'" for word in words)
    for table in ("payment_order", "cashier_entry"):
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(op.f(f"ck_{table}_paymethod"), type_="check")
            batch.create_check_constraint(op.f(f"ck_{table}_paymethod"), f"method IN ({listed})")
