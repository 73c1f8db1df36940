"""The migrations build what the code expects, on both databases, and can be taken back with rows in the tables."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask_migrate import check, downgrade, upgrade
from sqlalchemy import inspect, text

from app import create_app
from app.cli.seed import seed
from app.kernel.db import db
from app.runtime import runtime
from config import read_settings


@pytest.fixture
def app(bare_database_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(Path(__file__).resolve().parent.parent.parent)
    return create_app(read_settings({"MENZHEN_MODE": "demo", "MENZHEN_DATABASE_URL": bare_database_url}))


def test_up_check_down_and_up_again_with_a_hospital_in_it(app) -> None:
    with app.app_context():
        upgrade()
        check()
        with runtime().units.open() as uow:
            seed(uow)
            seed(uow)
        with db.engine.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM practitioner")).scalar_one() == 9

        downgrade(revision="base")
        assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}

        upgrade()
        check()
