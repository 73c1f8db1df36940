"""The short way taken in the listener's own loop: no thread stands between a message and its commit.

While one statement is under way in the database, the messages that come are judged, and go with the next: the busier
the line, the more of them share a commit.
"""

from __future__ import annotations

import asyncio
import logging

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from app.kernel.db import engine_options
from app.kernel.uow import Units
from hl7_adapter import filing_sql
from hl7_adapter.filing import Filing
from hl7_adapter.filing_sql import Filed
from hl7_adapter.letters import Letter

BYTES_AT_MOST = 64 * 1024  # to read a longer one would keep the others waiting
_log = logging.getLogger("hl7_adapter.short_way")
_Name = tuple[str, str]


class ShortWay:
    """Files messages over a connection of its own, one statement at a time; of one event loop."""

    def __init__(self, units: Units, filing: Filing) -> None:
        """`filing` judges; nothing is connected yet."""
        self._units, self._filing = units, filing
        self._waiting: dict[_Name, tuple[Filed, asyncio.Future[bool]]] = {}
        self._connection: psycopg.AsyncConnection | None = None
        self._writing: asyncio.Task[None] | None = None

    async def file(self, came: Letter) -> bytes | None:
        """The answers in one text, empty for none, after the message is committed; None when it has to go the long way.

        That is for whatever `Filing.file` leaves, for a message of which another copy waits here, and for all while the
        database does not answer. Nothing was kept then, or the long way finds it kept, as a repeat.
        """
        filed = await self._judged(came) if self._filing.works else None
        name = (filed.source, filed.key) if filed else ("", "")
        if filed is None or name in self._waiting:
            return None
        is_kept: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[name] = filed, is_kept
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        if await is_kept:
            return bytes.fromhex(filed.answer)
        self._filing.forget(came)
        return None

    async def close(self) -> None:
        """The connection ends, after what is being written."""
        if self._writing is not None:
            await self._writing
        await self._hang_up()

    async def _judged(self, came: Letter) -> Filed | None:
        if not self._filing.knows(came):
            try:
                await asyncio.to_thread(self._filing.learn, came)
            except SQLAlchemyError:
                return None
        return self._filing.judged(came)

    async def _write(self) -> None:
        while self._waiting:
            some, self._waiting = list(self._waiting.values()), {}
            kept = await self._written([filed for filed, _ in some])
            for place, (_, is_kept) in enumerate(some):
                if not is_kept.done():  # its connection was let go meanwhile
                    is_kept.set_result(place in kept)
        self._writing = None

    async def _written(self, some: list[Filed]) -> set[int]:
        try:
            if self._connection is None:
                self._connection = await self._connected()
            return set(await filing_sql.file_over(self._connection, self._units.clock.now(), some))
        except Exception as failure:  # noqa: BLE001 - whatever it is, nobody may wait for ever, and the long way says it
            _log.warning("the short way failed", extra={"code": type(failure).__name__, "count": len(some)})
            await self._hang_up()
            return set()

    async def _connected(self) -> psycopg.AsyncConnection:
        url = self._units.engine.url
        _, where = self._units.engine.dialect.create_connect_args(url)
        waits = engine_options(str(url), 1)["connect_args"]
        return await psycopg.AsyncConnection.connect(**where, **waits, autocommit=True)

    async def _hang_up(self) -> None:
        if self._connection is not None:
            await self._connection.close()
        self._connection = None
