"""The hospital's other systems that speak HL7 v2 with us: one row says all that is agreed with one of them.

A sender is known by what it writes in MSH-3 and MSH-4. Every change of an agreement is kept beside the one before.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint, bindparam, false, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel import audit, rates
from app.kernel.db import PublicRow, Row, choice
from app.kernel.errors import BadInput, NotFound, Refused
from app.kernel.hot import Found
from app.kernel.peer_rules import FRAME_BYTES_AT_MOST, faults_of
from app.kernel.uow import Uow


class AckMode(enum.StrEnum):
    """`original`: one answer, by what became of it; `enhanced`: stored, then outcome; `auto`: as MSH-15, 16 ask."""

    ORIGINAL = "original"
    ENHANCED = "enhanced"
    AUTO = "auto"


class UnknownEvent(enum.StrEnum):
    """A known type whose event means nothing here is `filed` (AA) or `refused` (AR 201)."""

    FILED = "filed"
    REFUSED = "refused"


class ReusedId(enum.StrEnum):
    """A control id that comes again with other content is `process`ed and flagged, or `refuse`d (AE 205)."""

    PROCESS = "process"
    REFUSE = "refuse"


class UnknownPatient(enum.StrEnum):
    """A message about nobody on file: `create` them from PID, `park` it until they are, or `refuse` it (AE 204)."""

    CREATE = "create"
    PARK = "park"
    REFUSE = "refuse"


class OtherFacility(enum.StrEnum):
    """A message meant for another hospital is taken and `flag`ged, or `refuse`d (AE 204)."""

    FLAG = "flag"
    REFUSE = "refuse"


class RefusedBooking(enum.StrEnum):
    """A place taken here that the system refuses for good waits for a `person`, or is given back with its money."""

    PERSON = "person"
    GIVE_BACK = "give_back"


class PatientLevel(enum.StrEnum):
    """A patient is told of as at a `visit` (ADT^A04, A08), or as a `person` (A28, A31) while there is no visit."""

    VISIT = "visit"
    PERSON = "person"


class BadPeer(BadInput):
    """The agreement cannot be kept as it is written (facts: fields)."""

    code: ClassVar[str] = "bad_peer"


class PeerTaken(Refused):
    """This sender is on file already."""

    code: ClassVar[str] = "peer_taken"


class PeerChanged(Refused):
    """Somebody else has changed the agreement meanwhile; look at it again."""

    code: ClassVar[str] = "peer_changed"


@dataclass(frozen=True)
class Peer:
    """What is agreed with one system; the defaults are those of a sender that nobody has described.

    `application` and `facility` are MSH-3 and MSH-4 as the peer writes them. `charset` (an MSH-18 label) holds for
    messages that declare none. `addresses` are networks it may send from, none for anywhere; `certificate` is a name in
    the one it must show by TLS, '' for none. `messages_per_minute` 0
    is without limit. `retry_codes` (HL7 table 0357) in its AE or AR mean that a message is sent to it again. `out_host`
    '' is a peer that we do not send to, or one whose address stands in the settings. `facilities` are our names as it
    writes them in MSH-6 and PV1-3.4, none for any. `field_rules` and `codes` are lines as `field_rules.read_rule` and
    `code_tables.own_code` read them: they hold for this peer before what holds for all. One that `is_asked_first` is
    asked for a new patient's number (QBP^Q22) before it is told of the patient. Where one `decides_bookings`, a place
    waits for its answer (SRR) to be confirmed, and goes back when that is no. `answers_orders`: its orders are answered
    order by order (ORP^O10, RRE^O12, ORR^O02) instead of by an ACK.
    """

    name: str = ""
    application: str = ""
    facility: str = ""
    ack_mode: AckMode = AckMode.ORIGINAL
    charset: str = "UNICODE UTF-8"
    addresses: Sequence[str] = ()
    certificate: str = ""
    max_frame_bytes: int = FRAME_BYTES_AT_MOST
    messages_per_minute: int = 0
    unknown_event: UnknownEvent = UnknownEvent.FILED
    reused_id: ReusedId = ReusedId.PROCESS
    unknown_patient: UnknownPatient = UnknownPatient.REFUSE
    facilities: Sequence[str] = ()
    other_facility: OtherFacility = OtherFacility.FLAG
    field_rules: Sequence[str] = ()
    codes: Sequence[str] = ()
    retry_codes: Sequence[str] = ("206", "207")
    out_host: str = ""
    out_port: int = 0
    out_tls: bool = False
    out_charset: str = "UNICODE UTF-8"
    refused_booking: RefusedBooking = RefusedBooking.PERSON
    is_asked_first: bool = False
    patient_level: PatientLevel = PatientLevel.VISIT
    decides_bookings: bool = False
    answers_orders: bool = False
    is_paused: bool = False
    public_id: str = ""
    version: int = 0

    @property
    def is_known(self) -> bool:
        """True for a peer on file, false for one served by the defaults."""
        return bool(self.public_id)

    def agreed(self) -> dict[str, Any]:
        """All that is agreed, as plain values."""
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in _OF_THE_ROW}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


_OF_THE_ROW = frozenset({"public_id", "version"})


class Hl7Peer(PublicRow):
    """The agreement in force with one system; see `Peer` for what its columns mean."""

    __tablename__ = "hl7_peer"
    __table_args__ = (
        UniqueConstraint("application", "facility"),
        CheckConstraint(f"max_frame_bytes BETWEEN 1024 AND {FRAME_BYTES_AT_MOST}", name="frame_bytes"),
        CheckConstraint("messages_per_minute >= 0", name="per_minute"),
        CheckConstraint("out_port BETWEEN 0 AND 65535", name="out_port"),
    )

    name: Mapped[str] = mapped_column(String(80))
    application: Mapped[str] = mapped_column(String(227))
    facility: Mapped[str] = mapped_column(String(227))
    ack_mode: Mapped[AckMode] = mapped_column(choice(AckMode))
    charset: Mapped[str] = mapped_column(String(40))
    addresses: Mapped[list[Any]]
    certificate: Mapped[str] = mapped_column(String(253), default="", server_default="")
    max_frame_bytes: Mapped[int]
    messages_per_minute: Mapped[int]
    unknown_event: Mapped[UnknownEvent] = mapped_column(choice(UnknownEvent))
    reused_id: Mapped[ReusedId] = mapped_column(choice(ReusedId))
    unknown_patient: Mapped[UnknownPatient] = mapped_column(choice(UnknownPatient))
    facilities: Mapped[list[Any]]
    other_facility: Mapped[OtherFacility] = mapped_column(choice(OtherFacility))
    field_rules: Mapped[list[Any]]
    codes: Mapped[list[Any]]
    retry_codes: Mapped[list[Any]]
    out_host: Mapped[str] = mapped_column(String(253))
    out_port: Mapped[int]
    out_tls: Mapped[bool]
    out_charset: Mapped[str] = mapped_column(String(40))
    refused_booking: Mapped[RefusedBooking] = mapped_column(
        choice(RefusedBooking), default=RefusedBooking.PERSON, server_default=RefusedBooking.PERSON.value
    )
    is_asked_first: Mapped[bool] = mapped_column(default=False, server_default=false())
    patient_level: Mapped[PatientLevel] = mapped_column(
        choice(PatientLevel), default=PatientLevel.VISIT, server_default=PatientLevel.VISIT.value
    )
    decides_bookings: Mapped[bool] = mapped_column(default=False, server_default=false())
    answers_orders: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_paused: Mapped[bool]
    version: Mapped[int]


class Hl7PeerVersion(Row):
    """One change of an agreement: appended, never edited; `before` is empty for the first one."""

    __tablename__ = "hl7_peer_version"
    __table_args__ = (UniqueConstraint("peer_id", "version"),)

    peer_id: Mapped[int] = mapped_column(ForeignKey("hl7_peer.id"))
    version: Mapped[int]
    changed_at: Mapped[datetime]
    by_kind: Mapped[str] = mapped_column(String(16))
    by_ref: Mapped[str] = mapped_column(String(64))
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]


@dataclass(frozen=True)
class Change:
    """Who changed an agreement and when, and for each changed term what it was and what it is."""

    version: int
    changed_at: datetime
    by_ref: str
    terms: dict[str, tuple[object, object]] = field(default_factory=dict)


def peer_for(uow: Uow, application: str, facility: str) -> Peer:
    """The agreement with the sender of this MSH-3 and MSH-4; the defaults, not `is_known`, when it is on no file."""
    is_nameable = "\x00" not in application + facility  # PostgreSQL refuses to look for what it cannot hold
    row = _NAMED.row(uow, {"p_application": application, "p_facility": facility}) if is_nameable else None
    return _peer(row) if row else Peer(application=application, facility=facility)


_NAMED = Found(
    Hl7Peer,
    which=lambda agreements: agreements.where(
        Hl7Peer.application == bindparam("p_application"), Hl7Peer.facility == bindparam("p_facility")
    ),
)


def peers(uow: Uow) -> list[Peer]:
    """Every agreement in force, by name."""
    return [_peer(row) for row in uow.session.scalars(select(Hl7Peer).order_by(Hl7Peer.name, Hl7Peer.id))]


def somebody_decides(uow: Uow) -> bool:
    """True where a hospital system decides on the appointments that are made here."""
    return uow.session.scalars(select(Hl7Peer.id).where(Hl7Peer.decides_bookings).limit(1)).first() is not None


def peer(uow: Uow, public_id: str) -> Peer:
    """One agreement in force; NotFound."""
    return _peer(_row(uow, public_id))


def changes_of(uow: Uow, public_id: str) -> list[Change]:
    """How the agreement became what it is, newest first; NotFound."""
    row = _row(uow, public_id)
    kept = select(Hl7PeerVersion).where(Hl7PeerVersion.peer_id == row.id).order_by(Hl7PeerVersion.version.desc())
    return [_change(version) for version in uow.session.scalars(kept)]


def file_peer(uow: Uow, wanted: Peer) -> Peer:
    """The system is on file as `wanted`, at version 1; refuses `bad_peer`, `peer_taken`."""
    _check(wanted)
    row = Hl7Peer(**wanted.agreed(), version=1)
    try:
        with uow.session.begin_nested():
            uow.session.add(row)
    except IntegrityError:
        raise PeerTaken from None
    _keep(uow, row, {})
    return _peer(row)


def amend_peer(uow: Uow, wanted: Peer) -> Peer:
    """The agreement `wanted.public_id` is as `wanted` says, one version on; unchanged, it stays the version it is.

    Refuses `bad_peer`, `peer_taken`, `peer_changed` when `wanted.version` is not the one in force; NotFound.
    """
    _check(wanted)
    row = _row(uow, wanted.public_id)
    before = _peer(row).agreed()
    if before == wanted.agreed():
        return wanted
    change = update(Hl7Peer).where(Hl7Peer.id == row.id, Hl7Peer.version == wanted.version)
    try:
        with uow.session.begin_nested():
            done = uow.session.scalar(
                change.values(**wanted.agreed(), version=Hl7Peer.version + 1).returning(Hl7Peer.id),
                execution_options={"synchronize_session": False},
            )
    except IntegrityError:
        raise PeerTaken from None
    if done is None:
        raise PeerChanged
    uow.session.refresh(row)
    _keep(uow, row, before)
    return _peer(row)


def pause(uow: Uow, public_id: str) -> Peer:
    """Nothing is taken from the peer and nothing sent to it, until `resume`; quiet when called twice. NotFound."""
    return amend_peer(uow, replace(peer(uow, public_id), is_paused=True))


def resume(uow: Uow, public_id: str) -> Peer:
    """The peer is served again; quiet when called twice. NotFound."""
    return amend_peer(uow, replace(peer(uow, public_id), is_paused=False))


def count_message(uow: Uow, known: Peer) -> None:
    """One more message of the peer is counted; refuses `too_many` beyond its messages per minute."""
    if known.messages_per_minute:
        rates.use(uow, f"hl7:{known.public_id}", at_most=known.messages_per_minute, window_seconds=60)


def _row(uow: Uow, public_id: str) -> Hl7Peer:
    row = uow.session.scalars(select(Hl7Peer).where(Hl7Peer.public_id == public_id)).first()
    if row is None:
        raise NotFound
    return row


def _peer(row: Hl7Peer) -> Peer:
    values: dict[str, Any] = {}
    for each in fields(Peer):
        value = getattr(row, each.name)
        values[each.name] = tuple(value) if isinstance(value, list) else value
    return Peer(**values)


def _check(wanted: Peer) -> None:
    faults = faults_of(wanted.agreed())
    if faults:
        raise BadPeer(fields=faults)


def _keep(uow: Uow, row: Hl7Peer, before: dict[str, Any]) -> None:
    after = _peer(row).agreed()
    uow.session.add(
        Hl7PeerVersion(
            peer_id=row.id,
            version=row.version,
            changed_at=uow.now(),
            by_kind=uow.actor.kind,
            by_ref=uow.actor.ref,
            before=before,
            after=after,
        )
    )
    terms = sorted(name for name, value in after.items() if before.get(name) != value)
    audit.record(uow, "hl7.peer_changed", "hl7_peer", row.public_id, version=row.version, terms=terms)


def _change(kept: Hl7PeerVersion) -> Change:
    terms = {
        name: (kept.before.get(name), value) for name, value in kept.after.items() if kept.before.get(name) != value
    }
    return Change(kept.version, kept.changed_at, kept.by_ref, terms)
