"""Gathers the messages that wait at the same moment into one turn in a worker thread, so that they share a commit."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

AT_ONCE = 128
SIDE_BY_SIDE = 4
PROMPT_SECONDS = 0.012

Came = TypeVar("Came")
Goes = TypeVar("Goes")


class Turns(Generic[Came, Goes]):
    """Hands what comes to `work`, all that waits at once, and gives each its own part of what comes back.

    One turn is under way at a time, which makes the next one larger the busier it is. One that takes longer than
    PROMPT_SECONDS (it waits for a lock, or the database is slow) holds nobody up: the next begins beside it.
    """

    def __init__(self, work: Callable[[Sequence[Came]], Sequence[Goes | Exception]]) -> None:
        """`work` runs in the loop's executor and gives one result or exception for each that it gets, in order."""
        self._work = work
        self._waiting: deque[tuple[Came, asyncio.Future[Goes]]] = deque()
        self._prompt: asyncio.Future[Sequence[Goes | Exception]] | None = None
        self._under_way = 0

    async def take(self, came: Came) -> Goes:
        """What `work` gives for `came`; raises the exception that it gave."""
        given: asyncio.Future[Goes] = asyncio.get_running_loop().create_future()
        self._waiting.append((came, given))
        self._begin()
        return await given

    def _begin(self) -> None:
        if not self._waiting or self._prompt is not None or self._under_way >= SIDE_BY_SIDE:
            return
        loop = asyncio.get_running_loop()
        some = [self._waiting.popleft() for _ in range(min(len(self._waiting), AT_ONCE))]
        turn = loop.run_in_executor(None, self._work, [came for came, _ in some])
        self._prompt, self._under_way = turn, self._under_way + 1
        timer = loop.call_later(PROMPT_SECONDS, self._go_on_beside, turn)
        turn.add_done_callback(partial(self._end, some, timer))

    def _go_on_beside(self, turn: asyncio.Future[Sequence[Goes | Exception]]) -> None:
        if self._prompt is turn:
            self._prompt = None
            self._begin()

    def _end(
        self,
        some: list[tuple[Came, asyncio.Future[Goes]]],
        timer: asyncio.TimerHandle,
        turn: asyncio.Future[Sequence[Goes | Exception]],
    ) -> None:
        timer.cancel()
        self._under_way -= 1
        if self._prompt is turn:
            self._prompt = None
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
