"""The keys the hospital and the outside world share, made once: `python -m sandbox.keys DIR`."""

from __future__ import annotations

import json
import os
import secrets
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from sandbox.insurer.envelope import N as ORDER
from sandbox.insurer.envelope import public_of
from sandbox.settings import Settings, from_environment


@dataclass(frozen=True)
class Keys:
    """Everything secret or signed between the two sides, as the sandbox needs it."""

    mchid: str
    appid: str
    apiv3_key: str
    merchant_serial: str
    merchant_public: rsa.RSAPublicKey
    platform_private: rsa.RSAPrivateKey
    platform_certificate_pem: str
    platform_serial: str
    platform_valid_from: float
    platform_valid_until: float
    public_key_id: str
    wxoa_secret: str
    wxoa_token: str
    sms_key: str
    fsi_paasid: str
    fsi_token: str
    fsi_hospital: str
    his_token: str
    fiscal_appid: str
    fiscal_key: str
    mipay_app_id: str
    mipay_secret: str
    mipay_hospital_private: str
    mipay_centre_private: str
    alipay_app_id: str
    alipay_seller_id: str
    alipay_app_public: rsa.RSAPublicKey
    alipay_private: rsa.RSAPrivateKey

    @property
    def mipay_hospital_public(self) -> str:
        """By what the mobile payment centre knows the hospital (SM2)."""
        return public_of(self.mipay_hospital_private)

    @property
    def mipay_centre_public(self) -> str:
        """By what the hospital knows the mobile payment centre (SM2)."""
        return public_of(self.mipay_centre_private)


def _digits(count: int) -> str:
    return "".join(secrets.choice("0123456789") for _ in range(count))


def _shared_secrets() -> dict[str, str]:
    """New values in the shapes the real providers use."""
    return {
        "mchid": "19" + _digits(8),
        "appid": "wx" + secrets.token_hex(8),
        "apiv3_key": secrets.token_hex(16),
        "public_key_id": "PUB_KEY_ID_01" + _digits(28),
        "wxoa_secret": secrets.token_hex(16),
        "wxoa_token": secrets.token_hex(12),
        "sms_key": secrets.token_urlsafe(24),
        "fsi_paasid": "H" + _digits(11),
        "fsi_token": secrets.token_urlsafe(24),
        "fsi_hospital": "H" + _digits(11),
        "his_token": secrets.token_urlsafe(24),
        "fiscal_appid": "YLZH" + _digits(8),
        "fiscal_key": secrets.token_hex(16),
        "mipay_app_id": secrets.token_hex(16).upper(),
        "mipay_secret": secrets.token_hex(16).upper(),
        "mipay_hospital_private": f"{secrets.randbelow(ORDER - 1) + 1:064X}",
        "mipay_centre_private": f"{secrets.randbelow(ORDER - 1) + 1:064X}",
        "alipay_app_id": "2021" + _digits(12),
        "alipay_seller_id": "2088" + _digits(12),
    }


def _write_private(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)


def _make_pair(folder: Path, name: str, common_name: str) -> None:
    """Write NAME_key.pem, NAME_public.pem and the self-signed NAME_cert.pem, RSA 2048, valid five years."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=5 * 365))
        .sign(private, hashes.SHA256())
    )
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    _write_private(folder / f"{name}_key.pem", private.private_bytes(pem, pkcs8, serialization.NoEncryption()))
    (folder / f"{name}_public.pem").write_bytes(private.public_key().public_bytes(pem, spki))
    (folder / f"{name}_cert.pem").write_bytes(certificate.public_bytes(pem))


def make_keys(folder: Path) -> None:
    """Afterwards `folder` holds a full set of keys; those already there are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = json.loads((folder / "secrets.json").read_text()) if (folder / "secrets.json").exists() else {}
    shared = _shared_secrets() | kept
    if shared != kept:
        _write_private(folder / "secrets.json", json.dumps(shared, indent=2).encode())
    pairs = {
        "merchant": shared["mchid"],
        "platform": "Tenpay.com sign (sandbox)",
        "alipay_app": shared["alipay_app_id"],
        "alipay": "Alipay (sandbox)",
    }
    for name, common_name in pairs.items():
        if not (folder / f"{name}_cert.pem").exists():
            _make_pair(folder, name, common_name)


def _serial(certificate: x509.Certificate) -> str:
    return f"{certificate.serial_number:X}"


def _public_key(folder: Path, name: str) -> rsa.RSAPublicKey:
    key = serialization.load_pem_public_key((folder / f"{name}_public.pem").read_bytes())
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("payments are signed with RSA")
    return key


def _private_key(folder: Path, name: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key((folder / f"{name}_key.pem").read_bytes(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("payments are signed with RSA")
    return key


def load_keys(folder: Path) -> Keys:
    """Read the keys that `make_keys` wrote; FileNotFoundError when there are none."""
    shared: dict[str, str] = json.loads((folder / "secrets.json").read_text())
    merchant = x509.load_pem_x509_certificate((folder / "merchant_cert.pem").read_bytes())
    platform_pem = (folder / "platform_cert.pem").read_text()
    platform = x509.load_pem_x509_certificate(platform_pem.encode())
    return Keys(
        merchant_serial=_serial(merchant),
        merchant_public=_public_key(folder, "merchant"),
        platform_private=_private_key(folder, "platform"),
        alipay_app_public=_public_key(folder, "alipay_app"),
        alipay_private=_private_key(folder, "alipay"),
        platform_certificate_pem=platform_pem,
        platform_serial=_serial(platform),
        platform_valid_from=platform.not_valid_before_utc.timestamp(),
        platform_valid_until=platform.not_valid_after_utc.timestamp(),
        **shared,
    )


def app_environment(settings: Settings) -> dict[str, str]:
    """What the hospital's software must be told to reach this sandbox: variable name to value."""
    folder = settings.state_dir.resolve() / "keys"
    keys = load_keys(folder)
    inner = f"http://127.0.0.1:{settings.http_port}"
    return {
        "WXPAY_BASE_URL": inner,
        "WXPAY_MED_CITY_ID": "110000",
        "WXPAY_CASHIER_URL": f"{settings.public_url}/wxpay/cashier",
        "WXPAY_MCHID": keys.mchid,
        "WXPAY_APPID": keys.appid,
        "WXPAY_APIV3_KEY": keys.apiv3_key,
        "WXPAY_MERCHANT_KEY_FILE": str(folder / "merchant_key.pem"),
        "WXPAY_MERCHANT_SERIAL": keys.merchant_serial,
        "WXPAY_PUBLIC_KEY_FILE": str(folder / "platform_public.pem"),
        "WXPAY_PUBLIC_KEY_ID": keys.public_key_id,
        "WXOA_BASE_URL": inner,
        "WXOA_OPEN_URL": settings.public_url,
        "WXOA_APPID": keys.appid,
        "WXOA_SECRET": keys.wxoa_secret,
        "WXOA_TOKEN": keys.wxoa_token,
        "SMS_BASE_URL": inner,
        "SMS_KEY": keys.sms_key,
        "ALIPAY_BASE_URL": f"{settings.public_url}/alipay/gateway.do",
        "ALIPAY_APP_ID": keys.alipay_app_id,
        "ALIPAY_SELLER_ID": keys.alipay_seller_id,
        "ALIPAY_APP_KEY_FILE": str(folder / "alipay_app_key.pem"),
        "ALIPAY_PUBLIC_KEY_FILE": str(folder / "alipay_public.pem"),
        "MIPAY_BASE_URL": inner,
        "MIPAY_APP_ID": keys.mipay_app_id,
        "MIPAY_APP_SECRET": keys.mipay_secret,
        "MIPAY_PRIVATE_KEY": keys.mipay_hospital_private,
        "MIPAY_PUBLIC_KEY": keys.mipay_centre_public,
        "FSI_BASE_URL": inner,
        "FSI_PAASID": keys.fsi_paasid,
        "FSI_TOKEN": keys.fsi_token,
        "FSI_HOSPITAL_CODE": keys.fsi_hospital,
        "HIS_STATEMENT_URL": f"{inner}/sandbox/his/bookings",
        "HIS_STATEMENT_TOKEN": keys.his_token,
        "FISCAL_BASE_URL": inner,
        "FISCAL_APPID": keys.fiscal_appid,
        "FISCAL_KEY": keys.fiscal_key,
        "FISCAL_PLACE_CODE": "001",
    }


def set_up(settings: Settings) -> Path:
    """Make missing keys, write `app.env` (NAME=value lines) beside them and return its path."""
    make_keys(settings.state_dir / "keys")
    path = settings.state_dir / "app.env"
    lines = "".join(f"{name}={value}\n" for name, value in app_environment(settings).items())
    _write_private(path, lines.encode())
    return path


def main(arguments: list[str]) -> int:
    """Set up the folder named on the command line; 2 when it is not named."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m sandbox.keys DIR\n")
        return 2
    sys.stdout.write(f"{set_up(from_environment({**os.environ, 'SANDBOX_STATE_DIR': arguments[0]}))}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
