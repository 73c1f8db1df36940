"""The day in figures: who came, what waits to be sent, and whether the processes live."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext

from app.analytics import heartbeats
from app.insurance import for_staff as settlements_of
from app.kernel import logbook, message_health, outbox
from app.kernel.uow import Uow
from app.payment import for_staff as money
from app.payment import held_refunds
from app.queueing import for_staff as queue_of
from app.registration import for_staff as visits_of
from app.registration.states import RegistrationState
from app.web import edge, show, show_work, work
from app.web.staff import ADMIN, AUDITOR, CASHIER, FINANCE, IT, PLACE, blueprint, hl7_strip

SILENT_AFTER_SECONDS = 120
ARRIVED = (RegistrationState.CHECKED_IN, RegistrationState.IN_CONSULTATION, RegistrationState.COMPLETED)
TOPICS = ("message", "phone_code", "refund.wechat", "refund.alipay", "refund.mixed", "hospital")


@blueprint.get("/")
def home() -> edge.Answer:
    """Today's figures, what waits in the outbox, what is wrong with the HL7 exchange, and the jobs' signs of life."""
    uow = edge.current_uow()
    depth = outbox.depth(uow)
    dead = sum(count for (_, state), count in depth.items() if state == "dead")
    refused = logbook.refused_count(uow, "hl7:")
    return work.page(
        "staff/home.html",
        PLACE,
        day=show.day_words(uow.today()),
        visits=_visits(uow),
        outbox=_outbox_rows(depth),
        dead=dead,
        dead_href=url_for("staff.dead") if edge.actor().roles & {ADMIN, IT} else "",
        refused=refused,
        refused_href=url_for("staff.hl7", state="refused") if edge.actor().roles & {ADMIN, IT} else "",
        unsettled=settlements_of.count_to_look_at(uow),
        unsettled_href=url_for("staff.settlements") if edge.actor().roles - {IT} else "",
        differing=money.count_differing(uow),
        differing_href=url_for("staff.payments", list="cases") if edge.actor().roles - {IT} else "",
        short=_short(uow),
        short_href=url_for("staff.refund_claims") if edge.actor().roles & {FINANCE, CASHIER, AUDITOR} else "",
        beats=_beats(uow),
        alarms=hl7_strip.alarm_words(message_health.alarms(uow)),
        alarms_href=url_for("staff.hl7") if edge.actor().roles & {ADMIN, IT} else "",
    )


def _short(uow: Uow) -> str:
    """How many refunds wait for the merchant's account, and how much that is; '' when none does."""
    sums = held_refunds.short_fen(uow)
    total = show.yuan(sum(sums))
    return gettext("%(count)s 笔退款因商户余额不足在等，共 %(total)s", count=len(sums), total=total) if sums else ""


def _visits(uow: Uow) -> list[dict[str, object]]:
    counts = visits_of.counts_of_day(uow, uow.today())
    waiting = queue_of.waiting_count(uow, uow.today())
    return [
        {"value": counts.get(RegistrationState.HELD, 0), "label": gettext("待支付")},
        {"value": counts.get(RegistrationState.BOOKED, 0), "label": gettext("已预约")},
        {"value": sum(counts.get(state, 0) for state in ARRIVED), "label": gettext("已到院")},
        {"value": waiting, "label": gettext("候诊中")},
        {"value": counts.get(RegistrationState.COMPLETED, 0), "label": gettext("已就诊")},
        {"value": counts.get(RegistrationState.NO_SHOW, 0), "label": gettext("未到诊")},
        {"value": counts.get(RegistrationState.CANCELLED, 0), "label": gettext("已取消")},
    ]


def _outbox_rows(depth: dict[tuple[str, str], int]) -> list[list[str]]:
    topics = sorted({*TOPICS, *(topic for topic, _ in depth)})
    states = ("waiting", "sending", "dead")
    return [
        [show_work.topic_words(topic), *(str(depth.get((topic, state), 0)) for state in states)] for topic in topics
    ]


def _beats(uow: Uow) -> list[dict[str, object]]:
    now = uow.clock.wall_now()
    return [
        {
            "process": beat.process,
            "is_alive": (now - beat.beat_at).total_seconds() < SILENT_AFTER_SECONDS,
            "ago": gettext("%(time)s 前", time=show_work.ago_words(beat.beat_at, now)),
            "ran": beat.ran,
            "failed": beat.failed,
            "last_error": beat.last_error,
        }
        for beat in heartbeats.heartbeats(uow)
    ]
