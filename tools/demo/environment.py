"""What the demo's processes are told: database, ports, keys made once and kept, and the outside world's addresses."""

from __future__ import annotations

import base64
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from tools.demo.options import Options, lan_address
from tools.setup import ROOT

MARK = "MENZHEN_DEMO_DATA"


@dataclass(frozen=True)
class Place:
    """Where one demo lives: its folder, its ports by name, its database and the address browsers use."""

    data: Path
    ports: dict[str, int]
    database_url: str
    browser_host: str
    listen_host: str

    @property
    def base_url(self) -> str:
        """The address of the pages."""
        return f"http://{self.browser_host}:{self.ports['web']}"

    @property
    def sandbox_url(self) -> str:
        """The address of the outside world's control page."""
        return f"http://{self.browser_host}:{self.ports['sandbox']}"

    @property
    def clock_file(self) -> Path:
        """The file whose seconds move the hospital's clock."""
        return self.data / "clock"


def place_of(options: Options, ports: dict[str, int]) -> Place:
    """Where the demo of these options lives."""
    return Place(
        data=options.data,
        ports=ports,
        database_url=options.database or f"sqlite:///{options.data / 'menzhen.db'}",
        browser_host=lan_address() if options.lan else "127.0.0.1",
        listen_host="0.0.0.0" if options.lan else "127.0.0.1",
    )


def environment(place: Place) -> dict[str, str]:
    """The environment of every process of the demo; `python -m sandbox.keys` adds its own to it later."""
    ports, host = place.ports, "127.0.0.1"
    return {
        **os.environ,
        **_kept_secrets(place.data / "secrets.env"),
        MARK: str(place.data),
        "PYTHONUNBUFFERED": "1",
        "MENZHEN_MODE": "demo",
        "MENZHEN_DATABASE_URL": place.database_url,
        "MENZHEN_BASE_URL": place.base_url,
        "MENZHEN_CLOCK_FILE": str(place.clock_file),
        "HL7_HOST": host,
        "HL7_PORT": str(ports["hl7"]),
        "HL7_HIS_HOST": host,
        "HL7_HIS_PORT": str(ports["his"]),
        "SANDBOX_HOST": place.listen_host,
        "SANDBOX_HTTP_PORT": str(ports["sandbox"]),
        "SANDBOX_HIS_PORT": str(ports["his"]),
        "SANDBOX_PUBLIC_URL": place.sandbox_url,
        "SANDBOX_APP_URL": place.base_url,
        "SANDBOX_APP_MLLP": f"{host}:{ports['hl7']}",
        "SANDBOX_STATE_DIR": str(place.data / "sandbox"),
    }


def told_outside(data: Path, *, has_alipay: bool) -> dict[str, str]:
    """What the outside world told us to reach it by; Alipay only where its library, an optional one, is installed."""
    told = read_env(data / "sandbox" / "app.env")
    return {name: value for name, value in told.items() if has_alipay or not name.startswith("ALIPAY_")}


def web_environment() -> dict[str, str]:
    """How the web server runs, as granian.env says."""
    return read_env(ROOT / "granian.env")


def read_env(path: Path) -> dict[str, str]:
    """The NAME=value lines of a file; lines that begin with # say something to people."""
    lines = [line for line in path.read_text().splitlines() if "=" in line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def _kept_secrets(path: Path) -> dict[str, str]:
    """The hospital's secrets, made at the first start; only the owner may read the file."""
    if not path.exists():
        made = {
            "MENZHEN_SECRET_KEYS": secrets.token_urlsafe(32),
            "MENZHEN_DATA_KEYS": f"k1:{_key()}",
            "MENZHEN_INDEX_KEY": _key(),
            "MENZHEN_PICKUP_KEY": _key(),
        }
        path.touch(mode=0o600)
        path.write_text("".join(f"{name}={value}\n" for name, value in made.items()))
    return read_env(path)


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()
