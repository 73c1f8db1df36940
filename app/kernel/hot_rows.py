"""Rows of the hot paths that are changed, or made unless they are there (see `hot`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from sqlalchemy import Update, update
from sqlalchemy.orm import class_mapper

from app.kernel.db import Base, Row
from app.kernel.hot import Found, Hot, belongs, columns_of, from_facts, renew, table_of, with_defaults
from app.kernel.inserts import INSERTS
from app.kernel.unit_session import Facts
from app.kernel.uow import Uow

EachDialects = Mapping[str, Hot]
"""A statement by the name of the dialect that spells it so."""


class Changed(Found):
    """A statement that changes rows of a table and gives back the whole of each, as it is now."""

    def __init__(self, kind: type[Row], change: Update) -> None:
        """Of every changed row all columns."""
        super().__init__(kind, which=lambda _: change.returning(*columns_of(kind)), anew=True)


def change(uow: Uow, row: Row, values: Facts, *, only_if: Facts) -> bool:
    """The row has these values if it still has those, and is as the database has it; False when it has not."""
    facts = {f"was_{name}": value for name, value in only_if.items()}
    facts |= {f"to_{name}": value for name, value in values.items()}
    return _change_of(type(row), tuple(values), tuple(only_if)).row(uow, {**facts, "was_id": row.id}) is not None


@cache
def _change_of(kind: type[Row], values: tuple[str, ...], only_if: tuple[str, ...]) -> Changed:
    return Changed(kind, _update_of(kind, values, only_if))


def change_later(uow: Uow, kind: type[Row], key: int, values: Facts) -> None:
    """The row with this key has these values, which are written with the unit's last statements."""
    facts = {f"to_{name}": value for name, value in values.items()}
    _change_later_of(kind, tuple(values)).later(uow, {**facts, "was_id": key})
    known: Row | None = uow.session.identity_map.get(class_mapper(kind).identity_key_from_primary_key((key,)))
    if known is not None:
        renew(known, values)


@cache
def _change_later_of(kind: type[Row], values: tuple[str, ...]) -> Hot:
    return Hot(_update_of(kind, values, ()))


def _update_of(kind: type[Row], values: tuple[str, ...], only_if: tuple[str, ...]) -> Update:
    was = from_facts(kind, ("id", *only_if), "was_")
    conditions = [table_of(kind).c[name] == fact for name, fact in was.items()]
    return update(table_of(kind)).where(*conditions).values(from_facts(kind, values, "to_"))


def put_unless_there(uow: Uow, rows: Sequence[Row], *, key: Sequence[str]) -> list[bool]:
    """The new rows of one table stand, in one round trip; False for each where a row with the same `key` does."""
    quiet = spelled_for(uow, _insert_of(type(rows[0]), tuple(key)))
    made = quiet.first_of_each(uow, [with_defaults(row) for row in rows])
    for row, keys in zip(rows, made, strict=True):
        if keys is not None:
            row.id = keys[0]
            belongs(uow, row)
            uow.session.made(row)
    return [keys is not None for keys in made]


@cache
def _insert_of(kind: type[Row], key: tuple[str, ...]) -> EachDialects:
    others = [column.key for column in columns_of(kind) if column.key not in {"id", *key}]
    return insert_unless_there(kind, *others, key=key, gives=("id",))


def insert_unless_there(
    table: type[Base], *columns: str, key: Sequence[str], gives: Sequence[str] = ()
) -> EachDialects:
    """Puts one row into the table, quiet where a row has this `key`. A row made gives back the columns `gives`."""
    rows, made = table_of(table), {}
    for dialect, insert in INSERTS.items():
        added = insert(rows).values(from_facts(table, (*key, *columns)))
        quiet = added.on_conflict_do_nothing(index_elements=list(key))
        made[dialect] = Hot(quiet.returning(*(rows.c[name] for name in gives)) if gives else quiet.inline())
    return made


def insert_or_change(table: type[Base], *columns: str, key: Sequence[str]) -> EachDialects:
    """The same where a row that has this `key` gets these columns instead."""
    made = {}
    for dialect, insert in INSERTS.items():
        added = insert(table_of(table)).values(from_facts(table, (*key, *columns)))
        changes = {name: added.excluded[name] for name in columns}
        made[dialect] = Hot(added.on_conflict_do_update(index_elements=list(key), set_=changes).inline())
    return made


def spelled_for(uow: Uow, statement: EachDialects) -> Hot:
    """The statement as the unit's database has it."""
    return statement["sqlite" if uow.session.line() is None else "postgresql"]
