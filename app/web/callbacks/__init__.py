"""What providers tell us by themselves; believed by signature only, so no form token is asked for here."""

from __future__ import annotations

import logging

from flask import Response, request
from flask.blueprints import BlueprintSetupState

from app.couriers.wechat_push import LARGEST_BYTES, NotAPush, Push, read_push
from app.couriers.wechat_signatures import push_problem
from app.kernel.errors import NotFound
from app.kernel.uow import Actor
from app.notifications import delivery
from app.payment import notifications, receiving
from app.runtime import runtime
from app.web import edge

blueprint = edge.surface("callbacks", prefix="/callbacks", guard=edge.open_to_all)
MESSAGE_FATE = "TEMPLATESENDJOBFINISH"
PROVIDER = Actor("provider", "wechat_oa")
log = logging.getLogger("menzhen.web.callbacks")


@blueprint.record_once
def _ask_for_no_token(state: BlueprintSetupState) -> None:
    state.app.extensions["csrf"].exempt(blueprint)


@blueprint.post("/wechat-pay")
def wechat_pay_told() -> Response:
    """A payment or refund is told (支付结果通知): kept and answered, then used at once; the job uses what is left."""
    keys = runtime().couriers.notification_keys
    if keys is None:
        raise NotFound
    request.max_content_length = notifications.LARGEST_BYTES
    units = runtime().units
    status = receiving.accept(units, keys, dict(request.headers), request.get_data(cache=False))
    if status < 300:
        _use_what_was_told()
        return Response(status=status)
    return Response('{"code":"FAIL","message":"refused"}', status=status, mimetype="application/json")


@blueprint.post("/alipay")
def alipay_told() -> Response:
    """A payment is told (异步通知): kept, then answered by the one word that ends Alipay's tries."""
    keys = runtime().couriers.alipay_keys
    if keys is None:
        raise NotFound
    request.max_content_length = notifications.LARGEST_BYTES
    status = receiving.accept_alipay(runtime().units, keys, request.get_data(cache=False, parse_form_data=False))
    if status == 200:
        _use_what_was_told()
        return Response("success", mimetype="text/plain")
    return Response("failure", status=status, mimetype="text/plain")


def _use_what_was_told() -> None:
    """What is kept can be used later, so no failure here may make the provider send it again."""
    try:
        receiving.process_notifications(runtime().units, limit=5)
    except Exception:
        log.exception("a kept notification was not used at once; the job will")


@blueprint.get("/wechat-oa")
def wechat_oa_asks() -> Response:
    """The Official Account's server asks whether this is us (接入): its `echostr` comes back."""
    _refuse_strangers()
    return Response(request.args.get("echostr", "")[:64], mimetype="text/plain")


@blueprint.post("/wechat-oa")
def wechat_oa_tells() -> Response:
    """The Official Account pushes: what became of a message is kept, anything else is thanked for."""
    _refuse_strangers()
    request.max_content_length = LARGEST_BYTES
    try:
        push = read_push(request.get_data(cache=False))
    except NotAPush:
        return Response(status=400)
    if push.kind == MESSAGE_FATE and push.message_id:
        _keep_fate(push)
    return Response("success", mimetype="text/plain")


def _keep_fate(push: Push) -> None:
    with runtime().units.open(PROVIDER) as uow:
        delivery.receive_result(uow, push.message_id, push.status)


def _refuse_strangers() -> None:
    problem = push_problem(
        runtime().settings.wxoa.token,
        signature=request.args.get("signature", ""),
        timestamp=request.args.get("timestamp", ""),
        nonce=request.args.get("nonce", ""),
        now_seconds=runtime().units.clock.wall_now().timestamp(),
    )
    if problem:
        log.warning("a push was not believed: %s", problem)
        raise NotFound
