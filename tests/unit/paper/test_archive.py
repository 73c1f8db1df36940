"""Invoices can be archived (PDF/A-2b) and signed, and what was altered after signing shows."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from app import create_app
from app.paper.invoice import FORMS, render_invoice
from app.paper.signing import CannotSign, Signer
from config import BadSettings, read_settings
from tests.unit.paper.archive import faults
from tests.unit.paper.reading import codes_in, picture_of, text_of
from tests.unit.paper.samples import DETAILS, ORDINARY, RED

PASSWORD = "at the finance office"


@pytest.fixture(scope="module")
def pdf() -> bytes:
    return render_invoice(ORDINARY)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the hospital's key and its certificate."""
    folder: Path = tmp_path_factory.mktemp("key")
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "仁和示范医院")])
    today = datetime.now(UTC)
    usage = x509.KeyUsage(True, True, False, False, False, False, False, False, False)
    made = (
        x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=9))
        .add_extension(usage, critical=True)
        .sign(private, hashes.SHA256())
    )
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    locked = serialization.BestAvailableEncryption(PASSWORD.encode())
    (folder / "key.pem").write_bytes(private.private_bytes(pem, pkcs8, locked))
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    return folder


@pytest.fixture(scope="module")
def signed(pdf: bytes, key: Path) -> bytes:
    return Signer(key / "key.pem", key / "cert.pem", PASSWORD, "仁和示范医院").signed(pdf)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "sample", [ORDINARY, replace(RED, reprint_no=2, details=DETAILS), replace(ORDINARY, payer="䶮㐂")]
)
def test_every_paper_can_be_archived(form: str, sample: object) -> None:
    assert faults(render_invoice(sample, form)) == []  # type: ignore[arg-type]


def test_a_paper_without_profile_and_metadata_has_faults() -> None:
    plain = _plain("<p>门诊</p>")

    assert {"metadata", "output intent"} <= set(faults(plain))


@pytest.mark.parametrize(
    ("markup", "fault"),
    [
        ('<p style="opacity: .5">门</p>', "transparency"),
        ('<p><a href="https://x.example">门</a></p>', "annotation"),
    ],
)
def test_what_must_not_be_in_an_archive_is_seen(markup: str, fault: str) -> None:
    assert fault in faults(_plain(markup))


def _plain(markup: str) -> bytes:
    import weasyprint

    made: bytes = weasyprint.HTML(string=markup).write_pdf()
    return made


def test_a_signed_invoice_is_valid_whole_and_still_an_archive(pdf: bytes, signed: bytes, key: Path) -> None:
    status = _validated(signed, key)

    assert (status.intact, status.valid, status.trusted, status.bottom_line) == (True, True, True, True)
    assert signed.startswith(pdf)
    assert faults(signed) == []
    assert text_of(signed) == text_of(pdf)


def test_an_invoice_altered_after_signing_is_not_intact(signed: bytes, key: Path) -> None:
    at = signed.index(b"stream") + 40
    altered = signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :]

    assert not _validated(altered, key).intact


def _validated(pdf: bytes, key: Path):
    (signature,) = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    trusted = ValidationContext(trust_roots=[load_cert_from_pemder(str(key / "cert.pem"))])
    return validate_pdf_signature(signature, trusted)


def test_a_wrong_password_or_key_is_no_key(key: Path) -> None:
    with pytest.raises(CannotSign):
        Signer(key / "key.pem", key / "cert.pem", "guessed", "仁和示范医院")


def test_without_the_library_a_key_that_is_set_up_stops_the_start(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "MENZHEN_MODE": "demo",
        "MENZHEN_DATABASE_URL": "sqlite://",
        "INVOICE_KEY_FILE": str(key / "key.pem"),
        "INVOICE_CERT_FILE": str(key / "cert.pem"),
        "INVOICE_KEY_PASSWORD": PASSWORD,
    }
    assert create_app(read_settings(given)).extensions["menzhen"].signer is not None

    monkeypatch.setitem(__import__("sys").modules, "pyhanko.sign.signers", None)
    with pytest.raises(BadSettings, match="signing"):
        create_app(read_settings(given))
    with pytest.raises(BadSettings, match="one needs the other"):
        read_settings({**given, "INVOICE_CERT_FILE": ""})


def test_the_code_of_a_signed_invoice_is_read_from_its_picture(signed: bytes, tmp_path: Path) -> None:
    assert codes_in(picture_of(signed, tmp_path, dots_per_inch=150)) == [ORDINARY.verify_text]
