"""The rows of messages that change nothing, written at once: message, its numbers and its audit row stand together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import psycopg
from sqlalchemy import Connection

from app.kernel.message_keys import KeyKind


class Filed(NamedTuple):
    """A message to be kept with its answer, the bytes of both as hex digits.

    `application`, `facility` and `version` name the agreement it was judged by; without one the version is 0.
    """

    source: str
    key: str
    kind: str
    body: str
    state: str
    answer: str
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


# One statement is one round trip and a transaction of its own; one JSON text is by far the cheapest way to hand rows
# over. Rows are made in the order of their keys, so that two that bring the same messages at once wait for each other
# instead of deadlocking.
_FILE = """
WITH told AS MATERIALIZED (
    SELECT *
    FROM ROWS FROM (json_to_recordset(%(told)s::json) AS (
        source text, key text, kind text, body text, state text, answer text, answer_code text, error_code text,
        error_place text, took_ms bigint, sender text, request_id text, application text, facility text,
        version bigint, numbers json
    )) WITH ORDINALITY AS row(source, key, kind, body, state, answer, answer_code, error_code, error_place, took_ms,
                              sender, request_id, application, facility, version, numbers, place)
), made AS (
    INSERT INTO inbox (source, key, kind, body, state, received_at, done_at, answer, answer_code, error_code,
                       error_place, took_ms, repeats, subject_ref)
    SELECT source, key, kind, decode(body, 'hex'), state, %(now)s, %(now)s, decode(answer, 'hex'), answer_code,
           error_code, error_place, took_ms, 0, ''
    FROM told
    WHERE version = coalesce((SELECT peer.version FROM hl7_peer peer
                              WHERE peer.application = told.application AND peer.facility = told.facility), 0)
    ORDER BY source, key
    ON CONFLICT (source, key) DO NOTHING
    RETURNING id, source, key
), kept AS (
    SELECT made.id, told.place, told.kind, told.sender, told.request_id, told.error_code, told.numbers
    FROM made JOIN told USING (source, key)
), found AS (
    INSERT INTO message_key (direction, item_id, kind, value)
    SELECT 'in', kept.id, number->>0, number->>1
    FROM kept CROSS JOIN LATERAL json_array_elements(kept.numbers) AS number
), heard AS (
    INSERT INTO audit_event (happened_at, actor_kind, actor_ref, action, subject_kind, subject_ref, outcome, request_id,
                             detail)
    SELECT %(now)s, 'peer', sender, 'hl7.receive', 'hl7_message', id::text,
           CASE error_code WHEN '' THEN 'ok' ELSE error_code END, request_id, json_build_object('kind', kind)
    FROM kept
)
SELECT place FROM kept
"""


def file(connection: Connection, now: datetime, letters: Sequence[Filed]) -> list[int]:
    """The indexes of the letters that are kept now; left out are those known already, or judged by an old agreement.

    No two of them may have the same source and key.
    """
    return [place - 1 for (place,) in connection.exec_driver_sql(_FILE, _facts(now, letters))]


async def file_over(connection: psycopg.AsyncConnection, now: datetime, letters: Sequence[Filed]) -> list[int]:
    """The same, of an event loop; raises what the driver raises."""
    found = await connection.execute(_FILE, _facts(now, letters), prepare=True)
    return [place - 1 for (place,) in await found.fetchall()]


def _facts(now: datetime, letters: Sequence[Filed]) -> dict[str, object]:
    told = json.dumps([each._asdict() for each in letters], ensure_ascii=False, separators=(",", ":"))
    return {"told": told, "now": now}
