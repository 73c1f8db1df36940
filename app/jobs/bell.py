"""Rings for one job: whatever goes wrong in it is written down and counted, and the next bell rings all the same."""

from __future__ import annotations

import logging
import os
import socket
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from app.analytics import heartbeats
from app.jobs.timetable import Job
from app.kernel.errors import VisitError
from app.kernel.uow import Actor
from app.runtime import Runtime

_log = logging.getLogger("app.jobs")


@dataclass
class Bell:
    """One process's bell: how often it rang since `started_at`, and how often a job failed."""

    runtime: Runtime
    started_at: datetime
    process: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    ran: int = 0
    failed: int = 0
    last_error: str = ""
    _lock: Lock = field(default_factory=Lock)

    def ring(self, job: Job) -> bool:
        """The job has run; False when it failed, which is on the log by its code, without anybody's data."""
        error = ""
        try:
            count = job.run(self.runtime)
        except Exception as caught:  # noqa: BLE001 - one job's trouble must not silence the others
            error = caught.code if isinstance(caught, VisitError) else type(caught).__name__
            _log.exception("a job failed", extra={"job": job.name, "code": error})
        else:
            if count:
                _log.info("a job ran", extra={"job": job.name, "count": count})
        with self._lock:
            self.ran += 1
            if error:
                self.failed += 1
                self.last_error = f"{job.name}: {error}"
        return not error

    def beat(self) -> None:
        """This process's sign of life stands in the database; a database that is away is tried again next time."""
        try:
            with self.runtime.units.open(Actor("job", "heartbeat")) as uow:
                heartbeats.beat(
                    uow,
                    process=self.process[-80:],
                    started_at=self.started_at,
                    ran=self.ran,
                    failed=self.failed,
                    last_error=self.last_error,
                )
        except Exception as caught:  # noqa: BLE001 - a sign of life must never end the life
            _log.warning("no sign of life could be left", extra={"code": type(caught).__name__})

    def say_farewell(self) -> None:
        """This process stops as it was told to, and is missed by nobody."""
        try:
            with self.runtime.units.open(Actor("job", "heartbeat")) as uow:
                heartbeats.say_farewell(uow, process=self.process[-80:])
        except Exception as caught:  # noqa: BLE001 - the database may be stopping too
            _log.warning("no farewell could be left", extra={"code": type(caught).__name__})
