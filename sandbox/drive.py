"""How people and programs order things here: a JSON body answers JSON, a page's form goes back to its page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import jsonify, redirect, request
from flask.typing import ResponseReturnValue

from sandbox.errors import ApiError


def orders() -> dict[str, Any]:
    """What was ordered: the JSON object or the form's fields. ApiError 400 `PARAM_ERROR` for anything else."""
    if request.form:
        return dict(request.form.items())
    value = request.get_json(silent=True) if request.data else {}
    if not isinstance(value, dict):
        raise ApiError(400, "PARAM_ERROR", "a JSON object is wanted")
    return value


def wanted(order: dict[str, Any], name: str, default: str | None = None) -> str:
    """A text field of the order. ApiError 400 `PARAM_ERROR` when it is missing and has no default."""
    value = order.get(name) or default
    if value is None:
        raise ApiError(400, "PARAM_ERROR", f"{name} is wanted")
    return str(value)


def number(order: dict[str, Any], name: str, default: float) -> float:
    """A number field of the order. ApiError 400 `PARAM_ERROR` when it is none."""
    try:
        return float(order.get(name) or default)
    except (TypeError, ValueError):
        raise ApiError(400, "PARAM_ERROR", f"{name}: a number") from None


def done(result: dict[str, Any]) -> ResponseReturnValue:
    """Answer the result to a program; send a person back to the page the form was on."""
    if request.form:
        back = urlsplit(request.headers.get("Referer", ""))
        return redirect(
            back.path + (f"?{back.query}" if back.query else "") if back.netloc == request.host else "/", 303
        )
    return jsonify(result)


def refuse_foreign_pages() -> None:
    """ApiError 403 when a page of another origin posts here: orders come from our own pages and from programs."""
    origin = request.headers.get("Origin")
    if request.method == "POST" and origin and urlsplit(origin).netloc != request.host:
        raise ApiError(403, "FOREIGN_ORIGIN", "orders are taken from this sandbox's own pages only")
