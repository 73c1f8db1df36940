"""Tokens that providers lend us: one for all processes, renewed by one of them while the others wait or go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import or_, select, update

from app.kernel.crypto import CannotOpen
from app.kernel.inserts import insert_into
from app.kernel.uow import Uow
from app.notifications.models import ProviderToken

RENEW_BEFORE_SECONDS = 300
RENEW_LEASE_SECONDS = 15


@dataclass(frozen=True)
class Token:
    """A lent token and for how many seconds it is still good."""

    text: str
    seconds_left: int


def token_of(uow: Uow, name: str) -> Token | None:
    """The token under `name` if it is still good for a minute, else None."""
    row = uow.session.scalars(select(ProviderToken).where(ProviderToken.name == name)).first()
    if row is None or row.expires_at is None:
        return None
    left, text = int((row.expires_at - uow.clock.wall_now()).total_seconds()), _text_of(uow, row)
    return Token(text, left) if text and left > 60 else None


def may_renew(uow: Uow, name: str) -> bool:
    """True for the one process that may fetch a new token now; it has fifteen seconds for it."""
    uow.session.execute(
        insert_into(uow, ProviderToken)
        .values(name=name, token_sealed="", fetched=0)
        .on_conflict_do_nothing(index_elements=["name"])
    )
    row = uow.session.scalars(select(ProviderToken).where(ProviderToken.name == name)).one()
    if not _text_of(uow, row):
        row.expires_at = None
        uow.session.flush()
    now = uow.clock.wall_now()
    is_ours = uow.session.scalar(
        update(ProviderToken)
        .where(
            ProviderToken.name == name,
            or_(ProviderToken.lease_until.is_(None), ProviderToken.lease_until < now),
            # Another process may have renewed it since the caller looked.
            or_(
                ProviderToken.expires_at.is_(None),
                ProviderToken.expires_at <= now + timedelta(seconds=RENEW_BEFORE_SECONDS),
            ),
        )
        .values(lease_until=now + timedelta(seconds=RENEW_LEASE_SECONDS))
        .returning(ProviderToken.id),
        execution_options={"synchronize_session": False},
    )
    return is_ours is not None


def keep_token(uow: Uow, name: str, text: str, lives_seconds: int) -> None:
    """The new token is there for every process, and the lease is given back."""
    row = uow.session.scalars(select(ProviderToken).where(ProviderToken.name == name)).one()
    row.token_sealed = uow.keys.seal(text, f"provider_token.token:{name}")
    row.expires_at = uow.clock.wall_now() + timedelta(seconds=lives_seconds)
    row.lease_until, row.fetched = None, row.fetched + 1


def forget_token(uow: Uow, name: str, text: str) -> None:
    """A token that the provider calls invalid is not used again; quiet when another took its place already."""
    row = uow.session.scalars(select(ProviderToken).where(ProviderToken.name == name).with_for_update()).first()
    if row is not None and _text_of(uow, row) == text:
        row.expires_at = None


def _text_of(uow: Uow, row: ProviderToken) -> str:
    """The token, or '' when its key is gone or it was sealed for another place: a lent token is simply lent anew."""
    try:
        return uow.keys.open(row.token_sealed, f"provider_token.token:{row.name}")
    except CannotOpen:
        return ""
