"""Mishaps follow from the seed, strike as often as was ordered, and never keep a day from ending."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.his.faults import RECEIVING, SENDING, TRIES_STRUCK, FaultPlan, Faults
from sandbox.his.people import person
from sandbox.his.script import changed, read_script, scripts
from sandbox.store import Store

KINDS = {"sending": dict.fromkeys(SENDING, 1.0), "receiving": dict.fromkeys(RECEIVING, 1.0)}


def test_as_many_tries_meet_a_mishap_as_was_ordered() -> None:
    plan = FaultPlan("seed", 5, KINDS)

    struck = [plan.strikes("receiving", f"M{number}", 0) for number in range(20_000)]

    assert 800 < sum(map(bool, struck)) < 1200
    assert set(struck) - {""} == set(RECEIVING)


def test_the_same_seed_gives_the_same_day_and_another_seed_another() -> None:
    first, same, other = (FaultPlan(seed, 50, KINDS) for seed in ("a", "a", "b"))

    days = [[plan.strikes("sending", str(number), 0) for number in range(100)] for plan in (first, same, other)]

    assert days[0] == days[1] != days[2]


def test_no_message_meets_mishaps_for_ever() -> None:
    plan = FaultPlan("seed", 100, KINDS)

    assert plan.strikes("sending", "M", TRIES_STRUCK - 1) != ""
    assert plan.strikes("sending", "M", TRIES_STRUCK) == ""


def test_what_struck_stands_in_the_books(tmp_path: Path) -> None:
    store = Store(tmp_path / "books.sqlite3")
    quiet, ordered = Faults(store), Faults(store)

    before = quiet.strike("sending", "M1")
    ordered.order(FaultPlan("seed", 100, {"sending": {"delay": 1}}))
    kinds = [quiet.strike("sending", "M1"), ordered.strike("receiving", "M1")]

    assert (before, kinds) == ("", ["delay", ""])
    assert ordered.struck() == {"sending.delay": 1}


def test_the_shipped_scripts_can_be_read_and_changed() -> None:
    read = {name: read_script(path) for name, path in scripts().items()}

    assert set(read) >= {"quiet", "hostile"}
    assert read["quiet"].faults.percent == 0
    many = changed(read["hostile"], visits=3000, percent=7, seed="x")
    assert (many.visits, many.doctors, many.faults.percent, many.seed) == (3000, 20, 7, "x")


@pytest.mark.parametrize(
    "text",
    [
        "visits = 1",
        "visits = 1\ndoctors = 1\nrooms = 3",
        "visits = 1\ndoctors = 1\n[shares]\nfought = 5",
        "visits = 1\ndoctors = 1\n[faults]\npercent = 5\n[faults.sending]\nflood = 1",
        'visits = 1\ndoctors = 1\ndialects = ["zp1"]',
        "visits = ",
    ],
)
def test_a_script_that_is_none_is_refused_in_words(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)

    with pytest.raises(ValueError, match=r"\w"):
        read_script(file)


def test_every_patient_is_somebody_else() -> None:
    people = [person(run, visit, "") for run in (9_000_000, 9_000_001) for visit in range(2000)]

    assert len({each.id_number for each in people}) == len({each.phone for each in people}) == len(people)
