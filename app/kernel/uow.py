"""One request, job or message is one unit of work: everything it did stands, or nothing does."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from app.kernel import clock as clocks
from app.kernel.clock import Clock
from app.kernel.crypto import Keyring
from app.kernel.unit_session import UnitSession


@dataclass(frozen=True)
class Actor:
    """Who acts: `kind` is patient, staff, device, peer, provider, client, job or nobody.

    `ref` names them without personal data; `id` is the account's, staff member's or device's key; `roles` are
    the staff member's.
    """

    kind: str
    ref: str = ""
    id: int | None = None
    roles: frozenset[str] = frozenset()


NOBODY = Actor("nobody")


Follower = Callable[["Uow", object], None]
Story = Mapping[type, Sequence[Callable[..., None]]]


@dataclass
class Uow:
    """The open unit of work: its session, its time, who acts in it, and what has happened so far.

    `partners` names the outside parties this house works with whose presence changes what follows (`insurer`).
    """

    session: UnitSession
    clock: Clock
    keys: Keyring
    zone: ZoneInfo
    story: Story
    actor: Actor = NOBODY
    request_id: str = ""
    partners: frozenset[str] = frozenset()
    _happened: deque[object] = field(default_factory=deque)

    def now(self) -> datetime:
        """The hospital's time, in UTC."""
        return self.clock.now()

    def today(self) -> date:
        """The hospital's calendar day."""
        return clocks.hospital_day(self.clock.now(), self.zone)

    def keep(self, row: object) -> None:
        """The row is remembered as long as the unit is open, so that to get it again asks nobody."""
        self.session.info.setdefault("kept", []).append(row)

    def hear(self) -> None:
        """What would go along with the unit's next question is asked now, and may refuse."""
        self.session.hear_riders()

    def forget(self) -> None:
        """What was remembered is asked for anew from now on."""
        self.session.info.pop("kept", None)

    def publish(self, event: object) -> None:
        """Says that `event` (of app.events) has happened; what follows runs before the unit is committed."""
        self._happened.append(event)

    def settle(self) -> None:
        """Runs what follows every event so far, in the order of the visit, until nothing more happens."""
        while self._happened:
            event = self._happened.popleft()
            for follower in self.story.get(type(event), ()):
                follower(self, event)


@dataclass(frozen=True)
class Units:
    """Opens units of work; one per process, safe to use from many threads."""

    engine: Engine
    clock: Clock
    keys: Keyring
    zone: ZoneInfo
    story: Story
    partners: frozenset[str] = frozenset()

    def begin(self, actor: Actor = NOBODY, *, reads_only: bool = False, request_id: str = "") -> Uow:
        """An open unit that the caller finishes with `finish` or `drop`."""
        session = UnitSession(self.engine, expire_on_commit=False)
        if self.engine.dialect.name == "sqlite":  # whose units that write wait for each other at their beginning
            session.connection(execution_options={"reads_only": reads_only})
        return Uow(session, self.clock, self.keys, self.zone, self.story, actor, request_id, self.partners)

    def finish(self, uow: Uow) -> None:
        """What `uow` did stands, with everything that follows from it; raises and keeps nothing if that fails."""
        try:
            uow.settle()
            uow.session.conclude()
        except BaseException:
            uow.session.undo()
            raise
        finally:
            uow.session.close()

    def drop(self, uow: Uow) -> None:
        """Nothing of what `uow` did stands; quiet when called twice."""
        uow.session.undo()
        uow.session.close()

    @contextmanager
    def open(self, actor: Actor = NOBODY, *, reads_only: bool = False, request_id: str = "") -> Iterator[Uow]:
        """A unit that is finished at the end of the block and dropped when the block raises."""
        uow = self.begin(actor, reads_only=reads_only, request_id=request_id)
        try:
            yield uow
        except BaseException:
            self.drop(uow)
            raise
        self.finish(uow)
