"""TLS for those who listen and those who send, from the settings' files."""

from __future__ import annotations

import ssl

from config import Hl7Settings


def listening(settings: Hl7Settings) -> ssl.SSLContext | None:
    """What our listeners show and demand; None without a certificate of ours. Raises OSError on an unusable file."""
    if not settings.tls_cert_file:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings.tls_cert_file, settings.tls_key_file)
    if settings.client_ca_file:
        context.load_verify_locations(settings.client_ca_file)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def sending(settings: Hl7Settings) -> ssl.SSLContext:
    """What a receiver must show, its name included, and what it is shown when it asks. Raises OSError as above."""
    context = ssl.create_default_context(cafile=settings.his_ca_file or None)
    if settings.tls_cert_file:
        context.load_cert_chain(settings.tls_cert_file, settings.tls_key_file)
    return context
