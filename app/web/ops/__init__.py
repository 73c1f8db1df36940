"""What machines ask: is it alive, is it ready, how much does it do."""

from __future__ import annotations

from flask import Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from prometheus_client import REGISTRY as OURS
from sqlalchemy import text

from app.kernel import lines, message_health, outbox
from app.kernel.uow import Uow
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
    """Prometheus text: requests of this process, what waits in the outbox, and how the HL7 exchange is doing."""
    registry = CollectorRegistry()
    waiting = Gauge("menzhen_outbox_items", "Items in the outbox", ["topic", "state"], registry=registry)
    with runtime().units.open(reads_only=True) as uow:
        for (topic, state), count in outbox.depth(uow).items():
            waiting.labels(topic, state).set(count)
        _add_hl7(uow, registry)
    return Response(generate_latest(OURS) + generate_latest(registry), mimetype=CONTENT_TYPE_LATEST)


def _add_hl7(uow: Uow, registry: CollectorRegistry) -> None:
    oldest = Gauge("menzhen_hl7_oldest_seconds", "Age of the oldest waiting", ["topic", "peer"], registry=registry)
    for each in message_health.backlog(uow):
        oldest.labels(each.topic, each.peer).set(each.oldest_seconds)
    whole = Gauge("menzhen_hl7_line_up", "1 while the receiver answers", ["peer"], registry=registry)
    for line in lines.lines(uow):
        whole.labels(line.peer).set(line.state == lines.LineState.WHOLE)
    alarms = Gauge("menzhen_hl7_alarm", "Alarms that stand, seconds since when", ["code", "peer"], registry=registry)
    for alarm in message_health.alarms(uow):
        alarms.labels(alarm.code.value, alarm.peer).set(alarm.seconds)
    told = message_health.answers(uow)
    answers = Gauge("menzhen_hl7_answers", "Answers of the last hour", ["code"], registry=registry)
    for code, count in told.by_code.items():
        answers.labels(code).set(count)
    Gauge("menzhen_hl7_parked", "Messages that wait for their patient", registry=registry).set(told.parked)
    if told.p99_ms is not None:
        slowest = Gauge("menzhen_hl7_answer_p99_seconds", "Time to an answer, last hour", registry=registry)
        slowest.set(told.p99_ms / 1000)
