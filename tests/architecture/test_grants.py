"""The working role of docs/deployment.md deletes where the application deletes, and nowhere else."""

from __future__ import annotations

import ast
import functools
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import ProgrammingError

from app import tables as _tables  # noqa: F401 - every table is known from here on
from app.kernel.db import Base
from app.kernel.uow import Units
from app.reconciliation import signing, terminals
from app.reconciliation.reading_pos import Form
from config import PosStatementSettings
from tests import factories
from tests.architecture.test_docs import ROOT
from tests.conftest import is_postgres
from tests.unit.reconciliation.statements import pos_file

GUIDE = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
# What `session.delete(row)` deletes, which no reading of the code can tell.
ROWS_OF = {
    "app/scheduling/calendar.py": {"HospitalDay"},
    "app/scheduling/shifts.py": {"Shift", "ShiftException"},
}


def deleting(file: Path) -> Iterator[str]:
    """The model of every deletion in the file; '' where only the row is named."""
    code = file.read_text(encoding="utf-8")
    for call in ast.walk(ast.parse(code if "delete" in code else "")):
        if not isinstance(call, ast.Call):
            continue
        if isinstance(call.func, ast.Name) and call.func.id == "delete" and isinstance(call.args[0], ast.Name):
            yield call.args[0].id
        elif isinstance(call.func, ast.Attribute) and call.func.attr == "delete":
            asked = ast.unparse(call.func.value)
            if asked.endswith(".__table__"):
                yield asked.removesuffix(".__table__")
            elif asked.endswith("session"):
                yield ""


@functools.cache
def deleted_tables() -> set[str]:
    mappers = Base.registry.mappers
    names = {mapper.class_.__name__: str(mapper.local_table) for mapper in mappers}
    found: set[str] = set()
    for folder in ("app", "hl7_adapter"):
        for file in (ROOT / folder).rglob("*.py"):
            for model in deleting(file):
                found |= {model} if model else ROWS_OF[str(file.relative_to(ROOT))]
    return {names[model] for model in found}


def test_the_working_role_may_delete_where_the_application_deletes_and_nowhere_else() -> None:
    granted = re.search(r"GRANT DELETE ON ([a-z0-9_,\s]+?) TO menzhen_app", GUIDE)

    assert granted
    assert set(re.split(r",\s*", granted[1])) == deleted_tables()


def test_what_is_appended_for_good_cannot_be_rewritten_by_the_working_role() -> None:
    revoked = re.search(r"REVOKE UPDATE ON ([a-z0-9_, ]+) FROM menzhen_app", GUIDE)

    assert revoked
    kept = set(revoked[1].split(", "))
    assert kept == {"audit_event", "audit_seal", "move", "day_signature"}
    assert kept <= set(Base.metadata.tables)
    assert kept.isdisjoint(deleted_tables())


@pytest.mark.skipif(not is_postgres(), reason="SQLite knows no roles")
def test_the_working_role_signs_a_day_reads_a_statement_anew_and_rewrites_neither(units: Units, engine: Engine) -> None:
    with units.open() as uow:
        member = factories.staff(uow, "finance")
        day = uow.today() - timedelta(days=1)
    form = Form(dict(PosStatementSettings().columns), dict(PosStatementSettings().kinds))

    with working(engine):
        for _ in range(2):
            with units.open(member) as uow:
                terminals.take_in(uow, day=day, content=pos_file([]), form=form)
        with units.open(member) as uow:
            signing.sign(uow, day=day)
        for statement in (
            "UPDATE day_signature SET note = 'x'",
            "DELETE FROM day_signature",
            "UPDATE audit_event SET outcome = 'x'",
            "DELETE FROM reconciliation_case",
        ):
            with pytest.raises(ProgrammingError, match="permission denied"), units.open(member) as uow:
                uow.session.execute(text(statement))


@contextmanager
def working(engine: Engine) -> Iterator[None]:
    """Every unit in the block is the working role's, which may do what the guide says."""
    role = f"working_{os.getpid()}"
    blocks = re.findall(r"```sql\n(.*?)```", GUIDE, flags=re.DOTALL)
    told = next(block for block in blocks if "GRANT DELETE" in block).replace("menzhen_app", role)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE ROLE {role}"))
        for statement in told.split(";"):
            if statement.strip() and "alembic_version" not in statement:  # no migration made these tables
                connection.execute(text(statement))

    def become(connection: Connection) -> None:
        connection.exec_driver_sql(f"SET LOCAL ROLE {role}")

    event.listen(engine, "begin", become)
    try:
        yield
    finally:
        event.remove(engine, "begin", become)
        with engine.begin() as connection:
            connection.execute(text(f"DROP OWNED BY {role}"))
            connection.execute(text(f"DROP ROLE {role}"))
