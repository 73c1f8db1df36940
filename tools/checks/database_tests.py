"""A pytest plugin for the run on the second database: keeps the tests that ask for a database, drops the rest."""

from __future__ import annotations

import pytest

ASKS_FOR_A_DATABASE = {"database_url", "bare_database_url", "units", "postgres_url"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Only tests with one of the database's fixtures stay, however deep below their own."""
    kept = [item for item in items if ASKS_FOR_A_DATABASE & set(getattr(item, "fixturenames", ()))]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept
