"""The rows of messages that change nothing, written at once: message, its numbers and its audit row stand together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from app.kernel.message_keys import KeyKind


@dataclass(frozen=True, slots=True)
class Filed:
    """A message to be kept with its answer.

    `application`, `facility` and `version` name the agreement it was judged by; without one the version is 0.
    """

    source: str
    key: str
    kind: str
    body: bytes
    state: str
    answer: bytes
    answer_code: str
    error_code: str
    error_place: str
    took_ms: int
    sender: str
    request_id: str
    application: str
    facility: str
    version: int
    numbers: Sequence[tuple[KeyKind, str]]


# The order in which the columns are handed over; a message is told from the others by its place (1, 2 …).
_TYPES = {"body": "bytea", "answer": "bytea", "took_ms": "bigint", "version": "bigint"}
_COLUMNS = [each.name for each in fields(Filed) if each.name != "numbers"]
_TOLD = ", ".join(
    f"%({name})b::bytea[]" if _TYPES.get(name) == "bytea" else f"%({name})s::{_TYPES.get(name, 'text')}[]"
    for name in _COLUMNS
)

# One statement is one round trip and a transaction of its own. Rows are made in the order of their keys, so that two
# that bring the same messages at once wait for each other instead of deadlocking.
_FILE = f"""
WITH told AS MATERIALIZED (
    SELECT * FROM unnest({_TOLD}) WITH ORDINALITY AS t({", ".join(_COLUMNS)}, place)
), made AS (
    INSERT INTO inbox (source, key, kind, body, state, received_at, done_at, answer, answer_code, error_code,
                       error_place, took_ms, repeats, subject_ref)
    SELECT source, key, kind, body, state, %(now)s, %(now)s, answer, answer_code, error_code, error_place, took_ms,
           0, ''
    FROM told t
    WHERE version = coalesce(
        (SELECT p.version FROM hl7_peer p WHERE p.application = t.application AND p.facility = t.facility), 0)
    ORDER BY source, key
    ON CONFLICT (source, key) DO NOTHING
    RETURNING id, source, key
), kept AS (
    SELECT made.id, told.* FROM made JOIN told USING (source, key)
), found AS (
    INSERT INTO message_key (direction, item_id, kind, value)
    SELECT 'in', kept.id, n.kind, n.value
    FROM unnest(%(number_of)s::bigint[], %(number_kind)s::text[], %(number)s::text[]) AS n(place, kind, value)
    JOIN kept ON kept.place = n.place
), heard AS (
    INSERT INTO audit_event (happened_at, actor_kind, actor_ref, action, subject_kind, subject_ref, outcome, request_id,
                             detail)
    SELECT %(now)s, 'peer', sender, 'hl7.receive', 'hl7_message', id::text,
           CASE error_code WHEN '' THEN 'ok' ELSE error_code END, request_id, json_build_object('kind', kind)
    FROM kept
)
SELECT place FROM kept
"""  # noqa: S608 - put together from the names above


def file(connection: Connection, now: datetime, letters: Sequence[Filed]) -> list[int]:
    """The indexes of the letters that are kept now; left out are those known already, or judged by an old agreement.

    No two of them may have the same source and key.
    """
    columns = zip(*(astuple(each)[:-1] for each in letters), strict=True) if letters else ()
    values: dict[str, Any] = {name: list(column) for name, column in zip(_COLUMNS, columns, strict=True)}
    numbers = [(place, *number) for place, each in enumerate(letters, 1) for number in each.numbers]
    of, kinds, found = zip(*numbers, strict=True) if numbers else ((), (), ())
    values |= {"now": now, "number_of": list(of), "number_kind": list(map(str, kinds)), "number": list(found)}
    return [place - 1 for (place,) in connection.exec_driver_sql(_FILE, values)]
