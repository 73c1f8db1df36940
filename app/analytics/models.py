"""Poster codes and their scans, how far each registration came, the figures of a day, and signs of life."""

from __future__ import annotations

import enum
from datetime import date, datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import PublicRow, Row, choice


class ChannelKind(enum.StrEnum):
    """What carries a channel's code."""

    POSTER = "poster"
    LEAFLET = "leaflet"
    ARTICLE = "article"
    SCREEN = "screen"
    DESK = "desk"


class Stage(enum.StrEnum):
    """How far a registration came after its place was held, in the order of the visit."""

    BOOKED = "booked"
    ARRIVED = "arrived"
    PRESCRIBED = "prescribed"
    COLLECTED = "collected"
    REVISIT = "revisit"


class Channel(PublicRow):
    """A way by which patients find the hospital's pages (渠道); `target` is the path its code leads to."""

    __tablename__ = "channel"

    code: Mapped[str] = mapped_column(String(16), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    place: Mapped[str] = mapped_column(String(80), default="")
    kind: Mapped[ChannelKind] = mapped_column(choice(ChannelKind), default=ChannelKind.POSTER)
    target: Mapped[str] = mapped_column(String(200), default="")
    is_open: Mapped[bool] = mapped_column(default=True)
    filed_at: Mapped[datetime]


class ChannelScan(Row):
    """A code was opened; `visitor` is a random word kept by the browser, shortened, never a person's number."""

    __tablename__ = "channel_scan"
    __table_args__ = (Index("ix_channel_scan_channel", "channel_id", "scanned_at"),)

    channel_id: Mapped[int] = mapped_column(ForeignKey("channel.id"))
    visitor: Mapped[str] = mapped_column(String(64))
    scanned_at: Mapped[datetime]


class FunnelStep(Row):
    """A registration reached a stage, once; `source_code` is the channel that brought the patient, or ''."""

    __tablename__ = "funnel_step"
    __table_args__ = (
        UniqueConstraint("registration_id", "stage"),
        Index("ix_funnel_step_source", "stage", "reached_at", "source_code"),
    )

    registration_id: Mapped[int] = mapped_column(ForeignKey("registration.id"))
    stage: Mapped[Stage] = mapped_column(choice(Stage))
    source_code: Mapped[str] = mapped_column(String(32))
    reached_at: Mapped[datetime]


class DayFigure(Row):
    """One figure of one day: `name` says what is counted, `key` of which kind."""

    __tablename__ = "day_figure"
    __table_args__ = (UniqueConstraint("day", "name", "key"),)

    day: Mapped[date]
    name: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(80), default="")
    value: Mapped[int] = mapped_column(BigInteger)
    counted_at: Mapped[datetime]


class JobHeartbeat(Row):
    """A process that does the hospital's jobs was alive at `beat_at`, by the world's time."""

    __tablename__ = "job_heartbeat"

    process: Mapped[str] = mapped_column(String(80), unique=True)
    started_at: Mapped[datetime]
    beat_at: Mapped[datetime]
    ran: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(String(80), default="")
