"""Takes many messages in as few transactions as is fair: the short way, then together, alone what fails so."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from app.kernel.uow import Units
from hl7_adapter.filing import Filing
from hl7_adapter.intake import Told, receive_together
from hl7_adapter.letters import Letter

TOGETHER = 16
_log = logging.getLogger("hl7_adapter.taking")

Went = Told | Exception
"""What goes back for a message; an exception when nothing of it was kept and nothing may be answered."""


def take(units: Units, filing: Filing | None, letters: Sequence[Letter]) -> list[Went]:
    """What goes back for each, in their order, after what it did is committed; never raises what the database raises.

    Without `filing` all go the long way.
    The effects happen in the order of the letters. A commit that fails answers none of its messages: each is then taken
    in a transaction of its own, where one whose commit did stand is a repeat and gets its stored answer.
    """
    went: dict[int, Went] = dict(_filed(filing, letters) if filing else {})
    left = [index for index in range(len(letters)) if index not in went]
    for start in range(0, len(left), TOGETHER):
        some = left[start : start + TOGETHER]
        went |= zip(some, _together(units, [letters[index] for index in some]), strict=True)
    return [went[index] for index in range(len(letters))]


def _filed(filing: Filing, letters: Sequence[Letter]) -> dict[int, bytes | None]:
    try:
        return filing.file(letters)
    except DBAPIError as failure:
        _log.warning("the short way failed", extra={"code": type(failure).__name__, "count": len(letters)})
        return {}


def _together(units: Units, letters: Sequence[Letter]) -> Sequence[Went]:
    try:
        return receive_together(units, letters)
    except Exception as failure:  # noqa: BLE001 - whose fault it was shows when each is taken alone
        if len(letters) == 1:
            return [failure]
        _log.warning("taken one by one", extra={"code": type(failure).__name__, "count": len(letters)})
    return _one_by_one(units, letters)


def _one_by_one(units: Units, letters: Sequence[Letter]) -> list[Went]:
    """Each alone; when the database fails one, the others are not tried, so that nobody waits for it in a row."""
    went: list[Went] = []
    for each in letters:
        last = went[-1] if went else None
        went += [last] if isinstance(last, SQLAlchemyError) else _together(units, [each])
    return went
