"""A pytest plugin for the run on the second database: keeps the tests that ask for a database, drops the rest.

Of the pages' tests it drops also those that send it only what other tests send, unless nothing is to be left out.
They are listed in `same_words.txt`, which `same_words.py` writes; one that is not listed stays.
"""

from __future__ import annotations

from pathlib import Path

import pytest

SAME_WORDS = Path(__file__).with_name("same_words.txt")
WRITES_THE_LIST = "tools.checks.same_words"
ASKS_FOR_A_DATABASE = {"database_url", "bare_database_url", "units", "postgres_url"}


def without_parameters(test: str) -> str:
    """The function of a test, whatever it is given."""
    return test.split("[", 1)[0]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Only tests with one of the database's fixtures stay, however deep below their own."""
    is_all_asked_for = not config.getoption("markexpr") or config.pluginmanager.has_plugin(WRITES_THE_LIST)
    same = set() if is_all_asked_for else set(SAME_WORDS.read_text(encoding="utf-8").split())
    kept = [item for item in items if _asks(item) and without_parameters(item.nodeid) not in same]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept


def _asks(item: pytest.Item) -> bool:
    return bool(ASKS_FOR_A_DATABASE & set(getattr(item, "fixturenames", ())))
