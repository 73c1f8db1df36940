"""How a provider says no: a status, a stable code and words."""

from __future__ import annotations

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException


class ApiError(Exception):
    """A provider's refusal; rendered as `{code, message}` with its HTTP status."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """Remember the HTTP `status`, the provider's stable `code` and the words."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def answer_errors_as_json(app: Flask) -> None:
    """From now on every refusal of `app`, its own or Flask's, is JSON with `code` and `message`."""

    @app.errorhandler(ApiError)
    def refused(error: ApiError) -> ResponseReturnValue:
        return jsonify(code=error.code, message=error.message), error.status

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> ResponseReturnValue:
        code = (error.name or "error").upper().replace(" ", "_")
        return jsonify(code=code, message=error.description or error.name), error.code or 500
