"""Programs of other systems: who they are, what they may do, and the short-lived token they show."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select

from app.identity import assertions
from app.identity.errors import BadClient
from app.identity.models import ApiClient, ApiToken
from app.kernel import audit, once
from app.kernel.errors import NotFound
from app.kernel.ids import new_public_id
from app.kernel.uow import Actor, Uow

TOKEN_SECONDS = 900
LONGEST_NAME = 60
# What may be read of a patient's visit, by the names FHIR has for it, and the one thing that may be written.
READABLE = (
    "Patient",
    "Schedule",
    "Slot",
    "Appointment",
    "MedicationRequest",
    "MedicationDispense",
    "DiagnosticReport",
    "Invoice",
)
READ_ALL, BOOK = "system/*.read", "system/Appointment.write"
SCOPES = (READ_ALL, *(f"system/{kind}.read" for kind in READABLE), BOOK)


@dataclass(frozen=True)
class Granted:
    """The token, the client it is for, what it opens, and for how many seconds."""

    token: str
    client: Actor
    scopes: tuple[str, ...]
    seconds: int


def file_client(
    uow: Uow, *, name: str, scopes: Collection[str], public_keys: Sequence[Mapping[str, str]] = ()
) -> tuple[ApiClient, str]:
    """The program may ask for tokens; its row and its secret, which is shown this once, or '' when it has keys.

    Refuses `bad_client` for a name that is empty, too long or taken, for no scope, and for one that is not in SCOPES.
    """
    clean = name.strip()
    is_taken = uow.session.scalars(select(ApiClient.id).where(ApiClient.name == clean)).first() is not None
    if is_taken or not 0 < len(clean) <= LONGEST_NAME or not scopes or not set(scopes) <= set(SCOPES):
        raise BadClient
    secret = "" if public_keys else secrets.token_urlsafe(32)
    client = ApiClient(
        public_id=new_public_id(),
        name=clean,
        secret_hash=_hash(secret) if secret else "",
        public_keys=[dict(key) for key in public_keys],
        scopes=sorted(set(scopes)),
        created_at=uow.now(),
    )
    uow.session.add(client)
    uow.session.flush()
    audit.record(uow, "client.file", "client", client.public_id, scopes=client.scopes)
    return client, secret


def list_clients(uow: Uow) -> list[ApiClient]:
    """Every program on file, oldest first; those that were ended say since when."""
    return list(uow.session.scalars(select(ApiClient).order_by(ApiClient.id)))


def keep_keys(uow: Uow, public_id: str, public_keys: Sequence[Mapping[str, str]]) -> ApiClient:
    """The program signs with these keys from now on, and its secret, or the keys before, count no more; NotFound."""
    client = _named(uow, public_id)
    client.secret_hash, client.public_keys = "", [dict(key) for key in public_keys]
    audit.record(uow, "client.keys", "client", client.public_id, keys=len(public_keys))
    return client


def _named(uow: Uow, public_id: str) -> ApiClient:
    client = uow.session.scalars(select(ApiClient).where(ApiClient.public_id == public_id)).first()
    if client is None:
        raise NotFound
    return client


def end_client(uow: Uow, public_id: str) -> ApiClient:
    """The program gets no tokens any more, and those it holds open nothing; twice is quiet. Else NotFound."""
    client = _named(uow, public_id)
    if client.ended_at is None:
        client.ended_at = uow.now()
        uow.session.execute(delete(ApiToken).where(ApiToken.client_id == client.id))
        audit.record(uow, "client.end", "client", client.public_id)
    return client


def grant(uow: Uow, *, public_id: str, secret: str, asked: Collection[str]) -> Granted | None:
    """A new token for the client, for those `asked` scopes that it has (all it has when none is asked for).

    None when id or secret is wrong or the client was ended; returned, not raised, so that the try is on record.
    The scopes are empty, and no token is made, when it has none of those asked for. The caller counts tries.
    """
    client = uow.session.scalars(select(ApiClient).where(ApiClient.public_id == public_id)).first()
    fits = secrets.compare_digest(client.secret_hash if client else _hash(""), _hash(secret))
    return _granted(uow, client if fits and client and client.secret_hash else None, asked)


def grant_by_statement(uow: Uow, *, text: str, audience: str, asked: Collection[str]) -> Granted | None:
    """As `grant`, for a client that signed a statement of who it is, meant for `audience`; each counts once."""
    said = assertions.read_statement(text)
    wanted = select(ApiClient).where(ApiClient.public_id == (said.client_id if said else ""))
    client = uow.session.scalars(wanted).first()
    if said is None or client is None:
        return _granted(uow, None, asked)
    is_believed = assertions.is_believed(said, client.public_keys, audience, uow.clock.wall_now())
    is_good = is_believed and once.is_first(uow, f"client:{client.public_id}", _hash(said.jti))
    return _granted(uow, client if is_good else None, asked)


def _granted(uow: Uow, client: ApiClient | None, asked: Collection[str]) -> Granted | None:
    if client is None or client.ended_at is not None:
        audit.record(uow, "client.token", "client", client.public_id if client else "", outcome="invalid_client")
        return None
    scopes = tuple(scope for scope in client.scopes if not asked or scope in asked)
    token = secrets.token_urlsafe(32)
    if scopes:
        now = uow.now()
        uow.session.execute(delete(ApiToken).where(ApiToken.client_id == client.id, ApiToken.ends_at < now))
        row = ApiToken(token_hash=_hash(token), client_id=client.id, scopes=list(scopes), issued_at=now)
        row.ends_at = now + timedelta(seconds=TOKEN_SECONDS)
        uow.session.add(row)
    audit.record(uow, "client.token", "client", client.public_id, outcome="ok" if scopes else "invalid_scope")
    return Granted(token if scopes else "", _actor(client, scopes), scopes, TOKEN_SECONDS)


def who_shows(uow: Uow, token: str) -> Actor | None:
    """The client to whom `token` was given, its scopes as roles; None when it is over or was never given out."""
    row = uow.session.execute(
        select(ApiToken, ApiClient)
        .join(ApiClient, ApiClient.id == ApiToken.client_id)
        .where(ApiToken.token_hash == _hash(token), ApiToken.ends_at > uow.now(), ApiClient.ended_at.is_(None))
    ).first()
    return None if row is None else _actor(row[1], row[0].scopes)


def _actor(client: ApiClient, scopes: Collection[str]) -> Actor:
    return Actor("client", client.public_id, client.id, frozenset(scopes))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
