"""Where the outside world listens, where it keeps its books, and whom it calls."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """One running sandbox; every value comes from the environment (see `from_environment`)."""

    host: str
    http_port: int
    his_port: int
    public_url: str
    app_url: str
    app_mllp: tuple[str, int]
    state_dir: Path
    retry_speedup: float
    refund_interval_seconds: float


def from_environment(env: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings.

    SANDBOX_HOST (127.0.0.1), SANDBOX_HTTP_PORT (8090), SANDBOX_HIS_PORT (2576), SANDBOX_PUBLIC_URL (what a
    browser uses, http://127.0.0.1:8090), SANDBOX_APP_URL (http://127.0.0.1:8000), SANDBOX_APP_MLLP
    (127.0.0.1:2575), SANDBOX_STATE_DIR (demo-data/sandbox), SANDBOX_RETRY_SPEEDUP (15: WeChat's 15 seconds
    between retries become one), SANDBOX_REFUND_INTERVAL_SECONDS (0; the real gateway wants 60 between two
    refunds of one order). ValueError when a number is none.
    """
    http_port = int(env.get("SANDBOX_HTTP_PORT", "8090"))
    mllp_host, _, mllp_port = env.get("SANDBOX_APP_MLLP", "127.0.0.1:2575").rpartition(":")
    return Settings(
        host=env.get("SANDBOX_HOST", "127.0.0.1"),
        http_port=http_port,
        his_port=int(env.get("SANDBOX_HIS_PORT", "2576")),
        public_url=env.get("SANDBOX_PUBLIC_URL", f"http://127.0.0.1:{http_port}").rstrip("/"),
        app_url=env.get("SANDBOX_APP_URL", "http://127.0.0.1:8000").rstrip("/"),
        app_mllp=(mllp_host, int(mllp_port)),
        state_dir=Path(env.get("SANDBOX_STATE_DIR", "demo-data/sandbox")),
        retry_speedup=float(env.get("SANDBOX_RETRY_SPEEDUP", "15")),
        refund_interval_seconds=float(env.get("SANDBOX_REFUND_INTERVAL_SECONDS", "0")),
    )
