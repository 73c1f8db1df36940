"""INSERT as the databases that know ON CONFLICT have it: SQLAlchemy spells it once for each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from app.kernel.db import Base
from app.kernel.uow import Uow

Insert = postgresql.Insert | sqlite.Insert
INSERTS: Mapping[str, Callable[[type[Base] | Table], Insert]] = {
    "postgresql": postgresql.insert,
    "sqlite": sqlite.insert,
}


def insert_into(uow: Uow, table: type[Base]) -> Insert:
    """An INSERT as the unit's database has it, which can say what becomes of a row that is there already."""
    return INSERTS[uow.session.get_bind().dialect.name](table)
