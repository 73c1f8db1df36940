"""The jobs themselves: each opens its own units, does what is due and says how much that was."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from sqlalchemy.exc import IntegrityError

from app.analytics import days
from app.identity import forgetting, logins
from app.insurance import settling
from app.invoice import filing
from app.kernel import audit, emptying, message_health, once, rates
from app.kernel.uow import Actor, Uow
from app.ledger import proving
from app.notifications import delivery
from app.notifications.ports import MessageCourier
from app.notifications.states import Channel
from app.payment import mixed_querying, querying, receiving, refunds
from app.pharmacy import handing
from app.prescription import service as prescription
from app.queueing import own_errors, walking
from app.reconciliation import service as reconciliation
from app.reconciliation.insured import InsurerStatement
from app.reconciliation.ports import StatementSource
from app.reconciliation.states import Source
from app.registration import by_time, offering
from app.revisit import service as revisit
from app.revisit import telling
from app.runtime import Runtime
from app.scheduling import asking, plans

BATCH = 100
ROUNDS_AT_MOST = 50
FORGETS_AT = range(1, 5)  # the hospital's hours
_log = logging.getLogger(__name__)


def expire_holds(runtime: Runtime) -> int:
    """Places that were not paid for in time have gone back."""
    return _drain(runtime, "expire_holds", lambda uow: by_time.expire_due(uow, limit=BATCH))


def give_up_exchanges(runtime: Runtime) -> int:
    """Exchanges of places to which the hospital system says nothing until the visit is near are given up."""
    deadline = timedelta(seconds=runtime.settings.hl7.booking_deadline_seconds)
    step = partial(by_time.give_up_exchanges, deadline=deadline, limit=BATCH)
    return _drain(runtime, "give_up_exchanges", step)


def waitlist(runtime: Runtime) -> int:
    """Places that came back are offered to those who wait."""
    return _drain(runtime, "waitlist", lambda uow: offering.work_through(uow, limit=BATCH))


def close_sessions(runtime: Runtime) -> int:
    """Sessions that are over are closed; who did not come has missed the visit."""
    return _drain(runtime, "close_sessions", by_time.close_sessions)


def open_sessions(runtime: Runtime) -> int:
    """Every shift's sessions stand for the weeks ahead."""
    return _once(runtime, "open_sessions", plans.open_ahead)


def reminders(runtime: Runtime) -> int:
    """Reminders whose time has come are told."""
    return _drain(runtime, "reminders", lambda uow: telling.tell_due(uow, limit=BATCH))


def call_back(runtime: Runtime) -> int:
    """Whoever walks while they wait is told in time to come back."""
    return _once(runtime, "call_back", walking.tell_due)


def wait_errors(runtime: Runtime) -> int:
    """How right the told waits of yesterday and today were stands by department."""
    return _once(runtime, "wait_errors", own_errors.count_two_days)


def lapse_plans(runtime: Runtime) -> int:
    """Revisits nobody booked within a month after their day have lapsed."""
    return _drain(runtime, "lapse_plans", lambda uow: revisit.lapse_overdue(uow, limit=BATCH))


def deliver_messages(runtime: Runtime) -> int:
    """Messages that wait are handed to their couriers."""
    chosen: dict[Channel, MessageCourier | None] = {
        Channel.WECHAT: runtime.couriers.wechat,
        Channel.SMS: runtime.couriers.texts,
    }
    couriers = {channel: courier for channel, courier in chosen.items() if courier is not None}
    return delivery.deliver(runtime.units, couriers, base_url=runtime.settings.base_url)


def send_phone_codes(runtime: Runtime) -> int:
    """Log-in codes that the web process could not hand over at once are handed over."""
    if runtime.couriers.texts is None:
        return 0
    return logins.send_codes(runtime.units, runtime.couriers.texts)


def payment_notifications(runtime: Runtime) -> int:
    """What the payment provider told us has had its effect."""
    return receiving.process_notifications(runtime.units)


def settlements(runtime: Runtime) -> int:
    """What the insurer is to be asked has been asked, and its answers have had their effect."""
    if runtime.couriers.insurer is None:
        return 0
    return settling.work_due(runtime.units, runtime.couriers.insurer, runtime.couriers.mobile_insurance)


def mixed_query(runtime: Runtime) -> int:
    """Payments together with insurance are asked about until both parts are known; the provider hears of refunds."""
    partners = runtime.couriers.mixing
    if partners is None:
        return 0
    asked = mixed_querying.query_due(runtime.units, partners)
    return asked + mixed_querying.tell_refunds(runtime.units, partners.mixed)


def payment_query(runtime: Runtime) -> int:
    """Payments of which no notification came are asked for."""
    return sum(querying.query_missing(runtime.units, provider) for provider in runtime.couriers.providers)


def payment_refunds(runtime: Runtime) -> int:
    """Money to be given back is on its way, and what is on its way is asked for."""
    units, providers = runtime.units, runtime.couriers.providers
    sent = sum(refunds.send_refunds(units, provider) for provider in providers)
    return sent + sum(refunds.query_refunds(units, provider) for provider in providers)


def payment_close(runtime: Runtime) -> int:
    """Orders that ran out unpaid are closed at the provider."""
    return sum(querying.close_expired(runtime.units, provider) for provider in runtime.couriers.providers)


def file_invoices(runtime: Runtime) -> int:
    """Invoices have the numbers of their issuer."""
    done = 0
    for _ in range(ROUNDS_AT_MOST):
        count = filing.file_due(runtime.units, runtime.couriers.invoices)
        done += count
        if not count:
            break
    return done


def rx_expire(runtime: Runtime) -> int:
    """Prescriptions whose validity is over can no longer be paid."""
    return _drain(runtime, "rx_expire", lambda uow: prescription.expire_due(uow, BATCH))


def release_bags(runtime: Runtime) -> int:
    """Bags that a terminal took and forgot can be served elsewhere."""
    return _once(runtime, "release_bags", lambda uow: handing.release_forgotten(uow, limit=BATCH))


def day_figures(runtime: Runtime) -> int:
    """The figures of yesterday and today stand as they are now."""
    return _once(runtime, "day_figures", _count_two_days)


def _count_two_days(uow: Uow) -> int:
    return sum(days.roll_up_day(uow, uow.today() - timedelta(days=back)) for back in (1, 0))


def ledger_proof(runtime: Runtime) -> int:
    """The ledger of the day that is over was compared with all that moved money; what differs is named."""
    return _once(runtime, "ledger_proof", proving.prove_yesterday)


def reconcile(runtime: Runtime) -> int:
    """Yesterday's money as others tell it was laid beside ours; what differs is a case."""
    return reconciliation.reconcile(runtime.units, statement_sources(runtime))


def statement_sources(runtime: Runtime) -> dict[Source, StatementSource]:
    """Whoever tells this hospital of a day's money."""
    couriers = runtime.couriers
    insurer = InsurerStatement(runtime.units, couriers.insurer_accounts) if couriers.insurer_accounts else None
    sources: dict[Source, StatementSource | None] = {
        Source.WECHAT: couriers.bills,
        Source.WECHAT_FUNDS: couriers.bills,
        Source.ALIPAY: couriers.alipay_bills,
        Source.INSURER: insurer,
        Source.HOSPITAL: couriers.hospital_bookings,
    }
    return {source: told_by for source, told_by in sources.items() if told_by is not None}


def audit_seal(runtime: Runtime) -> int:
    """What was done since the last seal is sealed; the heads go to the log, which leaves the machine."""
    try:
        with runtime.units.open(Actor("job", "audit_seal")) as uow:
            sealed = audit.seal(uow)
    except IntegrityError:  # another process sealed the same rows at this instant
        return 0
    if sealed is None:
        return 0
    _log.info("audit sealed up to %d: %s", sealed.last_id, sealed.head, extra={"count": sealed.rows})
    _log.info("moves sealed up to %d: %s", sealed.last_move_id, sealed.moves_head, extra={"count": sealed.moves})
    return sealed.rows


def hl7_alarms(runtime: Runtime) -> int:
    """What is wrong with the exchange with the hospital system stands in the log, as a warning, while it lasts."""
    with runtime.units.open(Actor("job", "hl7_alarms"), reads_only=True) as uow:
        alarms = message_health.alarms(uow)
    for alarm in alarms:
        extra = {"code": alarm.code.value, "peer": alarm.peer, "seconds": alarm.seconds, "error": alarm.error}
        _log.warning("the HL7 exchange needs a look", extra=extra)
    return len(alarms)


def pull_slots(runtime: Runtime) -> int:
    """The hospital system is asked for its doctors' time as often as was set; the adapter takes over what it tells."""
    hl7 = runtime.settings.hl7
    if not hl7.pull_slots_minutes:
        return 0
    step = partial(asking.ask, every=timedelta(minutes=hl7.pull_slots_minutes), days=hl7.pull_slots_days)
    return _once(runtime, "pull_slots", step)


def rate_sweep(runtime: Runtime) -> int:
    """Counts of tries that no rule looks at any more, and the keys of forms sent days ago, are forgotten."""
    with runtime.units.open(Actor("job", "rate_sweep")) as uow:
        rates.sweep(uow)
        once.sweep(uow)
    return 0


def forget(runtime: Runtime) -> int:
    """At night, what settled messages said and log-ins that are over are kept no longer than was set."""
    units, kept = runtime.units, runtime.settings.retention
    now = units.clock.now()
    if now.astimezone(units.zone).hour not in FORGETS_AT:
        return 0
    done = 0
    if kept.messages_days:
        over = now - timedelta(days=kept.messages_days)
        done += _drain(runtime, "forget", partial(emptying.empty_received, settled_before=over, limit=BATCH))
        done += _drain(runtime, "forget", partial(emptying.empty_told, told_before=over, limit=BATCH))
    if kept.logins_days:
        over = now - timedelta(days=kept.logins_days)
        done += _drain(runtime, "forget", partial(forgetting.forget_over, over_before=over, limit=BATCH))
    return done


def _once(runtime: Runtime, name: str, step: Callable[[Uow], int]) -> int:
    with runtime.units.open(Actor("job", name)) as uow:
        return step(uow)


def _drain(runtime: Runtime, name: str, step: Callable[[Uow], int]) -> int:
    """One unit after another until nothing is due, so that a long queue is never one long transaction."""
    done = 0
    for _ in range(ROUNDS_AT_MOST):
        count = _once(runtime, name, step)
        done += count
        if not count:
            break
    return done
