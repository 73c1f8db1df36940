"""A session that was just found sold out says so without being looked at, and one of those who ask looks again."""

from __future__ import annotations

import pytest
from flask import Flask

from app.web.patient import sold_out


def ask(app: Flask, session: str = "one") -> bool:
    """Whether the answer was known already."""
    with app.test_request_context("/registrations", method="POST", data={"session": session}):
        known = sold_out.answer_first()
        assert known is None or known.status_code == 409
        return known is not None


def note(app: Flask) -> None:
    with app.test_request_context("/registrations", method="POST"):
        sold_out.note("one")


def test_one_looks_again_when_the_second_is_over_and_the_others_need_not(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    sold_out.forget()
    now = 1000.0
    monkeypatch.setattr(sold_out.time, "monotonic", lambda: now)
    assert not ask(app)
    note(app)
    assert ask(app)
    assert not ask(app, "another")

    now += sold_out.SECONDS + 0.1
    assert [ask(app) for _ in range(3)] == [False, True, True]

    with app.test_request_context("/registrations", method="POST"):
        sold_out.found("one")
    assert not ask(app)


def test_when_nobody_asked_for_long_all_look(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Places may have been released meanwhile: a crowd that comes for them must not be sent away while one looks."""
    sold_out.forget()
    now = 1000.0
    monkeypatch.setattr(sold_out.time, "monotonic", lambda: now)
    note(app)

    now += 2 * sold_out.SECONDS + 0.1

    assert [ask(app) for _ in range(3)] == [False, False, False]
