"""Every table of the hospital, gathered so that migrations see them all."""

from __future__ import annotations

import importlib
import pkgutil

import app as _app

NAMES = sorted(
    f"app.{package.name}.models"
    for package in pkgutil.iter_modules(_app.__path__)
    if package.ispkg and importlib.util.find_spec(f"app.{package.name}.models") is not None
)
KERNEL = ("audit", "counters", "inbox", "moves", "once", "outbox", "rates")
for name in (*NAMES, *(f"app.kernel.{part}" for part in KERNEL)):
    importlib.import_module(name)
