"""The browser's cookie and the forms it sends: checked as Flask and Flask-WTF check them, at a third of the price.

Both derive their keys anew for every request, and Flask signs the cookie anew for every answer. Here keys are derived
once, and a cookie that has not changed is sent again only when it is a day old, long before it ends.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import Any, ClassVar

from flask import Flask, Request, current_app, g, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_wtf import CSRFProtect
from itsdangerous import BadData, BadSignature, URLSafeTimedSerializer

from app.runtime import runtime

FRESH = timedelta(days=1)


def with_keys_derived(slow: URLSafeTimedSerializer) -> URLSafeTimedSerializer:
    """Signs, and reads what is signed, exactly as `slow` does."""
    signer = slow.make_signer(slow.salt)
    return URLSafeTimedSerializer(
        [signer.derive_key(key) for key in slow.secret_keys],
        salt=slow.salt,
        serializer=slow.serializer,
        signer_kwargs={**slow.signer_kwargs, "key_derivation": "none"},
    )


class BrowserSession(SecureCookieSession):
    """What a browser keeps for us; `signed_at` is when it was given it."""

    signed_at: datetime | None = None


class BrowserSessions(SecureCookieSessionInterface):
    """Reads and writes the cookie of one application."""

    session_class: ClassVar[type[BrowserSession]] = BrowserSession  # type: ignore[misc]

    def __init__(self, app: Flask) -> None:
        """The application's keys do not change while it runs."""
        slow = super().get_signing_serializer(app)
        assert slow is not None
        self._signed = with_keys_derived(slow)

    def get_signing_serializer(self, _app: Flask) -> URLSafeTimedSerializer:
        """What signs the cookie."""
        return self._signed

    def open_session(self, app: Flask, asked: Request) -> BrowserSession:
        """What the cookie holds; nothing when it is not ours or too old."""
        kept = asked.cookies.get(self.get_cookie_name(app))
        if not kept:
            return BrowserSession()
        at_most = int(app.permanent_session_lifetime.total_seconds())
        try:
            values, signed_at = self._signed.loads(kept, max_age=at_most, return_timestamp=True)
        except BadSignature:
            return BrowserSession()
        found = BrowserSession(values)
        found.signed_at = signed_at
        return found

    def should_set_cookie(self, app: Flask, kept: SessionMixin) -> bool:
        """A changed cookie is sent, and one that would end soon."""
        signed_at = kept.signed_at if isinstance(kept, BrowserSession) else None
        if kept.modified or signed_at is None:
            return super().should_set_cookie(app, kept)
        return kept.permanent and runtime().units.clock.wall_now() - signed_at > FRESH


class OwnForms(CSRFProtect):  # type: ignore[misc]
    """Refuses forms that did not come from a page of ours."""

    _signed: URLSafeTimedSerializer

    def init_app(self, app: Flask) -> None:
        """The application's keys do not change while it runs."""
        super().init_app(app)
        assert app.secret_key is not None
        self._signed = with_keys_derived(URLSafeTimedSerializer(app.secret_key, salt="wtf-csrf-token"))

    def protect(self, apply_exemptions: bool = False) -> None:
        """Quiet for a form with the token of this browser; whatever else there is to say, Flask-WTF says."""
        if self._is_from_here():
            g.csrf_valid = True
        else:
            super().protect(apply_exemptions)

    def _is_from_here(self) -> bool:
        name: str = current_app.config["WTF_CSRF_FIELD_NAME"]
        sent: str | None = request.form.get(name) if request.blueprint != "callbacks" else None
        own: Any = session.get(name)
        if not (sent and own):
            return False
        try:
            return hmac.compare_digest(str(own), str(self._signed.loads(sent)))
        except BadData:
            return False
