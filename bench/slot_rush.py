"""Everybody wants a place at the same instant: holds by HTTP beside PostgreSQL alone and beside read-then-write."""

from __future__ import annotations

import secrets
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice, repeat

from app.web.patient import sold_out
from bench import rush_floor
from bench.figures import Figure, in_rounds, median_ratio
from bench.http_load import Load, ask_all, get
from bench.processor import seconds_of_tree
from bench.rush_house import RushHouse, Server, our_server, peer_server, rush_house

LINES = 16
CROWD = 100  # what a proxy in front of two processes keeps open


@dataclass(frozen=True)
class Size:
    """How much is tried: the house, how long each part lasts, and how many rushes to the last place."""

    people: int
    spread: tuple[int, int]
    hot_places: int
    rounds: int
    seconds: int
    rushes: int
    rush_sessions: int


FULL = Size(people=20_000, spread=(200, 100), hot_places=8_000, rounds=5, seconds=3, rushes=10, rush_sessions=20)
QUICK = Size(people=4_000, spread=(40, 100), hot_places=2_000, rounds=1, seconds=1, rushes=2, rush_sessions=4)


def measure(*, quick: bool) -> Iterator[Figure]:
    """Rates in interleaved rounds, what each part of the machine does for a hold, then rushes that sell out."""
    size = QUICK if quick else FULL
    with (
        rush_house(people=size.people, spread=size.spread, hot_places=size.hot_places) as house,
        our_server(house.url) as ours,
        peer_server(house.url) as peer,
    ):
        for server in (ours, peer):  # both are warm and have their statements prepared before anything is counted
            _holds(house, server, house.spread, 1)
        _sold_out(house, ours, 1)
        yield from _rates(house, ours, peer, size)
        yield from _where_it_goes(house, ours, size)
        yield from _exact(house, ours, size)
        yield from _oversold_by_peer(house, peer, size)


def _rates(house: RushHouse, ours: Server, peer: Server, size: Size) -> Iterator[Figure]:
    slowest: list[float] = []

    def holds(server: Server, sessions: list[str], kept: list[float] | None = None) -> Callable[[], float]:
        def timed() -> float:
            load = _holds(house, server, sessions, size.seconds)
            if kept is not None:
                kept.append(load.p(99))
            return load.rate

        return timed

    def alone(script: str) -> Callable[[], float]:
        def timed() -> float:
            house.empty()
            return rush_floor.pgbench(house, script, sessions=size.spread[0], seconds=size.seconds)

        return timed

    parts = {
        "ours": holds(ours, house.spread, slowest),
        "peer": holds(peer, house.spread),
        "hot": holds(ours, [house.hot]),
        "floor": alone(rush_floor.HOLD),
        "claim": alone(rush_floor.CLAIM),
        "sold_out": lambda: _sold_out(house, ours, size.seconds).rate,
        "hello": lambda: ask_all(ours.port, repeat(get("/healthz", "")), lines=LINES, seconds=size.seconds).rate,
    }
    seen = in_rounds(size.rounds, parts)
    middle = {name: round(statistics.median(rates), 1) for name, rates in seen.items()}
    n, ratio = size.rounds, lambda one, other: round(median_ratio(seen[one], seen[other]), 3)
    yield Figure("holds_per_s", "holds/s", middle["ours"], n, middle["peer"], middle["floor"], ratio("ours", "peer"))
    yield Figure("holds_of_floor", "share", ratio("ours", "floor"), n)
    yield Figure("holds_of_bare_claim", "share", ratio("ours", "claim"), n, floor=middle["claim"])
    yield Figure("holds_p99_ms", "ms", round(statistics.median(slowest), 1), n)
    yield Figure("hot_per_s", "holds/s", middle["hot"], n, middle["ours"], None, ratio("hot", "ours"))
    yield Figure(
        "sold_out_per_s", "answers/s", middle["sold_out"], n, None, middle["hello"], ratio("sold_out", "hello")
    )


def _holds(house: RushHouse, server: Server, sessions: list[str], seconds: float) -> Load:
    """Each phone holds one place; every answer must be the way to its registration."""
    house.empty()
    phones = (phone.hold(secrets.choice(sessions)) for phone in house.phones)
    load = ask_all(server.port, phones, lines=LINES, seconds=seconds)
    if set(load.statuses) != {302} or house.count(HELD) != len(load.took_ms) - house.count(TWICE):
        raise SystemExit(f"not every hold was one: {load.statuses}")
    return load


HELD = "SELECT count(*) FROM slot WHERE state = 'held'"
TWICE = "SELECT count(*) - count(DISTINCT slot_id) FROM registration WHERE state = 'held'"


def _sold_out(house: RushHouse, server: Server, seconds: float) -> Load:
    asking = (phone.hold(house.sold_out) for _ in repeat(None) for phone in house.phones)
    load = ask_all(server.port, asking, lines=LINES, seconds=seconds)
    if set(load.statuses) != {409}:
        raise SystemExit(f"a place of a session without places: {load.statuses}")
    return load


def _where_it_goes(house: RushHouse, ours: Server, size: Size) -> Iterator[Figure]:
    """Processor time for one hold in the web processes and in PostgreSQL, and for one hello."""
    web, database = seconds_of_tree(ours.pid), seconds_of_tree(house.postgres_pid)
    count = len(_holds(house, ours, house.spread, size.seconds).took_ms)
    yield Figure("hold_web_us", "us", round((seconds_of_tree(ours.pid) - web) / count * 1e6), count)
    yield Figure("hold_postgres_us", "us", round((seconds_of_tree(house.postgres_pid) - database) / count * 1e6), count)
    web = seconds_of_tree(ours.pid)
    count = len(ask_all(ours.port, repeat(get("/healthz", "")), lines=LINES, seconds=size.seconds).took_ms)
    yield Figure("hello_web_us", "us", round((seconds_of_tree(ours.pid) - web) / count * 1e6), count)


def _rush(house: RushHouse, server: Server, sessions: list[str], tries: int) -> float:
    """A crowd asks until all have tried; returns the seconds that took."""
    house.empty()
    time.sleep(
        2 * sold_out.SECONDS
    )  # no place comes back so fast in life, and that they had been sold out is remembered
    phones = iter(house.phones)
    asking = (phone.hold(sessions[number % len(sessions)]) for number, phone in enumerate(islice(phones, tries)))
    began = time.perf_counter()
    ask_all(server.port, asking, lines=CROWD)
    return time.perf_counter() - began


def _exact(house: RushHouse, ours: Server, size: Size) -> Iterator[Figure]:
    """Rushes in which more ask than there are places: each place is sold to one, and none is left."""
    places = size.rush_sessions * size.spread[1]
    oversold = undersold = exact = 0
    took = []
    for _ in range(size.rushes):
        took.append(_rush(house, ours, house.spread[: size.rush_sessions], int(places * 1.3)))
        sold, twice = house.count(HELD), house.count(TWICE)
        registered = house.count("SELECT count(*) FROM registration WHERE state = 'held'")
        oversold += twice + max(0, registered - places)
        undersold += places - sold
        exact += twice == 0 and sold == registered == places
    yield Figure("oversold", "places", oversold, size.rushes)
    yield Figure("undersold", "places", undersold, size.rushes)
    yield Figure("exact_rushes", "rushes", exact, size.rushes)
    yield Figure("rush_seconds", "s", round(statistics.median(took), 2), size.rushes)


def _oversold_by_peer(house: RushHouse, peer: Server, size: Size) -> Iterator[Figure]:
    _rush(house, peer, house.spread[: size.rush_sessions], int(size.rush_sessions * size.spread[1] * 1.3))
    yield Figure("oversold_by_peer", "places", house.count(TWICE), 1)
