"""Does the hospital's jobs: `python -m app.jobs` until SIGTERM, or `--once NAME` for one of them now.

APScheduler only rings the bell, at intervals kept in memory: what is due stands in rows, each taken by one process, so
several of these processes at once do no harm and none loses a reminder when it is killed.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from threading import Event

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from app import create_app
from app.jobs.bell import Bell
from app.jobs.timetable import BY_NAME, JOBS
from app.runtime import Runtime

WORKERS = 4
BEAT_SECONDS = 10
_log = logging.getLogger("app.jobs")


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 when all went well, 1 when the job asked for failed, 2 for one that is not in the timetable."""
    parser = argparse.ArgumentParser(prog="python -m app.jobs", description="Does the hospital's jobs.")
    parser.add_argument("--once", metavar="NAME", choices=sorted(BY_NAME), help="run one job now and stop")
    parser.add_argument("--list", action="store_true", help="print the timetable and stop")
    given = parser.parse_args(arguments)
    if given.list:
        sys.stdout.writelines(f"{job.name} every {job.every_seconds} s\n" for job in JOBS)
        return 0
    runtime: Runtime = create_app().extensions["menzhen"]
    bell = Bell(runtime, runtime.units.clock.wall_now())
    try:
        if given.once:
            return 0 if bell.ring(BY_NAME[given.once]) else 1
        return run_until_stopped(bell)
    finally:
        runtime.units.engine.dispose()


def run_until_stopped(bell: Bell) -> int:
    """Every job's bell rings at its interval until SIGTERM or SIGINT; jobs under way are finished first."""
    stopping = Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    scheduler = BackgroundScheduler(
        executors={"default": ThreadPoolExecutor(WORKERS)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        timezone=bell.runtime.settings.time_zone,
    )
    now = bell.runtime.units.clock.wall_now()
    scheduler.add_job(bell.beat, "interval", seconds=BEAT_SECONDS, next_run_time=now)
    for job in JOBS:
        scheduler.add_job(
            bell.ring, "interval", args=(job,), name=job.name, seconds=job.every_seconds, next_run_time=now
        )
    scheduler.start()
    _log.info("jobs started", extra={"count": len(JOBS)})
    stopping.wait()
    scheduler.shutdown(wait=True)
    bell.say_farewell()
    _log.info("jobs stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
