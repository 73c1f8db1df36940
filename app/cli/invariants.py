"""Every promise the tables make, as one question each; the answer must be 0."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import pkgutil
from pathlib import Path

from sqlalchemy import text

from app.kernel.uow import Uow

HERE = Path(__file__).parent.parent


@functools.cache
def statements() -> dict[str, str]:
    """Name (`slice.promise`) → SQL that counts the rows which break it."""
    found: dict[str, str] = {}
    for package in pkgutil.iter_modules([str(HERE)]):
        module = f"app.{package.name}.invariants"
        if package.ispkg and package.name != "cli" and importlib.util.find_spec(module) is not None:
            promises: dict[str, str] = importlib.import_module(module).INVARIANTS
            found |= {f"{package.name}.{name}": statement for name, statement in promises.items()}
    return found


def broken(uow: Uow, *, within: str = "") -> dict[str, int]:
    """The promises that do not hold now, with the number of rows that break each; those of one slice when it is named.

    Run in the unit that asks, so what it wrote counts.
    """
    asked = {name: sql for name, sql in statements().items() if name.startswith(f"{within}." if within else "")}
    counts = {name: int(uow.session.execute(text(sql)).scalar_one() or 0) for name, sql in asked.items()}
    return {name: count for name, count in counts.items() if count}
