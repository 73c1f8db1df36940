"""Start the outside world: `python -m sandbox`; it stops on SIGTERM or Ctrl-C and forgets nothing when killed."""

from __future__ import annotations

import logging
import signal
import threading

from werkzeug.serving import make_server

from sandbox.alipay import notify as alipay_notify
from sandbox.deliveries import Sender
from sandbox.his.listener import start_listener
from sandbox.insurer import people as insured
from sandbox.keys import load_keys, set_up
from sandbox.settings import from_environment
from sandbox.store import Store
from sandbox.web import create_web
from sandbox.world import World
from sandbox.wxoa import messages, oauth
from sandbox.wxpay import notify


def main() -> None:
    """Serve until told to stop."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    # Request lines carry phone numbers in their query.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    settings = from_environment()
    set_up(settings)
    keys = load_keys(settings.state_dir / "keys")
    world = World(settings, keys, Store(settings.state_dir / "books.sqlite3"))
    oauth.seed_people(world)
    insured.seed(world.store)
    routes = {**notify.routes(world), "wxoa": messages.route(world), "alipay": alipay_notify.route(world)}
    sender = Sender(world.store, routes, (lambda: notify.carry_out_refunds(world),))
    server = make_server(settings.host, settings.http_port, create_web(world), threaded=True)
    stopping = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    start_listener(world.store, settings.host, settings.his_port)
    sender.start()
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    stopping.wait()
    server.shutdown()
    sender.stop()


if __name__ == "__main__":
    main()
