"""Gathers the messages that wait at the same moment into turns in worker threads, so that they share a commit."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

AT_ONCE = 16
BESIDE_SECONDS = (0.002, 0.1, 0.1)

Came = TypeVar("Came")
Goes = TypeVar("Goes")


class Turns(Generic[Came, Goes]):
    """Hands what comes to `work`, half of what waits at once, and gives each its own part of what comes back.

    Nearly always two turns are under way, so that one thinks while the database writes the other: the second begins
    BESIDE_SECONDS after the first, with what has gathered until then. Where both take long (they wait for a lock, or
    the database is slow) they hold nobody up: a third begins beside them, and a fourth.
    """

    def __init__(self, work: Callable[[Sequence[Came]], Sequence[Goes | Exception]]) -> None:
        """`work` runs in the loop's executor and gives one result or exception for each that it gets, in order."""
        self._work = work
        self._waiting: deque[tuple[Came, asyncio.Future[Goes]]] = deque()
        self._under_way = 0
        self._last_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def take(self, came: Came) -> Goes:
        """What `work` gives for `came`; raises the exception that it gave."""
        given: asyncio.Future[Goes] = asyncio.get_running_loop().create_future()
        self._waiting.append((came, given))
        self._begin()
        return await given

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._waiting or self._under_way > len(BESIDE_SECONDS):
            return
        due_at = self._last_at + BESIDE_SECONDS[self._under_way - 1] if self._under_way else 0
        if loop.time() < due_at:
            self._timer = loop.call_at(due_at, self._begin)
            return
        some = [self._waiting.popleft() for _ in range(min((len(self._waiting) + 1) // 2, AT_ONCE))]
        self._under_way, self._last_at = self._under_way + 1, loop.time()
        turn = loop.run_in_executor(None, self._work, [came for came, _ in some])
        turn.add_done_callback(partial(self._end, some))
        self._begin()  # the timer of the next

    def _end(
        self, some: list[tuple[Came, asyncio.Future[Goes]]], turn: asyncio.Future[Sequence[Goes | Exception]]
    ) -> None:
        self._under_way -= 1
        self._begin()
        failure = turn.exception()
        gone: Sequence[Goes | BaseException] = [failure] * len(some) if failure else turn.result()
        for (_, given), goes in zip(some, gone, strict=True):
            if given.done():  # its connection was let go meanwhile
                continue
            if isinstance(goes, BaseException):
                given.set_exception(goes)
            else:
                given.set_result(goes)
