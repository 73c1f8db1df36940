"""Channels, their scans, and how far their patients came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import case, func, select

from app.analytics.errors import BadChannel
from app.analytics.models import Channel, ChannelKind, ChannelScan, FunnelStep, Stage
from app.analytics.rules import Cell, cell, share_bp
from app.events import ChannelScanned
from app.kernel import audit
from app.kernel.clock import at_hospital
from app.kernel.errors import NotFound
from app.kernel.ids import new_public_id
from app.kernel.uow import Uow
from app.registration.models import Registration

CODE_LETTERS = 8
VISITOR_LETTERS = 64
FUNNEL = (Stage.BOOKED, Stage.ARRIVED, Stage.COLLECTED, Stage.REVISIT)


@dataclass(frozen=True)
class FunnelRow:
    """One channel's funnel; `code` '' is everybody who came without one, whose scans are not known."""

    code: str
    name: str
    place: str
    scans: Cell
    visitors: Cell
    held: Cell
    booked: Cell
    arrived: Cell
    collected: Cell
    revisit: Cell


def file_channel(
    uow: Uow, *, name: str, place: str = "", kind: ChannelKind = ChannelKind.POSTER, target: str = ""
) -> Channel:
    """A channel with a code of its own is on file; `target` is the path its code leads to ('' is the front page).

    Refuses `bad_channel` for an empty name or a target that is no path of ours.
    """
    is_path = not target or (target.startswith("/") and not target.startswith(("//", "/\\")))
    if not name.strip() or not is_path or len(target) > 200:
        raise BadChannel(name=bool(name.strip()), target=is_path)
    made = Channel(
        code=new_public_id()[:CODE_LETTERS],
        name=name.strip()[:60],
        place=place.strip()[:80],
        kind=kind,
        target=target,
        filed_at=uow.now(),
    )
    uow.session.add(made)
    uow.session.flush()
    audit.record(uow, "channel.file", "channel", made.public_id)
    return made


def channels(uow: Uow) -> list[Channel]:
    """All channels, newest first."""
    return list(uow.session.scalars(select(Channel).order_by(Channel.id.desc())))


def close_channel(uow: Uow, public_id: str) -> None:
    """The channel's code still leads to its page but is not counted any more; NotFound for an unknown one."""
    found = uow.session.scalars(select(Channel).where(Channel.public_id == public_id)).first()
    if found is None:
        raise NotFound
    found.is_open = False
    audit.record(uow, "channel.close", "channel", public_id)


def scan(uow: Uow, *, code: str, visitor: str) -> Channel:
    """The scan of a poster's code is counted; `visitor` is the browser's random word. NotFound for an unknown code."""
    found = uow.session.scalars(select(Channel).where(Channel.code == code[:16])).first()
    if found is None:
        raise NotFound
    if found.is_open:
        uow.session.add(ChannelScan(channel_id=found.id, visitor=visitor[:VISITOR_LETTERS], scanned_at=uow.now()))
        uow.publish(ChannelScanned(found.id))
    return found


def funnel(uow: Uow, *, since_day: date) -> list[FunnelRow]:
    """Every channel's funnel since `since_day`, those with most patients first, then everybody without a channel.

    A registration belongs to the day on which its place was held, so each stage is a part of the one before.
    """
    since = at_hospital(since_day, time(0), uow.zone)
    scans, held, reached = _scans(uow, since), _held(uow, since), _reached(uow, since)
    known = {channel.code: (channel.name, channel.place) for channel in channels(uow)}
    for code in held:
        known.setdefault(code, ("", ""))
    rows = [
        _row(code, name_place, scans.get(code, (0, 0)), held.get(code, 0), reached.get(code, {}))
        for code, name_place in known.items()
    ]
    return sorted(rows, key=lambda row: (row.code == "", -row.held.count, -row.scans.count, row.code))


def _row(
    code: str, name_place: tuple[str, str], scans: tuple[int, int], held: int, reached: dict[Stage, int]
) -> FunnelRow:
    scanned, visitors = scans
    counts = [held, *(reached.get(stage, 0) for stage in FUNNEL)]
    cells = [cell(count, before) for count, before in zip(counts, [visitors or None, *counts], strict=False)]
    return FunnelRow(code, *name_place, cell(scanned), cell(visitors), *cells)


def _scans(uow: Uow, since: datetime) -> dict[str, tuple[int, int]]:
    rows = uow.session.execute(
        select(Channel.code, func.count(ChannelScan.id), func.count(func.distinct(ChannelScan.visitor)))
        .join(ChannelScan, ChannelScan.channel_id == Channel.id)
        .where(ChannelScan.scanned_at >= since)
        .group_by(Channel.code)
    )
    return {code: (scanned, visitors) for code, scanned, visitors in rows}


def _held(uow: Uow, since: datetime) -> dict[str, int]:
    rows = uow.session.execute(
        select(Registration.source_code, func.count())
        .where(Registration.held_at >= since)
        .group_by(Registration.source_code)
    )
    return {row[0]: row[1] for row in rows}


def _reached(uow: Uow, since: datetime) -> dict[str, dict[Stage, int]]:
    rows = uow.session.execute(
        select(FunnelStep.source_code, FunnelStep.stage, func.count(FunnelStep.id))
        .join(Registration, Registration.id == FunnelStep.registration_id)
        .where(Registration.held_at >= since)
        .group_by(FunnelStep.source_code, FunnelStep.stage)
    )
    reached: dict[str, dict[Stage, int]] = {}
    for code, stage, count in rows:
        reached.setdefault(code, {})[stage] = count
    return reached


def closed_loop_share(uow: Uow, *, since_day: date) -> Cell:
    """How many of the visits paid on the phone since `since_day` went the whole way round, and their share.

    Round is a visit whose patient came and, where something was prescribed, collected it.
    """
    since = at_hospital(since_day, time(0), uow.zone)
    stages = (
        select(
            func.max(case((FunnelStep.stage == Stage.ARRIVED, 1), else_=0)).label("arrived"),
            func.max(case((FunnelStep.stage == Stage.PRESCRIBED, 1), else_=0)).label("prescribed"),
            func.max(case((FunnelStep.stage == Stage.COLLECTED, 1), else_=0)).label("collected"),
            func.max(case((FunnelStep.stage == Stage.BOOKED, 1), else_=0)).label("booked"),
        )
        .join(Registration, Registration.id == FunnelStep.registration_id)
        .where(Registration.held_at >= since)
        .group_by(FunnelStep.registration_id)
        .subquery()
    )
    is_round = (stages.c.arrived == 1) & (stages.c.collected >= stages.c.prescribed)
    booked, closed = uow.session.execute(
        select(func.count(), func.coalesce(func.sum(case((is_round, 1), else_=0)), 0)).where(stages.c.booked == 1)
    ).one()
    return Cell(closed, share_bp(closed, booked), cell(closed).is_small)
