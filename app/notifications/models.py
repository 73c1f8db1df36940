"""Messages with their fate, what providers said of them, and the tokens by which providers know us."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import PublicRow, Row, choice
from app.notifications.states import Channel, MessageState


class Message(PublicRow):
    """One thing told to one account by one channel.

    `params` hold ids, numbers, rooms and times; `link` is a path of our own pages; `stands_in_for_id` is the message
    that could not be delivered and whose place this one takes.
    """

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_inbox", "account_id", "id"),
        UniqueConstraint("channel", "provider_message_id"),
        CheckConstraint("state <> 'sent' OR sent_at IS NOT NULL", name="sent_has_time"),
        CheckConstraint(
            "(state IN ('delivered', 'failed', 'suppressed')) = (final_at IS NOT NULL)", name="final_has_time"
        ),
    )

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    channel: Mapped[Channel] = mapped_column(choice(Channel))
    template: Mapped[str] = mapped_column(String(24), index=True)
    params: Mapped[dict[str, Any]]
    link: Mapped[str] = mapped_column(String(200))
    dedupe_key: Mapped[str] = mapped_column(String(120), unique=True)
    state: Mapped[MessageState] = mapped_column(choice(MessageState), default=MessageState.QUEUED, index=True)
    reason: Mapped[str] = mapped_column(String(60), default="")
    provider_message_id: Mapped[str | None] = mapped_column(String(64))
    stands_in_for_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"), unique=True)
    made_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    final_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]


class MessageResult(Row):
    """A provider's word on what became of a message; it may come before we have noted that it was sent."""

    __tablename__ = "message_result"
    __table_args__ = (UniqueConstraint("channel", "provider_message_id"),)

    channel: Mapped[Channel] = mapped_column(choice(Channel))
    provider_message_id: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(60))
    received_at: Mapped[datetime]


class WechatTemplate(Row):
    """Under which number the Official Account knows one of our messages: appended at each change, never edited.

    The highest version is in force. `keywords` says what the account calls each of our fields ('' is not sent),
    `fixed` which words always stand under other keywords.
    """

    __tablename__ = "wechat_template"
    __table_args__ = (UniqueConstraint("name", "version"), CheckConstraint("version > 0", name="version_counts"))

    name: Mapped[str] = mapped_column(String(24))
    version: Mapped[int]
    number: Mapped[str] = mapped_column(String(64), default="")
    keywords: Mapped[dict[str, Any]]
    fixed: Mapped[dict[str, Any]]
    saved_at: Mapped[datetime]
    by_ref: Mapped[str] = mapped_column(String(64))


class ProviderToken(Row):
    """A token that a provider lent us, shared by all processes; `lease_until` is set while one of them renews it."""

    __tablename__ = "provider_token"

    name: Mapped[str] = mapped_column(String(40), unique=True)
    token_sealed: Mapped[str] = mapped_column(String(1200), default="")
    expires_at: Mapped[datetime | None]
    lease_until: Mapped[datetime | None]
    fetched: Mapped[int] = mapped_column(default=0)

    @property
    def seal_name(self) -> str:
        """What its sealed token is bound to."""
        return self.name
