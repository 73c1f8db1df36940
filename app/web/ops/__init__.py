"""What machines ask: is it alive, is it ready, how much does it do."""

from __future__ import annotations

from flask import Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from prometheus_client import REGISTRY as OURS
from sqlalchemy import text

from app.kernel import outbox
from app.runtime import runtime
from app.web import edge

blueprint = edge.surface("ops", prefix="", guard=edge.open_to_all)


@blueprint.get("/healthz")
def healthz() -> Response:
    """200 while the process answers."""
    return jsonify(ok=True)


@blueprint.get("/readyz")
def readyz() -> Response:
    """200 when the database answers and stands at the newest migration, else 503 by the refusal of whoever asks."""
    with runtime().units.open(reads_only=True) as uow:
        head = uow.session.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    return jsonify(ok=True, database=head)


@blueprint.get("/metrics")
def metrics() -> Response:
    """Prometheus text: requests of this process, and what waits in the outbox."""
    registry = CollectorRegistry()
    waiting = Gauge("menzhen_outbox_items", "Items in the outbox", ["topic", "state"], registry=registry)
    with runtime().units.open(reads_only=True) as uow:
        for (topic, state), count in outbox.depth(uow).items():
            waiting.labels(topic, state).set(count)
    return Response(generate_latest(OURS) + generate_latest(registry), mimetype=CONTENT_TYPE_LATEST)
