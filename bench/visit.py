"""Whole visits by the real interfaces on PostgreSQL with two web processes; then the pages on long tables."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from sqlalchemy import select

from app.prescription.models import Prescription
from bench import growth, pages
from bench.copied_keys import open_copies
from bench.figures import Figure, percentile
from bench.hospital import Desk, Hospital, desks, resident_mb, running_hospital
from bench.patients import TO_THE_DOOR, TO_THE_END, Came, Guest, Step, come, come_until, guest
from tools.play import collecting, paying, prescribing
from tools.play.browser import Browser

PROCESSES = ("web", "jobs", "hl7_adapter", "sandbox")
# Rows of the one patient who is asked about; their copies are further visits of the same person.
PERSON = {"account", "account_channel", "patient", "patient_identifier", "patient_link", "coverage", "login_session"}
# Not of any visit, though a row of theirs may have come in the meantime.
NOT_OF_A_VISIT = {"audit_seal", "heartbeat", "provider_token", "clinic_session", "slot", "day_figure", "channel"}


@dataclass(frozen=True)
class Size:
    """How much is played and how long the tables get: few and many visits in all."""

    desks: int
    rounds: int
    round_seconds: float
    few: int
    many: int


FULL = Size(desks=6, rounds=4, round_seconds=45, few=1_000, many=100_000)
QUICK = Size(desks=2, rounds=1, round_seconds=12, few=100, many=2_000)


@dataclass(frozen=True)
class Samples:
    """One patient who has been here, whose pages are asked for, and the rows of visits at several stages."""

    patient: Guest
    staff: dict[str, Browser]
    whole: growth.Rows
    unfinished: list[growth.Rows]


def measure(*, quick: bool) -> Iterator[Figure]:
    """Speed and size of the running hospital first, then the statements of its pages as its tables grow."""
    size = QUICK if quick else FULL
    with running_hospital() as hospital:
        sitting = desks(hospital, size.desks + 1)
        samples = _samples(hospital, sitting[0])
        yield from _load(hospital, sitting[1:], size)
        yield from _memory(hospital)
        hospital.processes.close()  # what follows needs the database only, and nobody else who writes to it
        yield from _growth(hospital, samples, size)


def _samples(hospital: Hospital, desk: Desk) -> Samples:
    staff: dict[str, Browser] = {}
    patient, whole = _played(hospital, desk, staff, TO_THE_DOOR + TO_THE_END)
    to_review = TO_THE_END[: TO_THE_END.index(prescribing.prescription_from_his) + 1]
    to_picking = TO_THE_END[: TO_THE_END.index(paying.pay_self) + 1]
    to_window = TO_THE_END[: TO_THE_END.index(collecting.qr_decoded) + 1]
    stages = [TO_THE_DOOR + more for more in (to_review, to_picking, to_window, ())]
    unfinished = [_played(hospital, desk, staff, steps)[1] for steps in stages]
    return Samples(patient, staff, whole, unfinished)


def _played(
    hospital: Hospital, desk: Desk, staff: dict[str, Browser], steps: tuple[Step, ...]
) -> tuple[Guest, growth.Rows]:
    """A visit while nobody else comes, and the rows it left."""
    engine = hospital.runtime.units.engine
    before = growth.keys(engine)
    visit = guest(hospital.endpoints, desk, staff)
    came = come(visit, steps)
    if came.missing:
        raise SystemExit(f"a visit in the quiet hospital failed at {came.missing}")
    return visit, growth.Rows(before, growth.keys(engine))


def _load(hospital: Hospital, sitting: list[Desk], size: Size) -> Iterator[Figure]:
    """Patients come to all desks at once; the first round warms up and is not counted (unless it is the only one)."""
    began = time.time()
    until = began + size.rounds * size.round_seconds
    with ProcessPoolExecutor(len(sitting), multiprocessing.get_context("spawn")) as pool:
        waiting = [pool.submit(come_until, hospital.endpoints, desk, until) for desk in sitting]
        went = [came for desk in waiting for came in desk.result()]
    counted_from = began + (size.round_seconds if size.rounds > 1 else 0)
    failed = [came.missing for came in went if came.missing]
    whole = [came for came in went if not came.missing and came.ended_at >= counted_from]
    yield Figure("visits_per_min", "visits/min", _per_minute(whole, counted_from, until, size), len(whole))
    yield Figure("failed_visits", "visits", len(failed), len(went))
    for reason in sorted(set(failed)):
        print(f"  failed: {reason}", flush=True)
    yield from _steps(whole)


def _per_minute(whole: list[Came], begins: float, ends: float, size: Size) -> float:
    """The median of the rounds; of a single round, which may be shorter than a visit, all that came to their end."""
    if size.rounds == 1:
        took = max((came.ended_at for came in whole), default=ends) - begins
        return round(len(whole) * 60 / took, 1)
    counts = [0] * (size.rounds - 1)
    for came in whole:
        if came.ended_at < ends:
            counts[int((came.ended_at - begins) // size.round_seconds)] += 1
    return round(statistics.median(counts) * 60 / size.round_seconds, 1)


def _steps(whole: list[Came]) -> Iterator[Figure]:
    for step in whole[0].step_ms if whole else ():
        took = [came.step_ms[step] for came in whole]
        yield Figure(f"p50_ms_{step}", "ms", round(percentile(took, 50), 1), len(took))
        yield Figure(f"p95_ms_{step}", "ms", round(percentile(took, 95), 1), len(took))


def _memory(hospital: Hospital) -> Iterator[Figure]:
    sizes = resident_mb(hospital.endpoints["pids"])
    for name in PROCESSES:
        yield Figure(f"rss_mb_{name}", "MB", round(sizes[name], 1), 1)


def _growth(hospital: Hospital, samples: Samples, size: Size) -> Iterator[Figure]:
    """Statements with few and with many visits in the tables; the floor is the figure with few, the ratio many/few."""
    open_copies(hospital)
    growth.make_room(hospital.runtime.units.engine)
    _grow(hospital, samples, others=size.few, own=2, waiting=3)
    few = {asked.page: asked for asked in _asked(hospital, samples)}
    _grow(hospital, samples, others=size.many - size.few, own=18, waiting=27)
    many = _asked(hospital, samples)
    for asked in many:
        before = few[asked.page]
        ratio = round(asked.statements / before.statements, 2) if before.statements else None
        yield Figure(
            f"queries_{asked.page}", "statements", asked.statements, pages.TIMES, floor=before.statements, ratio=ratio
        )
    for asked in many:
        before_ms = few[asked.page].middle_ms
        yield Figure(
            f"page_ms_{asked.page}",
            "ms",
            round(asked.middle_ms, 1),
            pages.TIMES,
            floor=round(before_ms, 1),
            ratio=round(asked.middle_ms / before_ms, 2),
        )


def _grow(hospital: Hospital, samples: Samples, *, others: int, own: int, waiting: int) -> None:
    """More visits of other people, more of the one who is asked about, and more people in the house at each stage."""
    engine = hospital.runtime.units.engine
    growth.copy(engine, samples.whole, others, keep=NOT_OF_A_VISIT, is_past=True)
    growth.copy(engine, samples.whole, own, keep=NOT_OF_A_VISIT | PERSON, is_past=True)
    for rows in samples.unfinished:
        growth.copy(engine, rows, waiting, keep=NOT_OF_A_VISIT, is_past=False)


def _asked(hospital: Hospital, samples: Samples) -> list[pages.Asked]:
    patient, staff = samples.patient, samples.staff
    with hospital.runtime.units.open(reads_only=True) as uow:
        number = Prescription.number == patient["prescription"]
        prescription = uow.session.scalars(select(Prescription.public_id).where(number)).one()
    clients = {role: pages.client_of(hospital, browser) for role, browser in staff.items()}
    phone = pages.client_of(hospital, patient.phone)
    return pages.all_pages(hospital, phone, clients, {**patient.known, "prescription": prescription})
