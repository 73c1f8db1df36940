"""The rows of messages that change nothing, written at once: message, its numbers and its audit row stand together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

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
# instead of deadlocking. `->>` counts as the fields of `Filed` stand.
_COLUMNS = ", ".join(
    f"({{}}->>{number})::bigint AS {name}"
    if name in ("took_ms", "version")
    else f"decode({{}}->>{number}, 'hex') AS {name}"
    if name in ("body", "answer")
    else f"{{}}->{'' if name == 'numbers' else '>'}{number} AS {name}"
    for number, name in enumerate(Filed._fields)
).replace("{}", "row.value")
_FILE = f"""
WITH told AS MATERIALIZED (
    SELECT row.place, {_COLUMNS}
    FROM json_array_elements(%(told)s::json) WITH ORDINALITY AS row(value, place)
), made AS (
    INSERT INTO inbox (source, key, kind, body, state, received_at, done_at, answer, answer_code, error_code,
                       error_place, took_ms, repeats, subject_ref)
    SELECT source, key, kind, body, state, %(now)s, %(now)s, answer, answer_code, error_code, error_place, took_ms,
           0, ''
    FROM told
    WHERE version = coalesce((SELECT peer.version FROM hl7_peer peer
                              WHERE peer.application = told.application AND peer.facility = told.facility), 0)
    ORDER BY source, key
    ON CONFLICT (source, key) DO NOTHING
    RETURNING id, source, key
), kept AS (
    SELECT made.id, told.* FROM made JOIN told USING (source, key)
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
"""  # noqa: S608 - put together from the names above


def file(connection: Connection, now: datetime, letters: Sequence[Filed]) -> list[int]:
    """The indexes of the letters that are kept now; left out are those known already, or judged by an old agreement.

    No two of them may have the same source and key.
    """
    told = json.dumps(letters, ensure_ascii=False, separators=(",", ":"))
    return [place - 1 for (place,) in connection.exec_driver_sql(_FILE, {"told": told, "now": now})]
