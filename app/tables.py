"""Every table of the hospital, gathered so that migrations see them all."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from pathlib import Path

HERE = Path(__file__).parent
KERNEL = (
    "audit",
    "code_tables",
    "counters",
    "inbox",
    "lines",
    "message_keys",
    "moves",
    "once",
    "outbox",
    "peers",
    "rates",
)
NAMES = sorted(
    name
    for package in pkgutil.iter_modules([str(HERE)])
    if package.ispkg and importlib.util.find_spec(name := f"app.{package.name}.models") is not None
)
for module_name in (*NAMES, *(f"app.kernel.{part}" for part in KERNEL)):
    importlib.import_module(module_name)
