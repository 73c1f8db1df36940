"""The control page: everything the outside world did, and buttons for what it may do next."""

from __future__ import annotations

import json

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from sandbox import sms
from sandbox.clock import now
from sandbox.his import api as his
from sandbox.his.lab import RESULTS
from sandbox.his.pharmacy import DRUG_LINES
from sandbox.switches import MODES
from sandbox.world import World
from sandbox.wxoa import oauth

SHOWN = 20


def blueprint(world: World) -> Blueprint:
    """The page at `/`."""
    web = Blueprint("control", __name__)
    books = world.store.rows

    @web.get("/")
    def page() -> ResponseReturnValue:
        switches = {(row["provider"], row["mode"]): row for row in books("SELECT * FROM switch")}
        return render_template(
            "control.html",
            settings=world.settings,
            modes=MODES,
            switches=switches,
            orders=books(
                "SELECT *, state = 'NOTPAY' AND expires_at <= ? AS lapsed,"
                " (SELECT coalesce(sum(refund_fen), 0) FROM wxpay_refund r WHERE r.out_trade_no = o.out_trade_no)"
                " AS refunded_fen FROM wxpay_order o ORDER BY created_at DESC LIMIT ?",
                now(),
                SHOWN,
            ),
            trades=books("SELECT * FROM alipay_trade ORDER BY created_at DESC LIMIT ?", SHOWN),
            refunds=books("SELECT * FROM wxpay_refund ORDER BY created_at DESC LIMIT ?", SHOWN),
            deliveries=books("SELECT * FROM delivery ORDER BY id DESC LIMIT ?", SHOWN),
            people=oauth.people(world),
            oa_messages=[
                dict(row) | {"data": json.loads(row["data"])}
                for row in books(
                    "SELECT m.*, u.nickname FROM wxoa_message m JOIN wxoa_user u USING (openid)"
                    " ORDER BY m.created_at DESC LIMIT ?",
                    SHOWN,
                )
            ],
            insured=books(
                "SELECT p.*, (SELECT max(token) FROM insurer_token t WHERE t.psn_no = p.psn_no AND t.expires_at > ?)"
                " AS token FROM insurer_person p ORDER BY p.rowid DESC LIMIT ?",
                now(),
                SHOWN,
            ),
            settlements=[
                dict(row) | {"sums": json.loads(row["sums"])}
                for row in books("SELECT * FROM insurer_settlement ORDER BY settled_at DESC LIMIT ?", SHOWN)
            ],
            texts=sms.received(world)[:SHOWN],
            fiscal_bills=books("SELECT * FROM fiscal_bill ORDER BY issued_at DESC LIMIT ?", SHOWN),
            heard=his.heard(world)[:SHOWN],
            said=his.said(world)[:SHOWN],
            drug_lines=json.dumps(DRUG_LINES, ensure_ascii=False, indent=1),
            results=json.dumps(RESULTS, ensure_ascii=False, indent=1),
        )

    return web
