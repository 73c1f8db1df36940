"""The numbers of the message templates: one change at a time, every version kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from app.cli.doctor import _templates as look
from app.cli.seed import _templates as enter_all
from app.couriers.chosen import Couriers
from app.kernel.uow import Actor, Units
from app.notifications import templates
from app.notifications.templates import TemplateChanged
from app.runtime import Runtime
from config import read_settings


def saved(units: Units, number: int, version: int = 0) -> bool:
    try:
        with units.open(Actor("staff", "it")) as uow:
            keywords = {"amount": "amount7"}
            templates.save(uow, "paid", number=f"number-{number}", keywords=keywords, fixed_lines=[], version=version)
    except TemplateChanged:
        return False
    return True


def test_of_eight_that_enter_a_number_at_once_one_does(units: Units) -> None:
    with ThreadPoolExecutor(8) as staff:
        done = list(staff.map(lambda number: saved(units, number), range(8)))

    assert sum(done) == 1
    with units.open(reads_only=True) as uow:
        (kept,) = templates.versions_of(uow, "paid")
        assert (kept.version, kept.number, kept.by_ref) == (1, f"number-{done.index(True)}", "it")


def test_the_newest_version_is_in_force_and_the_older_ones_stay(units: Units) -> None:
    assert [saved(units, 1), saved(units, 2, version=1), saved(units, 3, version=1)] == [True, True, False]

    with units.open(reads_only=True) as uow:
        numbered = templates.in_force(uow, "paid")
        assert numbered is not None
        assert numbered.number == "number-2"
        assert [row.number for row in templates.versions_of(uow, "paid")] == ["number-2", "number-1"]
        assert "paid" not in templates.without_number(uow)


def test_the_doctor_names_what_has_no_number_where_there_is_an_account(units: Units) -> None:
    nobody = Couriers(payments=None, notification_keys=None, texts=None, wechat=None)

    def found(**env: str) -> tuple[str, str]:
        finding = look(Runtime(read_settings({"MENZHEN_MODE": "demo", **env}), units, nobody))
        return finding.state, finding.seen

    without, with_one = found(), found(WXOA_BASE_URL="https://api.weixin.qq.com")
    with units.open() as uow:
        enter_all(uow)

    assert without == ("ok", "no Official Account")
    assert with_one[0] == "warn"
    assert with_one[1].startswith("no template number for booked, moved")
    assert found(WXOA_BASE_URL="https://api.weixin.qq.com") == ("ok", "every message has a template number")
