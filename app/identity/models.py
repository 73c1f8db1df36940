"""Accounts, patients, the links between them, staff, devices and log-ins."""

from __future__ import annotations

import enum
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import PublicRow, Row, choice


class Sex(enum.StrEnum):
    """Administrative sex (HL7 table 0001 on the wire)."""

    MALE = "male"
    FEMALE = "female"
    UNKNOWN = "unknown"


class Relation(enum.StrEnum):
    """What the patient is to the account's holder."""

    SELF = "self"
    CHILD = "child"
    PARENT = "parent"
    SPOUSE = "spouse"
    OTHER = "other"


class IdentityProof(enum.StrEnum):
    """Who has seen that the person is who the record says (实名): nobody, the desk, the hospital system."""

    UNVERIFIED = "unverified"
    DESK = "desk"
    HOSPITAL = "hospital"


class Guardianship(enum.StrEnum):
    """By what somebody is a child's guardian (民法典 art. 27)."""

    PARENT = "parent"
    GRANDPARENT = "grandparent"
    SIBLING = "sibling"
    OTHER = "other"


class DeviceKind(enum.StrEnum):
    """What a registered device is used for."""

    TERMINAL = "terminal"
    INVOICE_WINDOW = "invoice_window"
    BOARD = "board"


class Account(PublicRow):
    """Somebody who logs in on a phone; not yet a patient."""

    __tablename__ = "account"

    phone_sealed: Mapped[str] = mapped_column(String(200))
    phone_index: Mapped[str] = mapped_column(String(32), unique=True)
    locale: Mapped[str] = mapped_column(String(16), default="zh_Hans_CN")
    is_elder: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class AccountChannel(Row):
    """Where an account is reached besides its phone: `system` wechat, `value` the openid."""

    __tablename__ = "account_channel"
    __table_args__ = (UniqueConstraint("system", "value"), UniqueConstraint("account_id", "system"))

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    system: Mapped[str] = mapped_column(String(16))
    value: Mapped[str] = mapped_column(String(64))


class PhoneCode(PublicRow):
    """A six-digit code sent to a phone: good once, for five minutes, for five tries."""

    __tablename__ = "phone_code"

    phone_sealed: Mapped[str] = mapped_column(String(200))
    phone_index: Mapped[str] = mapped_column(String(32), index=True)
    code_sealed: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]


class Patient(PublicRow):
    """A person who is treated; one row per person, whatever numbers other systems give them.

    A record that the hospital merged into another one keeps its row and says into which by `merged_into_id`. `proof`
    says who has verified the person since `proven_at`.
    """

    __tablename__ = "patient"
    __table_args__ = (CheckConstraint("(proof = 'unverified') = (proven_at IS NULL)", name="proven_since_some_time"),)

    name_sealed: Mapped[str] = mapped_column(String(800))
    name_masked: Mapped[str] = mapped_column(String(40))
    id_kind: Mapped[str] = mapped_column(String(16), default="id_card")
    id_number_sealed: Mapped[str] = mapped_column(String(200), default="")
    id_number_index: Mapped[str | None] = mapped_column(String(32), unique=True)
    phone_sealed: Mapped[str] = mapped_column(String(200), default="")
    phone_index: Mapped[str] = mapped_column(String(32), default="", index=True)
    birth_date: Mapped[date | None]
    sex: Mapped[Sex] = mapped_column(choice(Sex), default=Sex.UNKNOWN)
    created_at: Mapped[datetime]
    merged_into_id: Mapped[int | None] = mapped_column(index=True)
    proof: Mapped[IdentityProof] = mapped_column(choice(IdentityProof), default=IdentityProof.UNVERIFIED)
    proven_at: Mapped[datetime | None]


class PatientIdentifier(Row):
    """A patient's number in another system: `his` (medical record number) or `insurance`.

    A former number still finds the patient, and is not told to anybody any more.
    """

    __tablename__ = "patient_identifier"
    __table_args__ = (UniqueConstraint("system", "value"),)

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    system: Mapped[str] = mapped_column(String(24))
    value: Mapped[str] = mapped_column(String(64))
    is_former: Mapped[bool] = mapped_column(default=False)


class PatientLink(Row):
    """An account may act for a patient until the link ends."""

    __tablename__ = "patient_link"
    __table_args__ = (UniqueConstraint("account_id", "patient_id"),)

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    relation: Mapped[Relation] = mapped_column(choice(Relation))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


_STANDS = text("withdrawn_at IS NULL")


class GuardianConsent(PublicRow):
    """A guardian lets the hospital handle a child's data (under fourteen: 个人信息保护法 art. 31), until taken back.

    `account_id` is the account that gave it, NULL for a paper that the desk keeps; `given_by` and `withdrawn_by` are
    the words by which the audit trail knows who did it. A child has one that stands at most.
    """

    __tablename__ = "guardian_consent"
    __table_args__ = (
        Index(
            "uq_guardian_consent_standing",
            "patient_id",
            unique=True,
            postgresql_where=_STANDS,
            sqlite_where=_STANDS,
        ),
        Index("ix_guardian_consent_patient", "patient_id", "given_at"),
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by = '')", name="withdrawn_by_somebody"),
    )

    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    guardian_sealed: Mapped[str] = mapped_column(String(800))
    guardianship: Mapped[Guardianship] = mapped_column(choice(Guardianship))
    text_version: Mapped[str] = mapped_column(String(16))
    given_at: Mapped[datetime]
    given_by: Mapped[str] = mapped_column(String(64))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str] = mapped_column(String(64), default="")


class Staff(PublicRow):
    """Somebody who works in the hospital and logs in with name and password.

    `must_choose_password`: the password was given by somebody else, so the first log-in leads to choosing another.
    `needs_second_step`: a password alone lets them in nowhere. The key of their own phone's codes counts
    when `has_second_step`, and no code up to `second_step_used` (a half minute) counts any more.
    """

    __tablename__ = "staff"

    login: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    password_hash: Mapped[str] = mapped_column(String(200))
    roles: Mapped[list[Any]]
    practitioner_code: Mapped[str] = mapped_column(String(24), default="")
    is_active: Mapped[bool] = mapped_column(default=True)
    failed_logins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    must_choose_password: Mapped[bool] = mapped_column(default=False)
    needs_second_step: Mapped[bool] = mapped_column(default=False, server_default=false())
    has_second_step: Mapped[bool] = mapped_column(default=False, server_default=false())
    second_step_key_sealed: Mapped[str] = mapped_column(String(200), default="", server_default="")
    second_step_used: Mapped[int] = mapped_column(default=0, server_default="0")


class Device(PublicRow):
    """A terminal, window or board that was registered by an administrator."""

    __tablename__ = "device"

    code: Mapped[str] = mapped_column(String(24), unique=True)
    kind: Mapped[DeviceKind] = mapped_column(choice(DeviceKind))
    name: Mapped[str] = mapped_column(String(60))
    window_code: Mapped[str] = mapped_column(String(24), default="")


class LoginSession(Row):
    """A log-in that is in force; the phone or PC holds the secret, the row only its hash.

    `took_second_step`: whoever logged in also showed a code of their own phone.
    """

    __tablename__ = "login_session"

    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ends_at: Mapped[datetime] = mapped_column(index=True)
    took_second_step: Mapped[bool] = mapped_column(default=False, server_default=false())


class ApiClient(PublicRow):
    """A program of another system that reads and books by itself; it keeps the secret, the row only its hash.

    One that signs has no secret here ('') but its `public_keys` (JWK). `scopes` are SMART's words for what it may do
    (system/Patient.read).
    """

    __tablename__ = "api_client"

    name: Mapped[str] = mapped_column(String(60), unique=True)
    secret_hash: Mapped[str] = mapped_column(String(64))
    public_keys: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    scopes: Mapped[list[Any]]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class ApiToken(Row):
    """What a client shows with each request instead of its secret, for a quarter of an hour; only its hash is kept."""

    __tablename__ = "api_token"

    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("api_client.id"), index=True)
    scopes: Mapped[list[Any]]
    issued_at: Mapped[datetime]
    ends_at: Mapped[datetime] = mapped_column(index=True)
