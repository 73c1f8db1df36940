"""Listens to the hospital system and tells it what happens: `python -m hl7_adapter` until SIGTERM."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

from app import create_app
from app.runtime import Runtime
from hl7_adapter.listener import listen, listen_http
from hl7_adapter.replaying import Replayer
from hl7_adapter.sender import Sender
from hl7_adapter.sweeping import Sweeper

WORKERS = 4
_log = logging.getLogger("hl7_adapter")


def main() -> int:
    """The exit code: 0 after SIGTERM or SIGINT, 1 when the port is taken."""
    runtime: Runtime = create_app().extensions["menzhen"]
    try:
        return asyncio.run(run_until_stopped(runtime))
    finally:
        runtime.units.engine.dispose()


async def run_until_stopped(runtime: Runtime) -> int:
    """Listener, sender, replayer and sweeper work until SIGTERM or SIGINT; the messages in hand are answered first."""
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    loop.set_default_executor(ThreadPoolExecutor(WORKERS, "hl7"))
    hl7 = runtime.settings.hl7
    try:
        server = await listen(runtime.units, hl7)
        by_http = await listen_http(runtime.units, hl7) if hl7.http_port else None
    except OSError as taken:
        ports = f"{hl7.port}" + (f" and {hl7.http_port}" if hl7.http_port else "")
        sys.stderr.write(f"hl7_adapter cannot listen on {hl7.host}:{ports}: {taken.strerror}\n")
        return 1
    workers = (Sender(runtime.units, hl7), Replayer(runtime.units), Sweeper(runtime.units))
    working = [asyncio.create_task(each.run()) for each in workers]
    is_told = bool(hl7.his_host and hl7.his_port)
    told = f"telling {hl7.his_host}:{hl7.his_port}" if is_told else "telling whom the console names (no HL7_HIS_PORT)"
    # What is loaded by now stays for good: to look it all through for garbage would keep the messages waiting for that.
    gc.collect()
    gc.freeze()
    heard = f"{hl7.host}:{server.port}" + (f" and by HTTP on {by_http.port}" if by_http else "")
    sys.stdout.write(f"hl7_adapter ready: listening on {heard}, {told}\n")
    sys.stdout.flush()
    await stopping.wait()
    for each in workers:
        each.stopping.set()
    await asyncio.gather(server.close(), *([by_http.close()] if by_http else []))
    await asyncio.gather(*working)
    _log.info("hl7_adapter stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
