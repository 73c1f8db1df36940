"""Every setting of the hospital's software, read once from the environment.

A setting that makes no sense stops the start with one line per mistake; nothing is guessed. Names ending in
`_seconds`, `_minutes`, `_file` or `_url` say their unit. `docs/operations.md` explains each one to the operator.
"""

from __future__ import annotations

import base64
import binascii
import importlib.util
import os
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DEMO_SECRET = "demo-only-not-for-patients"  # noqa: S105 - the marker by which production refuses demo keys
MODES = ("demo", "production")


class BadSettings(SystemExit):
    """The environment holds settings the hospital must not be run with; the message names each of them."""


@dataclass(frozen=True)
class WeChatPaySettings:
    """Where WeChat Pay v3 is and who we are to it; key files are PEM, `apiv3_key` has 32 characters.

    `cashier_url` is a page on which a browser outside WeChat pays what a code asks for; '' when there is none.
    """

    base_url: str = ""
    mchid: str = ""
    appid: str = ""
    apiv3_key: str = ""
    merchant_key_file: str = ""
    merchant_serial: str = ""
    public_key_file: str = ""
    public_key_id: str = ""
    cashier_url: str = ""
    timeout_seconds: int = 5

    @property
    def is_set_up(self) -> bool:
        """True when payments by phone can be asked for."""
        return bool(self.base_url and self.mchid and self.merchant_key_file)


@dataclass(frozen=True)
class AlipaySettings:
    """Where Alipay's gateway is and who we are to it; key files are PEM, `seller_id` is our account there (2088…)."""

    base_url: str = ""
    app_id: str = ""
    seller_id: str = ""
    app_key_file: str = ""
    public_key_file: str = ""
    timeout_seconds: int = 5

    @property
    def is_set_up(self) -> bool:
        """True when payments by Alipay can be asked for."""
        return bool(self.base_url and self.app_id and self.app_key_file)


@dataclass(frozen=True)
class OfficialAccountSettings:
    """Where the WeChat Official Account (服务号) answers and who we are to it.

    `template_ids` are (our template's name, WeChat's id of it).
    """

    base_url: str = ""
    open_url: str = ""
    appid: str = ""
    secret: str = ""
    token: str = ""
    template_ids: tuple[tuple[str, str], ...] = ()
    timeout_seconds: int = 5


@dataclass(frozen=True)
class SmsSettings:
    """Where text messages are handed over."""

    base_url: str = ""
    key: str = ""
    timeout_seconds: int = 5


@dataclass(frozen=True)
class FsiSettings:
    """Where the medical insurer's interface (医保 FSI) is and who we are to it; without an address we only estimate."""

    base_url: str = ""
    paasid: str = ""
    token: str = ""
    hospital_code: str = ""
    hospital_name: str = ""
    area_code: str = "110105"
    timeout_seconds: int = 8

    @property
    def is_set_up(self) -> bool:
        """True when there is an insurer to settle with."""
        return bool(self.base_url and self.hospital_code)


@dataclass(frozen=True)
class MobileInsuranceSettings:
    """Where the insurer's mobile payment centre is and who we are to it; SM2 keys are hex, 64 and 128 figures."""

    base_url: str = ""
    org_code: str = ""
    app_id: str = ""
    app_secret: str = ""
    private_key: str = ""
    public_key: str = ""
    timeout_seconds: int = 8

    @property
    def is_set_up(self) -> bool:
        """True when insured patients can settle and pay in one go on the phone."""
        return bool(self.base_url and self.app_id)


@dataclass(frozen=True)
class FiscalSettings:
    """Where the fiscal e-invoice platform is and who we are to it; without an address invoices keep our own numbers.

    `place_code` 开票点编码 is the counter under which the platform books what we issue.
    """

    base_url: str = ""
    appid: str = ""
    key: str = ""
    place_code: str = ""
    timeout_seconds: int = 8

    @property
    def is_set_up(self) -> bool:
        """True when there is a platform that issues invoices."""
        return bool(self.base_url)


@dataclass(frozen=True)
class Hl7Settings:
    """The MLLP port we listen on and the hospital system (HIS) we tell.

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
    wxpay: WeChatPaySettings = field(repr=False)
    wxoa: OfficialAccountSettings = field(repr=False)
    sms: SmsSettings = field(repr=False)
    hl7: Hl7Settings
    fsi: FsiSettings = field(default_factory=FsiSettings, repr=False)
    fiscal: FiscalSettings = field(default_factory=FiscalSettings, repr=False)
    alipay: AlipaySettings = field(default_factory=AlipaySettings, repr=False)
    mobile_insurance: MobileInsuranceSettings = field(default_factory=MobileInsuranceSettings, repr=False)

    @property
    def is_demo(self) -> bool:
        """True for a demo hospital, the only mode that runs with demo keys and a clock that can be set."""
        return self.mode == "demo"


class _Reader:
    """Reads names from the environment and collects what is wrong instead of stopping at the first mistake."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env
        self.problems: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        return self.env.get(name, "").strip() or default

    def number(self, name: str, default: int, lowest: int, highest: int) -> int:
        raw = self.text(name, str(default))
        if not raw.isdecimal() or not lowest <= int(raw) <= highest:
            self.problems.append(f"{name}: {raw!r} is not a whole number from {lowest} to {highest}")
            return default
        return int(raw)

    def url(self, name: str, default: str = "") -> str:
        raw = self.text(name, default).rstrip("/")
        if raw and (urlsplit(raw).scheme not in {"http", "https"} or not urlsplit(raw).netloc):
            self.problems.append(f"{name}: {raw!r} is not an http(s) address")
        return raw

    def file(self, name: str) -> str:
        raw = self.text(name)
        if raw and not Path(raw).is_file():
            self.problems.append(f"{name}: no file at {raw!r}")
        return raw

    def key(self, name: str, raw: str) -> bytes:
        try:
            key = base64.b64decode(raw, validate=True)
        except binascii.Error:
            key = b""
        if len(key) != 32:
            self.problems.append(f"{name}: needs 32 bytes in base64")
        return key


def _demo_key(name: str) -> str:
    return base64.b64encode(f"{DEMO_SECRET}:{name}".encode().ljust(32, b".")[:32]).decode()


def _data_keys(read: _Reader, default: str) -> tuple[tuple[str, bytes], ...]:
    """Reads `id:base64,id:base64`; the first key is the one that writes."""
    keys = []
    for part in read.text("MENZHEN_DATA_KEYS", default).split(","):
        key_id, _, raw = part.strip().partition(":")
        keys.append((key_id, read.key("MENZHEN_DATA_KEYS", raw)))
    if len({key_id for key_id, _ in keys}) != len(keys):
        read.problems.append("MENZHEN_DATA_KEYS: a key id stands twice")
    return tuple(keys)


def _zone(read: _Reader) -> ZoneInfo:
    name = read.text("MENZHEN_TIME_ZONE", "Asia/Shanghai")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        read.problems.append(f"MENZHEN_TIME_ZONE: {name!r} is not a zone of the tz database")
        return ZoneInfo("Asia/Shanghai")


def _wxpay(read: _Reader) -> WeChatPaySettings:
    settings = WeChatPaySettings(
        base_url=read.url("WXPAY_BASE_URL"),
        mchid=read.text("WXPAY_MCHID"),
        appid=read.text("WXPAY_APPID"),
        apiv3_key=read.text("WXPAY_APIV3_KEY"),
        merchant_key_file=read.file("WXPAY_MERCHANT_KEY_FILE"),
        merchant_serial=read.text("WXPAY_MERCHANT_SERIAL"),
        public_key_file=read.file("WXPAY_PUBLIC_KEY_FILE"),
        public_key_id=read.text("WXPAY_PUBLIC_KEY_ID"),
        cashier_url=read.url("WXPAY_CASHIER_URL"),
        timeout_seconds=read.number("WXPAY_TIMEOUT_SECONDS", 5, 1, 30),
    )
    if settings.is_set_up and len(settings.apiv3_key) != 32:
        read.problems.append("WXPAY_APIV3_KEY: needs 32 characters")
    return settings


def _mobile_insurance(read: _Reader) -> MobileInsuranceSettings:
    settings = MobileInsuranceSettings(
        base_url=read.url("MIPAY_BASE_URL"),
        org_code=read.text("FSI_HOSPITAL_CODE"),
        app_id=read.text("MIPAY_APP_ID"),
        app_secret=read.text("MIPAY_APP_SECRET"),
        private_key=read.text("MIPAY_PRIVATE_KEY"),
        public_key=read.text("MIPAY_PUBLIC_KEY"),
        timeout_seconds=read.number("MIPAY_TIMEOUT_SECONDS", 8, 1, 60),
    )
    lengths = (("MIPAY_PRIVATE_KEY", settings.private_key, 64), ("MIPAY_PUBLIC_KEY", settings.public_key, 128))
    for name, key, figures in lengths if settings.is_set_up else ():
        if len(key) != figures or not all(letter in string.hexdigits for letter in key):
            read.problems.append(f"{name}: needs {figures} hexadecimal figures")
    if settings.is_set_up and (len(settings.app_id) < 16 or len(settings.app_secret) < 16):
        read.problems.append("MIPAY_APP_ID, MIPAY_APP_SECRET: need 16 characters or more")
    return settings


def _alipay(read: _Reader) -> AlipaySettings:
    settings = AlipaySettings(
        base_url=read.url("ALIPAY_BASE_URL"),
        app_id=read.text("ALIPAY_APP_ID"),
        seller_id=read.text("ALIPAY_SELLER_ID"),
        app_key_file=read.file("ALIPAY_APP_KEY_FILE"),
        public_key_file=read.file("ALIPAY_PUBLIC_KEY_FILE"),
        timeout_seconds=read.number("ALIPAY_TIMEOUT_SECONDS", 5, 1, 30),
    )
    if settings.is_set_up and not (settings.seller_id and settings.public_key_file):
        read.problems.append("ALIPAY_SELLER_ID, ALIPAY_PUBLIC_KEY_FILE: needed to believe what Alipay tells")
    if settings.is_set_up and importlib.util.find_spec("alipay") is None:
        read.problems.append("ALIPAY_BASE_URL: needs the library of `pip install menzhen[alipay]`")
    return settings


def _fsi(read: _Reader) -> FsiSettings:
    settings = FsiSettings(
        base_url=read.url("FSI_BASE_URL"),
        paasid=read.text("FSI_PAASID"),
        token=read.text("FSI_TOKEN"),
        hospital_code=read.text("FSI_HOSPITAL_CODE"),
        hospital_name=read.text("MENZHEN_HOSPITAL_NAME", "仁和示范医院"),
        area_code=read.text("FSI_AREA_CODE", "110105"),
        timeout_seconds=read.number("FSI_TIMEOUT_SECONDS", 8, 1, 60),
    )
    if settings.base_url and len(settings.hospital_code) != 12:
        read.problems.append("FSI_HOSPITAL_CODE: needs the hospital's 12 characters")
    return settings


def _fiscal(read: _Reader) -> FiscalSettings:
    settings = FiscalSettings(
        base_url=read.url("FISCAL_BASE_URL"),
        appid=read.text("FISCAL_APPID"),
        key=read.text("FISCAL_KEY"),
        place_code=read.text("FISCAL_PLACE_CODE"),
        timeout_seconds=read.number("FISCAL_TIMEOUT_SECONDS", 8, 1, 30),
    )
    if settings.is_set_up and not (settings.appid and settings.key and settings.place_code):
        read.problems.append("FISCAL_APPID, FISCAL_KEY, FISCAL_PLACE_CODE: needed with FISCAL_BASE_URL")
    return settings


def _template_ids(read: _Reader) -> tuple[tuple[str, str], ...]:
    """Reads `booked=Abc123,called=Def456`."""
    pairs = []
    for part in filter(None, read.text("WXOA_TEMPLATE_IDS").split(",")):
        name, _, template_id = (word.strip() for word in part.partition("="))
        if not name or not template_id:
            read.problems.append(f"WXOA_TEMPLATE_IDS: {part!r} is not name=id")
        pairs.append((name, template_id))
    return tuple(pairs)


def _hl7(read: _Reader, *, is_demo: bool) -> Hl7Settings:
    settings = Hl7Settings(
        host=read.text("HL7_HOST", "127.0.0.1"),
        port=read.number("HL7_PORT", 2575, 1, 65535),
        his_host=read.text("HL7_HIS_HOST"),
        his_port=read.number("HL7_HIS_PORT", 0, 0, 65535),
        his_application=read.text("HL7_HIS_APPLICATION", "HIS"),
        his_facility=read.text("HL7_HIS_FACILITY", "HOSPITAL"),
        answer_timeout_seconds=read.number("HL7_ANSWER_TIMEOUT_SECONDS", 10, 1, 300),
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


def _refuse_in_production(read: _Reader, env: Mapping[str, str]) -> None:
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
    read = _Reader(env)
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
        wxpay=_wxpay(read),
        wxoa=OfficialAccountSettings(
            base_url=read.url("WXOA_BASE_URL"),
            open_url=read.url("WXOA_OPEN_URL"),
            appid=read.text("WXOA_APPID"),
            secret=read.text("WXOA_SECRET"),
            token=read.text("WXOA_TOKEN"),
            template_ids=_template_ids(read),
        ),
        sms=SmsSettings(base_url=read.url("SMS_BASE_URL"), key=read.text("SMS_KEY")),
        hl7=_hl7(read, is_demo=mode == "demo"),
        fsi=_fsi(read),
        fiscal=_fiscal(read),
        alipay=_alipay(read),
        mobile_insurance=_mobile_insurance(read),
    )
    if read.problems:
        raise BadSettings("The settings are not usable:\n  " + "\n  ".join(read.problems))
    return settings
