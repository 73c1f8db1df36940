"""The pages: one package per surface, one guard per surface; a page calls one service and shows finished words."""

from __future__ import annotations

from flask import Flask

from app.web import board, callbacks, desk, entrance, fhir, ops, patient, public, review, staff, terminal, window

SURFACES = (entrance, patient, public, terminal, window, desk, review, board, staff, callbacks, fhir, ops)


def register_surfaces(app: Flask) -> None:
    """Every surface's pages are served by `app`."""
    for module in SURFACES:
        app.register_blueprint(module.blueprint)
