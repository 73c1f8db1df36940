"""The line that a ticket stands in, which several doctors may share."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("ticket") as ticket:
        ticket.add_column(sa.Column("line_id", KEY, nullable=True))
    op.execute("UPDATE ticket SET line_id = session_id")
    with op.batch_alter_table("ticket") as ticket:
        ticket.alter_column("line_id", existing_type=KEY, nullable=False)
        ticket.create_foreign_key("fk_ticket_line_id_clinic_session", "clinic_session", ["line_id"], ["id"])
        ticket.create_index("ix_ticket_line", ["line_id", "state"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("ticket") as ticket:
        ticket.drop_index("ix_ticket_line")
        ticket.drop_constraint("fk_ticket_line_id_clinic_session", type_="foreignkey")
        ticket.drop_column("line_id")
