"""The working role of docs/deployment.md deletes where the application deletes, and nowhere else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from app import tables as _tables  # noqa: F401 - every table is known from here on
from app.kernel.db import Base
from tests.architecture.test_docs import ROOT

GUIDE = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
# What `session.delete(row)` deletes, which no reading of the code can tell.
ROWS_OF = {
    "app/scheduling/calendar.py": {"HospitalDay"},
    "app/scheduling/shifts.py": {"Shift", "ShiftException"},
}


def deleting(file: Path) -> Iterator[str]:
    """The model of every deletion in the file; '' where only the row is named."""
    for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
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
