"""Writes every sealed value anew with the key that writes now, in batches, while the hospital works."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import DeclarativeBase

from app.kernel.db import Base
from app.kernel.uow import Units

BATCH = 200


def sealed_columns() -> list[tuple[type[DeclarativeBase], list[str]]]:
    """Each table with sealed values and the names of their columns (`…_sealed`)."""
    found = []
    for mapper in Base.registry.mappers:
        names = [column.key for column in mapper.columns if column.key.endswith("_sealed")]
        if names:
            found.append((mapper.class_, names))
    return sorted(found, key=lambda pair: pair[0].__name__)


def rotate(units: Units) -> int:
    """Every sealed value is written with the current key; returns how many rows were; run again, it goes on."""
    changed = 0
    for table, names in sealed_columns():
        while rows := _rotate_batch(units, table, names):
            changed += rows
    return changed


def _rotate_batch(units: Units, table: type[DeclarativeBase], names: list[str]) -> int:
    current = f"enc:v1:{units.keys.writing_key_id}:%"
    columns = [getattr(table, name) for name in names]
    with units.open() as uow:
        old = select(table).where(or_(*[(c != "") & c.not_like(current) & c.is_not(None) for c in columns]))
        rows = uow.session.scalars(old.limit(BATCH).with_for_update(skip_locked=True)).all()
        for row in rows:
            for name in names:
                sealed = getattr(row, name)
                if sealed and not uow.keys.is_current(sealed):
                    place = f"{table.__tablename__}.{name.removesuffix('_sealed')}:{row.seal_name}"  # type: ignore[attr-defined]
                    setattr(row, name, uow.keys.seal(uow.keys.open(sealed, place), place))
    return len(rows)
