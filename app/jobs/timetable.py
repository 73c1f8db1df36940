"""What runs when: every job, how often its bell rings, and what it does.

A job looks at what is due by the hospital's clock and finds nothing most of the time; ringing twice does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.jobs import work
from app.runtime import Runtime


@dataclass(frozen=True)
class Job:
    """A job: `every_seconds` from one bell to the next; `run` says how much it did."""

    name: str
    every_seconds: int
    run: Callable[[Runtime], int]


JOBS = (
    Job("send_phone_codes", 2, work.send_phone_codes),
    Job("deliver_messages", 2, work.deliver_messages),
    Job("payment_notifications", 2, work.payment_notifications),
    Job("file_invoices", 2, work.file_invoices),
    Job("settlements", 2, work.settlements),
    Job("hl7_alarms", 15, work.hl7_alarms),
    Job("expire_holds", 5, work.expire_holds),
    Job("waitlist", 5, work.waitlist),
    Job("reminders", 5, work.reminders),
    Job("payment_refunds", 5, work.payment_refunds),
    Job("mixed_query", 5, work.mixed_query),
    Job("call_back", 10, work.call_back),
    Job("payment_query", 10, work.payment_query),
    Job("payment_close", 30, work.payment_close),
    Job("give_up_exchanges", 30, work.give_up_exchanges),
    Job("release_bags", 30, work.release_bags),
    Job("close_sessions", 60, work.close_sessions),
    Job("pull_slots", 60, work.pull_slots),
    Job("audit_seal", 60, work.audit_seal),
    Job("rx_expire", 300, work.rx_expire),
    Job("day_figures", 600, work.day_figures),
    Job("wait_errors", 600, work.wait_errors),
    Job("ledger_proof", 600, work.ledger_proof),
    Job("reconcile", 600, work.reconcile),
    Job("forget", 300, work.forget),
    Job("open_sessions", 3600, work.open_sessions),
    Job("lapse_plans", 3600, work.lapse_plans),
    Job("rate_sweep", 3600, work.rate_sweep),
)
BY_NAME: Mapping[str, Job] = {job.name: job for job in JOBS}
