"""The hospital's software: create_app() is the only place where its parts are chosen and joined."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from flask import Flask
from flask_babel import Babel
from flask_compress import Compress
from flask_migrate import Migrate
from werkzeug.middleware.proxy_fix import ProxyFix

from app import tables as tables
from app.cli import register_commands
from app.couriers.chosen import choose
from app.insurance.ports import INSURER
from app.kernel import logs
from app.kernel.clock import Clock, SteppedClock, SystemClock
from app.kernel.crypto import Keyring
from app.kernel.db import db, engine_options, prepare
from app.kernel.uow import Units
from app.paper.signing import CannotSign, Signer
from app.runtime import Runtime
from app.story import STORY
from app.web import register_surfaces
from app.web.cookies import BrowserSessions, OwnForms
from app.web.frame import choose_language, frame_requests
from app.web.patient import sold_out
from config import BadSettings, Settings, read_settings

ROOT = Path(__file__).resolve().parent.parent


def create_app(settings: Settings | None = None, *, clock: Clock | None = None) -> Flask:
    """The application with its database, couriers, surfaces and commands; `settings` are read from the environment.

    Starting it opens no connection, so it also serves for `flask db upgrade` on an empty database.
    """
    settings = settings or read_settings()
    logs.set_up()
    app = Flask("app", root_path=str(ROOT / "app"), template_folder=str(ROOT / "templates"))
    app.config.update(_flask_settings(settings))
    db.init_app(app)
    Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
    app.session_interface = BrowserSessions(app)
    Compress(app)
    Babel(app, locale_selector=choose_language, default_translation_directories=str(ROOT / "translations"))
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.extensions["menzhen"] = _runtime(app, settings, clock or _clock(settings))
    frame_requests(app)
    app.before_request(sold_out.answer_first)
    OwnForms(app)
    register_surfaces(app)
    register_commands(app)
    return app


def _flask_settings(settings: Settings) -> dict[str, object]:
    return {
        "SECRET_KEY": settings.secret_keys[0],
        "SECRET_KEY_FALLBACKS": list(settings.secret_keys[1:]),
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": engine_options(settings.database_url, settings.pool_size),
        "SESSION_COOKIE_NAME": "menzhen",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.base_url.startswith("https"),
        "PERMANENT_SESSION_LIFETIME": timedelta(days=7),
        "MAX_CONTENT_LENGTH": 1024 * 1024,
        "WTF_CSRF_TIME_LIMIT": None,  # a page left open in a corridor must still work
        "WTF_CSRF_SSL_STRICT": False,  # WeChat's web view leaves the referrer out
        "BABEL_DEFAULT_LOCALE": "zh_Hans_CN",
        "COMPRESS_MIMETYPES": ["text/html", "text/css", "application/javascript", "text/javascript", "image/svg+xml"],
        "SEND_FILE_MAX_AGE_DEFAULT": 3600,
    }


def _clock(settings: Settings) -> Clock:
    return SteppedClock(Path(settings.clock_file)) if settings.clock_file else SystemClock()


def _runtime(app: Flask, settings: Settings, clock: Clock) -> Runtime:
    with app.app_context():
        engine = db.engine
    prepare(engine)
    keys = Keyring(settings.data_keys, settings.index_key)
    partners = frozenset({INSURER} if settings.fsi.is_set_up else ())
    units = Units(engine, clock, keys, settings.time_zone, STORY, partners)
    return Runtime(settings, units, choose(settings, units), _signer(settings))


def _signer(settings: Settings) -> Signer | None:
    """Whoever signs invoices; BadSettings when a key is set up that cannot be used."""
    given = settings.signing
    if not given.key_file:
        return None
    try:
        return Signer(Path(given.key_file), Path(given.cert_file), given.key_password, settings.hospital_name)
    except CannotSign as error:
        raise BadSettings(f"The settings are not usable:\n  INVOICE_KEY_FILE: {error}") from error
