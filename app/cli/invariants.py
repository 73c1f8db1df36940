"""Every promise the tables make, as one question each; the answer must be 0."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from pathlib import Path

from sqlalchemy import text

from app.kernel.uow import Uow

HERE = Path(__file__).parent.parent


def statements() -> dict[str, str]:
    """Name (`slice.promise`) → SQL that counts the rows which break it."""
    found: dict[str, str] = {}
    for package in pkgutil.iter_modules([str(HERE)]):
        module = f"app.{package.name}.invariants"
        if package.ispkg and package.name != "cli" and importlib.util.find_spec(module) is not None:
            promises: dict[str, str] = importlib.import_module(module).INVARIANTS
            found |= {f"{package.name}.{name}": statement for name, statement in promises.items()}
    return found


def broken(uow: Uow) -> dict[str, int]:
    """The promises that do not hold now, with the number of rows that break each."""
    counts = {name: int(uow.session.execute(text(sql)).scalar_one() or 0) for name, sql in statements().items()}
    return {name: count for name, count in counts.items() if count}
