"""Keeps identity numbers and phones unreadable to whoever carries off the database.

A sealed value reads `enc:v1:<key id>:<nonce>:<ciphertext>` (AES-256-GCM; base64url). Its place (table, column and
row) is authenticated with it, so a value copied to another row does not open.
"""

from __future__ import annotations

import base64
import hmac
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class CannotOpen(Exception):
    """A sealed value was altered, moved to another row, or its key is not among ours."""


class Keyring:
    """Seals and opens personal data, and makes the blind index by which it is looked up."""

    def __init__(self, data_keys: Sequence[tuple[str, bytes]], index_key: bytes) -> None:
        """`data_keys` are (key id, 32 bytes): the first one writes, every one reads."""
        self._ciphers = {key_id: AESGCM(key) for key_id, key in data_keys}
        self.writing_key_id = data_keys[0][0]
        self._index_key = index_key

    def seal(self, text: str, place: str) -> str:
        """`text` made unreadable for `place`, e.g. `patient.phone:<public id>`; '' stays ''."""
        if not text:
            return ""
        nonce = os.urandom(12)
        cipher = self._ciphers[self.writing_key_id]
        sealed = cipher.encrypt(nonce, text.encode(), place.encode())
        return f"enc:v1:{self.writing_key_id}:{_b64(nonce)}:{_b64(sealed)}"

    def open(self, sealed: str, place: str) -> str:
        """The text that was sealed for `place`; raises CannotOpen when it does not belong there."""
        if not sealed:
            return ""
        try:
            _, _, key_id, nonce, cipher = sealed.split(":")
            return self._ciphers[key_id].decrypt(_unb64(nonce), _unb64(cipher), place.encode()).decode()
        except (ValueError, KeyError, InvalidTag) as error:
            raise CannotOpen(place.partition(":")[0]) from error

    def is_current(self, sealed: str) -> bool:
        """True when `sealed` is empty or was written with the key that writes now."""
        return not sealed or sealed.startswith(f"enc:v1:{self.writing_key_id}:")

    def index(self, text: str, label: str) -> str:
        """32 hex digits that are equal for equal `text` under one `label`; HMAC, since a bare hash is plaintext."""
        return hmac.digest(self._index_key, f"{label}\x00{text}".encode(), "sha256").hex()[:32]


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
