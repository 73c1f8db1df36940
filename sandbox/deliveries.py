"""What the providers push to the hospital: written down first, sent until it is received, as each provider retries."""

from __future__ import annotations

import http.client
import sqlite3
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from sandbox.clock import now
from sandbox.store import Store, insert

LEASE_SECONDS = 15.0
ANSWER_SECONDS = 5.0
TICK_SECONDS = 0.05


@dataclass(frozen=True)
class Push:
    """One HTTP POST, ready to send."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Event:
    """Something a provider tells the hospital; `payload` is the provider's own record of it, as JSON."""

    provider: str
    event_id: str
    event_type: str
    subject: str
    url: str
    payload: str


@dataclass(frozen=True)
class Route:
    """How one provider delivers: how a try is written, what counts as received, when to try again (seconds).

    With `words` nothing but an answer of exactly these counts.
    """

    write: Callable[[sqlite3.Row], Push]
    received: frozenset[int]
    retry_seconds: tuple[float, ...]
    words: bytes = b""


def post(push: Push) -> tuple[int, bytes]:
    """Send one POST and return status and body; status 0 when nobody answered within five seconds."""
    parts = urlsplit(push.url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=ANSWER_SECONDS)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", target, push.body, dict(push.headers))
        answer = connection.getresponse()
        return answer.status, answer.read(65536)
    except (OSError, http.client.HTTPException) as failure:
        return 0, str(failure).encode()
    finally:
        connection.close()


def enqueue(db: sqlite3.Connection, event: Event, struck: Mapping[str, float]) -> None:
    """Write an event down for sending, with the misfortunes that strike it.

    `drop` never sends it; `delay` waits its seconds; `twice` sends two copies at once; any other one marks only the
    first try, so the retry is clean, as after WeChat's own signature probes.
    """
    fault = next((mode for mode in struck if mode not in {"drop", "delay", "twice"}), "")
    state = "dropped" if "drop" in struck else "waiting"
    due_at = now() + struck.get("delay", 0.0)
    for _ in range(2 if "twice" in struck else 1):
        insert(db, "delivery", **asdict(event), fault=fault, state=state, due_at=due_at, created_at=now())


class Sender:
    """A background thread that delivers what is due; safe to kill, since a try not recorded is made again."""

    def __init__(self, store: Store, routes: Mapping[str, Route], chores: tuple[Callable[[], None], ...] = ()) -> None:
        """Deliver by `routes` (one per provider); `chores` run at each tick, e.g. refunds that become due."""
        self._store = store
        self._routes = routes
        self._chores = chores
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="push")

    def start(self) -> None:
        """Begin delivering."""
        threading.Thread(target=self._run, name="sender", daemon=True).start()

    def stop(self) -> None:
        """Deliver nothing more after the tries under way."""
        self._stopped.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        while not self._stopped.wait(TICK_SECONDS):
            for chore in self._chores:
                chore()
            for row in self._claim():
                self._pool.submit(self._try, row)

    def _claim(self) -> list[sqlite3.Row]:
        due = "state = 'waiting' AND due_at <= ?"
        if self._store.one(f"SELECT 1 FROM delivery WHERE {due}", now()) is None:  # noqa: S608
            return []
        with self._store.write() as db:
            return db.execute(
                f"UPDATE delivery SET due_at = ?, tries = tries + 1 WHERE {due} RETURNING *",  # noqa: S608
                (now() + LEASE_SECONDS, now()),
            ).fetchall()

    def _try(self, row: sqlite3.Row) -> None:
        route = self._routes[row["provider"]]
        status, answer = post(route.write(row))
        state, due_at = "waiting", now()
        if status in route.received and (not route.words or answer == route.words):
            state = "delivered"
        elif row["tries"] > len(route.retry_seconds):
            state = "given_up"
        else:
            due_at += route.retry_seconds[row["tries"] - 1]
        with self._store.write() as db:
            db.execute(
                "UPDATE delivery SET state = ?, due_at = ?, last_status = ? WHERE id = ?",
                (state, due_at, status, row["id"]),
            )
