"""The settings of whom the hospital deals with: payment providers, insurer, fiscal platform, messages.

Read by `config.read_settings` and by nobody else; `Reader` collects what is wrong instead of stopping at the first
mistake. `docs/operations.md` explains each setting to the operator.
"""

from __future__ import annotations

import base64
import binascii
import importlib.util
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class WeChatPaySettings:
    """Where WeChat Pay v3 is and who we are to it; key files are PEM, `apiv3_key` has 32 characters.

    `cashier_url` is a page on which a browser outside WeChat pays what a code asks for; '' when there is none. The
    `med_` ones name the hospital in orders that insurance and patient pay together.
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
    med_city_id: str = ""
    med_code: str = ""
    med_name: str = ""
    timeout_seconds: int = 5

    @property
    def is_set_up(self) -> bool:
        """True when payments by phone can be asked for."""
        return bool(self.base_url and self.mchid and self.merchant_key_file)

    @property
    def is_mixed_set_up(self) -> bool:
        """True when insurance's part and the patient's can be asked for together."""
        return bool(self.is_set_up and self.med_city_id and self.med_code)


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
    """Where the WeChat Official Account (服务号) answers and who we are to it."""

    base_url: str = ""
    open_url: str = ""
    appid: str = ""
    secret: str = ""
    token: str = ""
    timeout_seconds: int = 5


@dataclass(frozen=True)
class RetentionSettings:
    """For how many days after it is settled traffic is kept; 0 is for ever."""

    messages_days: int = 180
    logins_days: int = 30


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
class PosStatementSettings:
    """How the bank's statement of the card terminals names its columns, and what its words for a kind mean.

    `columns` are (ours, the bank's: more than one are joined), `kinds` (the bank's, pay, refund or skip).
    """

    columns: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("terminal", ("终端号",)),
        ("slip", ("凭证号",)),
        ("at", ("交易时间",)),
        ("amount", ("交易金额",)),
        ("kind", ("交易类型",)),
        ("reference", ("参考号",)),
    )
    kinds: tuple[tuple[str, str], ...] = (
        ("消费", "pay"),
        ("退货", "refund"),
        ("消费撤销", "refund"),
        ("余额查询", "skip"),
    )


@dataclass(frozen=True)
class HospitalStatementSettings:
    """Where the hospital system writes down what it booked on a day; without an address it is not compared."""

    url: str = ""
    token: str = ""
    timeout_seconds: int = 30

    @property
    def is_set_up(self) -> bool:
        """True when the hospital system's bookings can be had."""
        return bool(self.url)


class Reader:
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

    def folder(self, name: str) -> str:
        raw = self.text(name)
        if raw and not Path(raw).is_dir():
            self.problems.append(f"{name}: no folder at {raw!r}")
        return raw

    def key(self, name: str, raw: str) -> bytes:
        try:
            key = base64.b64decode(raw, validate=True)
        except binascii.Error:
            key = b""
        if len(key) != 32:
            self.problems.append(f"{name}: needs 32 bytes in base64")
        return key


def wechat_pay(read: Reader) -> WeChatPaySettings:
    """WeChat Pay's settings; a half set-up one is a mistake."""
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
        med_city_id=read.text("WXPAY_MED_CITY_ID"),
        med_code=read.text("FSI_HOSPITAL_CODE"),
        med_name=read.text("MENZHEN_HOSPITAL_NAME", "仁和示范医院"),
        timeout_seconds=read.number("WXPAY_TIMEOUT_SECONDS", 5, 1, 30),
    )
    if settings.is_set_up and len(settings.apiv3_key) != 32:
        read.problems.append("WXPAY_APIV3_KEY: needs 32 characters")
    return settings


def mobile_insurance(read: Reader) -> MobileInsuranceSettings:
    """The mobile payment centre's settings; keys of a wrong length are a mistake."""
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


def alipay(read: Reader) -> AlipaySettings:
    """Alipay's settings; without its library, or what its notifications are believed by, they are a mistake."""
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


def fsi(read: Reader) -> FsiSettings:
    """The insurer's settings."""
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


def fiscal(read: Reader) -> FiscalSettings:
    """The fiscal platform's settings."""
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


def hospital_statement(read: Reader) -> HospitalStatementSettings:
    """The settings of the hospital system's bookings."""
    return HospitalStatementSettings(
        url=read.url("HIS_STATEMENT_URL"),
        token=read.text("HIS_STATEMENT_TOKEN"),
        timeout_seconds=read.number("HIS_STATEMENT_TIMEOUT_SECONDS", 30, 1, 300),
    )


def pos_statement(read: Reader) -> PosStatementSettings:
    """The settings of the bank's statement of the card terminals."""
    usual = PosStatementSettings()
    columns = _pairs(read, "POS_STATEMENT_COLUMNS", read.text("POS_STATEMENT_COLUMNS"))
    kinds = _pairs(read, "POS_STATEMENT_KINDS", read.text("POS_STATEMENT_KINDS"))
    named = tuple((field, tuple(names.split("+"))) for field, names in columns) or usual.columns
    words = tuple((word, kind) for kind, word in kinds) or usual.kinds
    fields, said = {field for field, _ in named}, {kind for _, kind in words}
    needed = {"terminal", "slip", "at", "amount", "kind"}
    if not needed <= fields <= {*needed, "reference"} or not all(all(names) for _, names in named):
        read.problems.append(f"POS_STATEMENT_COLUMNS: needs {', '.join(sorted(needed))}, and may have reference")
    if not {"pay"} <= said <= {"pay", "refund", "skip"}:
        read.problems.append("POS_STATEMENT_KINDS: says pay, refund or skip of the bank's words, pay at least once")
    return PosStatementSettings(named, words)


def _pairs(read: Reader, name: str, text: str) -> list[tuple[str, str]]:
    """Reads `one=Abc,two=Def`; what is no pair is a problem."""
    pairs = [tuple(word.strip() for word in part.partition("=")[::2]) for part in filter(None, text.split(","))]
    read.problems += [f"{name}: {'='.join(pair)!r} is not name=word" for pair in pairs if not all(pair)]
    return [(first, second) for first, second in pairs]


def retention(read: Reader) -> RetentionSettings:
    """What was sent to the hospital system may be asked for again for 93 days, so messages stay longer than that."""
    messages_days = read.number("MENZHEN_MESSAGES_KEPT_DAYS", 180, 0, 3650)
    if 0 < messages_days < 100:
        read.problems.append("MENZHEN_MESSAGES_KEPT_DAYS: 0 (for ever), or 100 to 3650")
    return RetentionSettings(messages_days, read.number("MENZHEN_LOGINS_KEPT_DAYS", 30, 0, 3650))
