"""The outside world in miniature for the journeys that need one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.fixtures import RunningSandbox, running_sandbox


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path_factory.mktemp("world")) as running:
        yield running
