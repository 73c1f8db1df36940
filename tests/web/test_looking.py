"""A phone's look at its visit: what is put together is asked for once, and costs the same however long the queue."""

from __future__ import annotations

import pytest

from tests.browser.hospital import account_of
from tests.conftest import listened
from tests.web.conftest import Phone
from tests.web.work_fixtures import House


@pytest.mark.parametrize("page", ["/", "/live", "/visits/{}", "/visits/{}/live", "/registrations/{}"])
def test_a_page_about_a_visit_asks_nothing_twice_and_not_more_of_a_longer_queue(
    zhang: Phone, clinic: House, page: str
) -> None:
    clinic.waiting("李建国")
    _, held, _ = clinic.waiting(who=account_of(clinic.units, "13800000101"))
    path, engine, asked = page.format(held.public_id), clinic.app.extensions["menzhen"].units.engine, []

    for _ in range(2):
        with listened(engine) as said:
            assert zhang.open(path).status_code == 200
        asked.append([statement for statement in said if "SELECT" in statement])
        clinic.waiting("王芳")

    assert len(asked[0]) == len(set(asked[0]))
    assert asked[0] == asked[1]
