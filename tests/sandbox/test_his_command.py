"""What is typed to rehearse: refused where patients are treated, and in words where nothing can be played."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from app.kernel.db import db
from app.kernel.uow import Units
from config import Settings, read_settings
from hl7_adapter import cli
from tests import factories
from tests.conftest import SetClock
from tools import rehearsal


@pytest.fixture
def settings(database_url: str) -> Settings:
    told = read_settings({"MENZHEN_MODE": "demo", "MENZHEN_DATABASE_URL": database_url})
    return replace(told, data_keys=(("test", b"k" * 32),), index_key=b"i" * 32)


@pytest.fixture
def typed(settings: Settings, clock: SetClock) -> Iterator[Flask]:
    app = create_app(settings, clock=clock)
    cli.register(app)
    rehearsal.register(app)
    yield app
    with app.app_context():
        db.engine.dispose()


def test_no_day_is_played_where_patients_are_treated(typed: Flask, settings: Settings, tmp_path: Path) -> None:
    runtime = typed.extensions["menzhen"]
    typed.extensions["menzhen"] = replace(runtime, settings=replace(settings, mode="production"))

    told = typed.test_cli_runner().invoke(args=["hl7", "simulate", "--demo", str(tmp_path)])

    assert told.exit_code == 2
    assert "MENZHEN_MODE=demo" in told.output


def test_a_script_that_is_not_there_is_said_to_be_missing(typed: Flask, tmp_path: Path) -> None:
    words = ["hl7", "simulate", "--demo", str(tmp_path), "--script", "nowhere.toml"]

    told = typed.test_cli_runner().invoke(args=words)

    assert told.exit_code == 2
    assert "nowhere.toml" in told.output


def test_the_ledger_names_visits_and_no_persons(typed: Flask, units: Units) -> None:
    with units.open() as uow:
        clinic, person = factories.clinic(uow), factories.person(uow)
    visit = factories.booked(units, person, clinic.session)

    told = typed.test_cli_runner().invoke(args=["hl7", "ledger", "--day", "2026-11-23"])

    (entry,) = json.loads(told.output)["visits"]
    assert (entry["numbers"], entry["facts"]["state"], entry["facts"]["doctor"]) == (
        [visit.visit_number],
        "booked",
        "DGI",
    )
    assert "张秀英" not in told.output


def test_a_day_that_is_none_is_refused(typed: Flask) -> None:
    assert typed.test_cli_runner().invoke(args=["hl7", "ledger", "--day", "yesterday"]).exit_code == 2
