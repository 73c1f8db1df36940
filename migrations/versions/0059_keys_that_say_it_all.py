"""The numbers of messages have no key but what they say, and no index has entries for what is never asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None

TABLE, PRIMARY = "message_key", op.f("pk_message_key")
UNIQUE = op.f("uq_message_key_kind_value_direction_item_id")
SAYS = ["kind", "value", "direction", "item_id"]
OFTEN_EMPTY = (("inbox", "copy_of_id"), ("bill", "split_id"))


def upgrade() -> None:
    if _is_postgres():
        op.drop_column(TABLE, "id")
        op.drop_constraint(UNIQUE, TABLE, type_="unique")
        op.create_primary_key(PRIMARY, TABLE, SAYS)
    else:
        with op.batch_alter_table(TABLE) as batch:
            batch.drop_constraint(UNIQUE, type_="unique")
            batch.drop_column("id")
            batch.create_primary_key(PRIMARY, SAYS)
    for table, column in OFTEN_EMPTY:
        _index(table, column, f"{column} IS NOT NULL")


def downgrade() -> None:
    for table, column in OFTEN_EMPTY:
        _index(table, column, None)
    if _is_postgres():
        op.drop_constraint(PRIMARY, TABLE, type_="primary")
        op.execute(f"ALTER TABLE {TABLE} ADD COLUMN id BIGSERIAL CONSTRAINT {PRIMARY} PRIMARY KEY")
        op.create_unique_constraint(UNIQUE, TABLE, SAYS)
    else:
        with op.batch_alter_table(TABLE) as batch:
            batch.add_column(sa.Column("id", sa.Integer(), nullable=False))
            batch.create_primary_key(PRIMARY, ["id"])
            batch.create_unique_constraint(UNIQUE, SAYS)


def _is_postgres() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _index(table: str, column: str, where: str | None) -> None:
    name = f"ix_{table}_{column}"
    op.drop_index(name, table)
    only = None if where is None else sa.text(where)
    op.create_index(name, table, [column], postgresql_where=only, sqlite_where=only)
