"""The hospital's signature on its invoices (PAdES), where a key is set up: whoever opens one sees that it is unaltered.

The library that signs is an extra of the installation (`signing`) and is loaded only when there is a key.
"""

from __future__ import annotations

import importlib
import io
from pathlib import Path
from typing import Any

FIELD = "hospital"
REASON = "医疗门诊收费票据"


class CannotSign(Exception):
    """The key that is set up cannot be used; the words say why."""


class Signer:
    """Signs with one key; safe to use from many threads."""

    def __init__(self, key_file: Path, cert_file: Path, password: str, hospital: str) -> None:
        """The key and its certificate (PEM) are read; CannotSign when they or the library are not usable."""
        try:
            self._signers: Any = importlib.import_module("pyhanko.sign.signers")
            self._fields: Any = importlib.import_module("pyhanko.sign.fields")
            self._writer: Any = importlib.import_module("pyhanko.pdf_utils.incremental_writer")
        except ImportError as error:
            raise CannotSign("a key to sign invoices is set up, but the extra `signing` is not installed") from error
        self._signer = self._signers.SimpleSigner.load(
            str(key_file), str(cert_file), key_passphrase=password.encode() or None
        )
        if self._signer is None:
            raise CannotSign("the key to sign invoices, its certificate or its password is not usable")
        self._hospital = hospital

    def signed(self, pdf: bytes) -> bytes:
        """The PDF with the hospital's signature appended; its first bytes stay as they are."""
        meta = self._signers.PdfSignatureMetadata(
            field_name=FIELD,
            md_algorithm="sha256",
            name=self._hospital,
            reason=REASON,
            subfilter=self._fields.SigSeedSubFilter.PADES,
        )
        out: io.BytesIO = self._signers.sign_pdf(
            self._writer.IncrementalPdfFileWriter(io.BytesIO(pdf)), meta, signer=self._signer
        )
        return out.getvalue()
