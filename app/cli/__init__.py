"""What the operator types: `flask --app wsgi …`."""

from __future__ import annotations

from flask import Flask


def register_commands(app: Flask) -> None:
    """The hospital's commands are known to `flask`."""
