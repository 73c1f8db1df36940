"""All of the outside world that speaks HTTP, joined into one web application."""

from __future__ import annotations

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

from sandbox import control, sms, switches
from sandbox.alipay import gateway as alipay
from sandbox.clock import wall_clock
from sandbox.drive import done, number, orders, refuse_foreign_pages, wanted
from sandbox.errors import answer_errors_as_json
from sandbox.fiscal import api as fiscal
from sandbox.his import api as his
from sandbox.insurer import api as insurer
from sandbox.insurer import mobile
from sandbox.world import World
from sandbox.wxoa import api as wxoa
from sandbox.wxpay import gateway, med_ins, phone

MOST_BODY_BYTES = 1024 * 1024


def create_web(world: World) -> Flask:
    """Build the web application over one world."""
    web = Flask(__name__, template_folder="pages", static_folder="static")
    web.config["MAX_CONTENT_LENGTH"] = MOST_BODY_BYTES
    answer_errors_as_json(web)
    web.jinja_env.filters["wall_clock"] = wall_clock
    web.jinja_env.filters["yuan"] = lambda fen: f"{fen // 100}.{fen % 100:02d}"
    web.before_request(refuse_foreign_pages)
    for part in (gateway, phone, alipay, wxoa, sms, his, insurer, mobile, fiscal, control):
        web.register_blueprint(part.blueprint(world))
    web.register_blueprint(med_ins.drive(world))
    _shared(web, world)
    return web


def _shared(web: Flask, world: World) -> None:
    @web.get("/healthz")
    def healthz() -> ResponseReturnValue:
        world.store.one("SELECT 1")
        return jsonify(status="ok")

    @web.post("/sandbox/<provider>/switch")
    def switch(provider: str) -> ResponseReturnValue:
        """Order a misfortune: {mode, scope: next|all|off, seconds}."""
        order = orders()
        mode, scope = wanted(order, "mode"), wanted(order, "scope", "next")
        switches.set_switch(world.store, provider, mode, scope, number(order, "seconds", 6.0))
        return done({"provider": provider, "mode": mode, "scope": scope})

    @web.get("/sandbox/deliveries")
    def deliveries() -> ResponseReturnValue:
        """What was pushed to the hospital, newest first: ?provider= &subject= narrow it."""
        rows = world.store.rows(
            "SELECT id, provider, event_id, event_type, subject, url, fault, state, tries, last_status FROM delivery"
            " WHERE ? IN ('', provider) AND ? IN ('', subject) ORDER BY id DESC LIMIT 500",
            request.args.get("provider", ""),
            request.args.get("subject", ""),
        )
        return jsonify([dict(row) for row in rows])
