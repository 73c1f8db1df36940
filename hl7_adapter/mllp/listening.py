"""What every listener does with those who connect: lets so many in, and lets them go when it stops."""

import asyncio
import logging
import ssl as tls
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

HANDSHAKE_SECONDS = 10
log = logging.getLogger(__name__)


class Address(str):
    """A sender's IP address; `names` are those in the certificate it showed by TLS: common name and DNS names."""

    names: frozenset[str] = frozenset()


def address_of(transport: asyncio.BaseTransport) -> Address:
    """Who is at the other end."""
    address = Address((transport.get_extra_info("peername") or ("",))[0])
    shown = transport.get_extra_info("peercert") or {}
    common = (value for part in shown.get("subject", ()) for name, value in part if name == "commonName")
    other = (value for name, value in shown.get("subjectAltName", ()) if name == "DNS")
    address.names = frozenset((*common, *other))
    return address


class Connection(Protocol):
    """One peer's connection; `busy` while a message of it is in hand, `over` is done when it has ended."""

    busy: bool
    over: asyncio.Future[None]

    def leave(self) -> None:
        """End the connection now, whatever it does; called again, without waiting for the peer to read."""


Own = TypeVar("Own", bound=Connection)


class Listening(Generic[Own]):
    """A port that is listened on; `turned_away` counts the connections over the cap."""

    def __init__(self, connections_at_most: int) -> None:
        """Prepare a listener that does not listen yet."""
        self.stopping = False
        self.turned_away = 0
        self._at_most = connections_at_most
        self._open: set[Own] = set()
        self._server: asyncio.Server | None = None
        self._ends_with: list[Callable[[], Awaitable[None]]] = []

    def ends_with(self, end: Callable[[], Awaitable[None]]) -> None:
        """What the listener's handler needs is ended by `end` when all connections are over."""
        self._ends_with.append(end)

    def _protocol(self) -> Callable[[], asyncio.BaseProtocol]:
        """What makes the protocol of a new connection."""
        raise NotImplementedError

    async def listen(self, host: str, port: int, ssl: tls.SSLContext | None) -> None:
        """Start to accept connections; OSError when the address is taken."""
        self._server = await asyncio.get_running_loop().create_server(
            self._protocol(), host, port, ssl=ssl, ssl_handshake_timeout=HANDSHAKE_SECONDS if ssl else None
        )

    @property
    def port(self) -> int:
        """The port listened on, also when 0 was asked for."""
        sockets = self._server.sockets if self._server else ()
        return int(sockets[0].getsockname()[1]) if sockets else 0

    @property
    def connections(self) -> int:
        """How many peers are connected now."""
        return len(self._open)

    def lets_in(self, connection: Own) -> bool:
        """True when there is room for the connection, which counts from now until it is over."""
        if self.stopping or len(self._open) >= self._at_most:
            self.turned_away += 1
            log.warning("connection turned away: %d are open", len(self._open))
            return False
        self._open.add(connection)
        connection.over.add_done_callback(lambda _over: self._open.discard(connection))
        return True

    async def close(self, grace_seconds: float = 10) -> None:
        """Stop: nobody new is let in, idle peers are let go, a message in hand is answered within the grace.

        Calling it twice is harmless.
        """
        self.stopping = True
        if self._server:
            self._server.close()
        for connection in list(self._open):
            if not connection.busy:
                connection.leave()
        if self._open:
            await asyncio.wait([connection.over for connection in self._open], timeout=grace_seconds)
        late = list(self._open)
        for connection in late:
            connection.leave()
        await asyncio.gather(*(connection.over for connection in late))
        while self._ends_with:
            await self._ends_with.pop()()
