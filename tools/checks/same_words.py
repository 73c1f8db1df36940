r"""A pytest plugin that finds the page tests of which PostgreSQL learns nothing new, and writes their list.

    MENZHEN_TEST_DATABASE=postgresql .venv/bin/python -m pytest -q -m "not long" \
        -p tools.checks.database_tests -p tools.checks.same_words

A page test is on the list when every statement that it sends is sent by a test that is not. What is about money, or
about many at once, never is. A test that is on no list runs on both databases; so does a new one.
"""

from __future__ import annotations

import re
from collections import defaultdict

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from tools.checks.database_tests import SAME_WORDS, without_parameters

PAGES = "tests/web/"
ON_BOTH = re.compile(r"bill|cashier|day_|fee|insured|mismatched|paying|pos_|refund|release|settlement|waitlist")
_VALUES = (re.compile(r"(, )?%\(\w+\)s(::[A-Z0-9 ()]+)?"), re.compile(r"(, )?\(\?+\)"))
Sent = dict[str, set[str]]

_sent: Sent = defaultdict(set)
_running: list[str] = []


def left_out(sent: Sent) -> list[str]:
    """The page tests without which the same statements are sent."""
    pages = {test for test in sent if test.startswith(PAGES) and not ON_BOTH.search(test)}
    heard = set().union(*(sent[test] for test in sent if test not in pages))
    kept: set[str] = set()
    while missing := set().union(*(sent[test] for test in pages)) - heard:
        most = max(sorted(pages - kept), key=lambda test: len(sent[test] & missing))
        kept.add(most)
        heard |= sent[most]
    return sorted(pages - kept)


def pytest_runtest_logstart(nodeid: str) -> None:
    """What is sent from now on is this test's."""
    _running[:] = [without_parameters(nodeid)]


@event.listens_for(Engine, "before_cursor_execute")
def _note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
    for values in _VALUES:
        statement = values.sub("?", statement)
    if _running:
        _sent[_running[0]].add(statement)


def pytest_sessionfinish(exitstatus: int) -> None:
    """The list is written when all of the tests passed."""
    if exitstatus == pytest.ExitCode.OK:
        SAME_WORDS.write_text("\n".join(left_out(_sent)) + "\n", encoding="utf-8")
