"""Which installation a rehearsal is held in: the demo that runs in a folder, else the one of the settings."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from app import create_app
from app.runtime import Runtime, runtime
from config import read_settings
from tools.demo.environment import Place, environment, told_outside
from tools.demo.faces import read_endpoints
from tools.demo.options import ports_of


def installation(demo: Path) -> Runtime:
    """The demo of this folder as its own processes see it; without a running one, what the settings name."""
    told = read_endpoints(demo)
    if not told:
        return runtime()
    port = urlsplit(str(told["base_url"])).port or 80
    place = Place(demo.resolve(), ports_of(port), str(told["database_url"]), "127.0.0.1", "127.0.0.1")
    outside = told_outside(demo, has_alipay=find_spec("alipay") is not None)
    settings = read_settings({**environment(place), **outside})
    found: Runtime = create_app(settings).extensions["menzhen"]
    return found


def books(demo: Path) -> Path:
    """Where the simulated hospital system of the demo keeps its books."""
    return demo / "sandbox" / "books.sqlite3"
