"""One browser and one hospital in mid-morning for all tests of a file."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser import checks
from tests.browser.hospital import Hospital, open_hospital
from tests.browser.morning import play_morning


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with checks.open_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    with open_hospital(tmp_path_factory.mktemp("hospital")) as hospital:
        play_morning(hospital)
        yield hospital


@pytest.fixture(scope="module")
def quiet_hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    """The demo hospital before anybody came whom a test does not bring."""
    with open_hospital(tmp_path_factory.mktemp("quiet")) as hospital:
        yield hospital
