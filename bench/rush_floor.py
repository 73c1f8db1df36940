"""What PostgreSQL alone gives here: the statement that claims a place, and nothing else, by pgbench."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from bench.rush_house import RushHouse
from tests.private_postgres import postgres_program

# The claim of app/scheduling/sql.py with the registration beside it, as one statement.
HOLD = """\\set n random(1, :sessions)
WITH who AS (SELECT nextval('rush_people') AS id),
claimed AS (
  UPDATE slot SET state = 'held', registration_id = (SELECT id FROM who)
  WHERE id = (SELECT id FROM slot WHERE session_id = :n AND state = 'free' AND ends_at > now()
              ORDER BY seq LIMIT 1 FOR UPDATE SKIP LOCKED) AND state = 'free'
  RETURNING id, seq, session_id)
INSERT INTO registration (public_id, visit_number, account_id, patient_id, session_id, slot_id, practitioner_id,
  visit_day, half_day, place_no, fee_fen, state, held_at, held_until, source_code, times_moved)
SELECT 'rush' || who.id, 'R' || who.id, NULL, who.id % CAST(:people AS int) + 1, claimed.session_id, claimed.id,
  s.practitioner_id, s.visit_day, s.half_day, claimed.seq, s.fee_fen, 'held', now(), now() + interval '10 minutes',
  '', 0
FROM claimed, who, clinic_session s WHERE s.id = claimed.session_id RETURNING id;
"""
CLAIM = """\\set n random(1, :sessions)
UPDATE slot SET state = 'held', registration_id = nextval('rush_people')
WHERE id = (SELECT id FROM slot WHERE session_id = :n AND state = 'free' AND ends_at > now()
            ORDER BY seq LIMIT 1 FOR UPDATE SKIP LOCKED) AND state = 'free' RETURNING id, seq;
"""


def pgbench(house: RushHouse, script: str, *, sessions: int, seconds: int) -> float:
    """How many of the script's statements were committed in a second, over so many sessions, with 16 connections."""
    house.run("CREATE SEQUENCE IF NOT EXISTS rush_people")
    house.run("ALTER SEQUENCE rush_people RESTART")
    where = urlsplit(house.url)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        Path(file.name).write_text(script)
        facts = {"sessions": sessions, "people": len(house.phones)}
        said = subprocess.run(
            [
                *(postgres_program("pgbench"), "-n", "-M", "prepared", "-c", "16", "-j", "2", "-T", str(seconds)),
                *(word for name, value in facts.items() for word in ("-D", f"{name}={value}")),
                *("-f", file.name, "-h", str(where.hostname), "-p", str(where.port), "-U", str(where.username)),
                where.path.lstrip("/"),
            ],
            check=False,
            capture_output=True,
            text=True,
        )
    found = re.search(r"tps = ([0-9.]+) \(without", said.stdout)
    assert found is not None, said.stderr[:500]
    return float(found[1])
