"""The rules in force, remembered by a process: whoever asks brings a mark, and only what bears the same mark holds.

A rush asks for the same department's rules hundreds of times a second. The mark is read from the database with
something else that has to be asked anyway, so a version that is written, or whose time has come, holds for the next who
asks.
"""

from __future__ import annotations

from datetime import datetime
from weakref import WeakKeyDictionary

from sqlalchemy import BigInteger, BindParameter, Engine, ScalarSelect, cast, func, literal, select

from app.kernel.uow import Uow
from app.rulebook.models import RuleSet
from app.rulebook.service import Where, keep_rules, rules_at
from app.rulebook.terms import Rules

_BEYOND_KEYS = 2**44
_remembered: WeakKeyDictionary[Engine, dict[Where, tuple[int, Rules]]] = WeakKeyDictionary()


def mark(instant: BindParameter[datetime]) -> ScalarSelect[int]:
    """How many versions are in force or were at `instant`, and which: versions are added, and never changed."""
    keys = func.coalesce(cast(func.sum(RuleSet.id), BigInteger), 0)
    which = func.count() * literal(_BEYOND_KEYS, BigInteger) + keys
    return select(which).where(RuleSet.valid_from <= instant).scalar_subquery()


def rules_marked(uow: Uow, where: Where, marked: int, *, at: datetime) -> Rules:
    """The rules that hold there at `at`, when `mark` was `marked`; they are this unit's from now on."""
    bind = uow.session.get_bind()
    assert isinstance(bind, Engine)
    known = _remembered.setdefault(bind, {})
    if where not in known or known[where][0] != marked:
        known[where] = (marked, rules_at(uow, where, at))
    keep_rules(uow, where, known[where][1])
    return known[where][1]


def forget() -> None:
    """Nothing is remembered: for a process under which the database was exchanged, where a mark means other rules."""
    _remembered.clear()
