"""Every setting of the hospital's software, read once from the environment.

A setting that makes no sense stops the start with one line per mistake; nothing is guessed. Names ending in
`_seconds`, `_minutes`, `_file` or `_url` say their unit. `docs/operations.md` explains each one to the operator.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import config_partners as partners
from config_partners import (
    AlipaySettings,
    FiscalSettings,
    FsiSettings,
    HospitalStatementSettings,
    MobileInsuranceSettings,
    OfficialAccountSettings,
    PosStatementSettings,
    Reader,
    RetentionSettings,
    SmsSettings,
    WeChatPaySettings,
)

__all__ = [
    "AlipaySettings",
    "BadSettings",
    "FiscalSettings",
    "FsiSettings",
    "Hl7Settings",
    "HospitalStatementSettings",
    "MobileInsuranceSettings",
    "OfficialAccountSettings",
    "PosStatementSettings",
    "RetentionSettings",
    "Settings",
    "SigningSettings",
    "SmsSettings",
    "WeChatPaySettings",
    "read_settings",
]
DEMO_SECRET = "demo-only-not-for-patients"  # noqa: S105 - the marker by which production refuses demo keys
MODES = ("demo", "production")


class BadSettings(SystemExit):
    """The environment holds settings the hospital must not be run with; the message names each of them."""


@dataclass(frozen=True)
class SigningSettings:
    """The key (PEM) with which the hospital signs its invoices, and its certificate; without a key none is signed."""

    key_file: str = ""
    cert_file: str = ""
    key_password: str = ""


@dataclass(frozen=True)
class Hl7Settings:
    """The MLLP port we listen on and the hospital system (HIS) we tell.

    A patient is told that a booking is pending when its answer is out for `booking_deadline_seconds`. The hospital
    system is asked every `pull_slots_minutes` (0: never) for its doctors' time in the next `pull_slots_days`.
    A strict listener takes messages only of senders on file, and names `contact` to others. TLS files are PEM; with
    `client_ca_file` a sender needs a certificate that this authority signed. `http_port` 0 listens to no HTTP.
    """

    host: str = "127.0.0.1"
    port: int = 2575
    his_host: str = ""
    his_port: int = 0
    our_application: str = "MENZHEN"
    our_facility: str = "HOSPITAL"
    his_application: str = "HIS"
    his_facility: str = "HOSPITAL"
    answer_timeout_seconds: int = 10
    booking_deadline_seconds: int = 5
    pull_slots_minutes: int = 0
    pull_slots_days: int = 7
    is_strict: bool = False
    contact: str = "the hospital's IT department"
    http_port: int = 0
    tls_cert_file: str = ""
    tls_key_file: str = ""
    client_ca_file: str = ""
    his_tls: bool = False
    his_ca_file: str = ""


@dataclass(frozen=True)
class Settings:
    """All settings, checked; `data_keys` are (key id, 32 bytes), the first one writes, all of them read."""

    mode: str
    database_url: str
    base_url: str
    hospital_name: str
    time_zone: ZoneInfo
    secret_keys: tuple[str, ...] = field(repr=False)
    data_keys: tuple[tuple[str, bytes], ...] = field(repr=False)
    index_key: bytes = field(repr=False)
    pickup_key: bytes = field(repr=False)
    clock_file: str
    trusted_proxies: int
    pool_size: int
    refund_approval_fen: int
    wxpay: WeChatPaySettings = field(repr=False)
    wxoa: OfficialAccountSettings = field(repr=False)
    sms: SmsSettings = field(repr=False)
    hl7: Hl7Settings
    fsi: FsiSettings = field(default_factory=FsiSettings, repr=False)
    fiscal: FiscalSettings = field(default_factory=FiscalSettings, repr=False)
    alipay: AlipaySettings = field(default_factory=AlipaySettings, repr=False)
    mobile_insurance: MobileInsuranceSettings = field(default_factory=MobileInsuranceSettings, repr=False)
    hospital_statement: HospitalStatementSettings = field(default_factory=HospitalStatementSettings, repr=False)
    pos_statement: PosStatementSettings = field(default_factory=PosStatementSettings, repr=False)
    signing: SigningSettings = field(default_factory=SigningSettings, repr=False)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    booking_tries_per_minute: int = 60
    voice_folder: str = ""

    @property
    def is_demo(self) -> bool:
        """True for a demo hospital, the only mode that runs with demo keys and a clock that can be set."""
        return self.mode == "demo"


def _demo_key(name: str) -> str:
    return base64.b64encode(f"{DEMO_SECRET}:{name}".encode().ljust(32, b".")[:32]).decode()


def _data_keys(read: Reader, default: str) -> tuple[tuple[str, bytes], ...]:
    """Reads `id:base64,id:base64`; the first key is the one that writes."""
    keys = []
    for part in read.text("MENZHEN_DATA_KEYS", default).split(","):
        key_id, _, raw = part.strip().partition(":")
        keys.append((key_id, read.key("MENZHEN_DATA_KEYS", raw)))
    if len({key_id for key_id, _ in keys}) != len(keys):
        read.problems.append("MENZHEN_DATA_KEYS: a key id stands twice")
    return tuple(keys)


def _zone(read: Reader) -> ZoneInfo:
    name = read.text("MENZHEN_TIME_ZONE", "Asia/Shanghai")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        read.problems.append(f"MENZHEN_TIME_ZONE: {name!r} is not a zone of the tz database")
        return ZoneInfo("Asia/Shanghai")


def _signing(read: Reader) -> SigningSettings:
    settings = SigningSettings(
        key_file=read.file("INVOICE_KEY_FILE"),
        cert_file=read.file("INVOICE_CERT_FILE"),
        key_password=read.text("INVOICE_KEY_PASSWORD"),
    )
    if bool(settings.key_file) != bool(settings.cert_file):
        read.problems.append("INVOICE_KEY_FILE, INVOICE_CERT_FILE: one needs the other")
    return settings


def _hl7(read: Reader, *, is_demo: bool) -> Hl7Settings:
    settings = Hl7Settings(
        host=read.text("HL7_HOST", "127.0.0.1"),
        port=read.number("HL7_PORT", 2575, 1, 65535),
        his_host=read.text("HL7_HIS_HOST"),
        his_port=read.number("HL7_HIS_PORT", 0, 0, 65535),
        his_application=read.text("HL7_HIS_APPLICATION", "HIS"),
        his_facility=read.text("HL7_HIS_FACILITY", "HOSPITAL"),
        answer_timeout_seconds=read.number("HL7_ANSWER_TIMEOUT_SECONDS", 10, 1, 300),
        booking_deadline_seconds=read.number("HL7_BOOKING_DEADLINE_SECONDS", 5, 1, 60),
        pull_slots_minutes=read.number("HL7_PULL_SLOTS_MINUTES", 0, 0, 1440),
        pull_slots_days=read.number("HL7_PULL_SLOTS_DAYS", 7, 1, 62),
        is_strict=bool(read.number("HL7_STRICT", int(not is_demo), 0, 1)),
        contact=read.text("HL7_CONTACT", "the hospital's IT department"),
        http_port=read.number("HL7_HTTP_PORT", 0, 0, 65535),
        tls_cert_file=read.file("HL7_TLS_CERT_FILE"),
        tls_key_file=read.file("HL7_TLS_KEY_FILE"),
        client_ca_file=read.file("HL7_TLS_CLIENT_CA_FILE"),
        his_tls=bool(read.number("HL7_HIS_TLS", 0, 0, 1)),
        his_ca_file=read.file("HL7_HIS_CA_FILE"),
    )
    if bool(settings.tls_cert_file) != bool(settings.tls_key_file):
        read.problems.append("HL7_TLS_CERT_FILE, HL7_TLS_KEY_FILE: one needs the other")
    if settings.client_ca_file and not settings.tls_cert_file:
        read.problems.append("HL7_TLS_CLIENT_CA_FILE: needs HL7_TLS_CERT_FILE")
    return settings


def _refuse_in_production(read: Reader, env: Mapping[str, str]) -> None:
    """Says which demo values must be replaced before patients are treated with this hospital's software."""
    needed = ("MENZHEN_SECRET_KEYS", "MENZHEN_DATA_KEYS", "MENZHEN_INDEX_KEY", "MENZHEN_PICKUP_KEY", "MENZHEN_BASE_URL")
    demo_words = (DEMO_SECRET, base64.b64encode(DEMO_SECRET.encode()).decode()[:32])
    for name in needed:
        value = env.get(name, "")
        if not value or any(word in value for word in demo_words):
            read.problems.append(f"{name}: must be set, and not to a demo value, in production")
    if env.get("MENZHEN_CLOCK_FILE"):
        read.problems.append("MENZHEN_CLOCK_FILE: the clock can be set only in demo mode")


def read_settings(env: Mapping[str, str] | None = None) -> Settings:
    """All settings from `env` (default: the process's environment); raises BadSettings naming every mistake."""
    env = os.environ if env is None else env
    read = Reader(env)
    mode = read.text("MENZHEN_MODE", "production")
    if mode not in MODES:
        read.problems.append(f"MENZHEN_MODE: {mode!r} is neither of {', '.join(MODES)}")
    if mode != "demo":
        _refuse_in_production(read, env)
    settings = Settings(
        mode=mode,
        database_url=read.text("MENZHEN_DATABASE_URL", "sqlite:///demo-data/menzhen.db"),
        base_url=read.url("MENZHEN_BASE_URL", "http://127.0.0.1:8000"),
        hospital_name=read.text("MENZHEN_HOSPITAL_NAME", "仁和示范医院"),
        time_zone=_zone(read),
        secret_keys=tuple(read.text("MENZHEN_SECRET_KEYS", DEMO_SECRET).split(",")),
        data_keys=_data_keys(read, f"demo:{_demo_key('data')}"),
        index_key=read.key("MENZHEN_INDEX_KEY", read.text("MENZHEN_INDEX_KEY", _demo_key("index"))),
        pickup_key=read.key("MENZHEN_PICKUP_KEY", read.text("MENZHEN_PICKUP_KEY", _demo_key("pickup"))),
        clock_file=read.text("MENZHEN_CLOCK_FILE"),
        trusted_proxies=read.number("MENZHEN_TRUSTED_PROXIES", 0, 0, 5),
        pool_size=read.number("MENZHEN_POOL_SIZE", 5, 1, 100),
        refund_approval_fen=read.number("MENZHEN_REFUND_APPROVAL_FEN", 20000, 0, 100_000_000),
        wxpay=partners.wechat_pay(read),
        wxoa=OfficialAccountSettings(
            base_url=read.url("WXOA_BASE_URL"),
            open_url=read.url("WXOA_OPEN_URL"),
            appid=read.text("WXOA_APPID"),
            secret=read.text("WXOA_SECRET"),
            token=read.text("WXOA_TOKEN"),
        ),
        sms=SmsSettings(base_url=read.url("SMS_BASE_URL"), key=read.text("SMS_KEY")),
        hl7=_hl7(read, is_demo=mode == "demo"),
        fsi=partners.fsi(read),
        fiscal=partners.fiscal(read),
        alipay=partners.alipay(read),
        mobile_insurance=partners.mobile_insurance(read),
        hospital_statement=partners.hospital_statement(read),
        retention=partners.retention(read),
        pos_statement=partners.pos_statement(read),
        signing=_signing(read),
        voice_folder=read.folder("MENZHEN_VOICE_FOLDER"),
        booking_tries_per_minute=read.number("MENZHEN_BOOKING_TRIES_PER_MINUTE", 60, 0, 100_000),
    )
    if read.problems:
        raise BadSettings("The settings are not usable:\n  " + "\n  ".join(read.problems))
    return settings
