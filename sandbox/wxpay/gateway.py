"""The merchant's side of WeChat Pay v3: every request is verified, every good answer is signed."""

from __future__ import annotations

import json
import time
from typing import Any

from flask import Blueprint, Response, g, request

from sandbox.clock import rfc3339
from sandbox.errors import ApiError
from sandbox.switches import take_switches
from sandbox.world import World
from sandbox.wxpay import bill, forms, ledger, med_ins, refunds
from sandbox.wxpay.signing import seal, signed_headers, verify_merchant

UNSIGNED_ENDPOINTS = {"wxpay_gateway.bill_file"}


def _json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value, ensure_ascii=False), status, mimetype="application/json")


def _form() -> dict[str, Any]:
    value = request.get_json(silent=True)
    if not isinstance(value, dict):
        raise ApiError(400, "PARAM_ERROR", "body: a JSON object")
    return value


def blueprint(world: World) -> Blueprint:
    """The gateway's paths under /v3."""
    web = Blueprint("wxpay_gateway", __name__, url_prefix="/v3")
    _guard(web, world)
    _orders(web, world)
    _queries(web, world)
    _refunds(web, world)
    _bills(web, world)
    med_ins.add_to(web, world)
    return web


def _guard(web: Blueprint, world: World) -> None:
    @web.before_request
    def verify() -> None:
        verify_merchant(request, world)
        with world.store.write() as db:
            struck = take_switches(db, "wxpay", ("api_down", "api_late"))
        g.late_seconds = struck.get("api_late", 0.0)
        if "api_down" in struck:
            raise ApiError(500, "SYSTEM_ERROR", "系统异常，请稍后重试")

    @web.after_request
    def sign(answer: Response) -> Response:
        time.sleep(g.get("late_seconds", 0.0))
        if 200 <= answer.status_code < 300 and request.endpoint not in UNSIGNED_ENDPOINTS:
            keys = world.keys
            answer.headers.extend(
                signed_headers(keys.platform_private, keys.public_key_id, answer.get_data(), time.time())
            )
        return answer


def _orders(web: Blueprint, world: World) -> None:
    def place(trade_type: str) -> dict[str, str]:
        form = _form()
        forms.check_order(form, trade_type, world)
        with world.store.write() as db:
            prepay = ledger.place_order(db, trade_type, form)
        return {"prepay_id": prepay["prepay_id"], "code_url": prepay["code_url"]}

    @web.post("/pay/transactions/jsapi")
    def jsapi() -> Response:
        return _json({"prepay_id": place("JSAPI")["prepay_id"]})

    @web.post("/pay/transactions/native")
    def native() -> Response:
        return _json({"code_url": place("NATIVE")["code_url"]})

    @web.post("/pay/transactions/out-trade-no/<number>/close")
    def close(number: str) -> Response:
        forms.demand(_form().get("mchid") == world.keys.mchid, "mchid")
        with world.store.write() as db:
            ledger.close_order(db, number)
        return Response(status=204)


def _queries(web: Blueprint, world: World) -> None:
    def query(column: str, number: str) -> Response:
        forms.demand(request.args.get("mchid") == world.keys.mchid, "mchid")
        found = world.store.one(f"SELECT out_trade_no FROM wxpay_order WHERE {column} = ?", number)  # noqa: S608
        with world.store.write() as db:
            order = ledger.find_order(db, found["out_trade_no"]) if found else None
        if order is None:
            raise ApiError(404, "ORDER_NOT_EXIST", "订单不存在")
        return _json(ledger.transaction(order, world.keys.appid, world.keys.mchid))

    @web.get("/pay/transactions/out-trade-no/<number>")
    def query_by_number(number: str) -> Response:
        return query("out_trade_no", number)

    @web.get("/pay/transactions/id/<number>")
    def query_by_id(number: str) -> Response:
        return query("transaction_id", number)


def _refunds(web: Blueprint, world: World) -> None:
    @web.post("/refund/domestic/refunds")
    def refund() -> Response:
        form, settings = _form(), world.settings
        refunds.check_refund(form)
        with world.store.write() as db:
            placed = refunds.place_refund(db, form, settings.refund_interval_seconds, settings.retry_speedup)
        return _json(refunds.told(placed))

    @web.get("/refund/domestic/refunds/<number>")
    def query_refund(number: str) -> Response:
        with world.store.write() as db:
            found = refunds.find_refund(db, number)
        if found is None:
            raise ApiError(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
        return _json(refunds.told(found))


def _bills(web: Blueprint, world: World) -> None:
    @web.get("/bill/tradebill")
    def tradebill() -> Response:
        return _json(bill.order_bill(world, request.args))

    @web.get("/bill/fundflowbill")
    def fundflowbill() -> Response:
        return _json(bill.order_bill(world, request.args, is_flow=True))

    @web.get("/billdownload/file")
    def bill_file() -> Response:
        return Response(bill.fetch_bill(world, request.args.get("token", "")), mimetype="application/octet-stream")

    @web.get("/certificates")
    def certificates() -> Response:
        keys = world.keys
        certificate = {
            "serial_no": keys.platform_serial,
            "effective_time": rfc3339(keys.platform_valid_from),
            "expire_time": rfc3339(keys.platform_valid_until),
            "encrypt_certificate": seal(keys.apiv3_key, keys.platform_certificate_pem.encode(), "certificate"),
        }
        return _json({"data": [certificate]})
