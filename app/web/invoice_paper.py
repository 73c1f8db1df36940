"""From an invoice's fields to its sheet of paper, and to the page where anyone can verify it."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.paper.invoice import InvoiceDetail, InvoiceItem, InvoicePaper
from app.runtime import runtime


def verify_url(fields: dict[str, Any]) -> str:
    """The public page that says whether the invoice is good, its issuer's or ours; it names numbers, nobody's name."""
    if fields["verify_text"]:
        return str(fields["verify_text"])
    path = url_for("public.verify_one", batch_code=fields["code"], number=fields["number"], c=fields["check_code"])
    return runtime().settings.base_url + path


def paper_of(fields: dict[str, Any]) -> InvoicePaper:
    """The sheet for `app.invoice.service.paper_fields`; what no fiscal platform issued says so."""
    given = dict(fields) | {"verify_text": verify_url(fields)}
    items = tuple(InvoiceItem(**item) for item in given.pop("items"))
    details = tuple(InvoiceDetail(**detail) for detail in given.pop("details"))
    return InvoicePaper(
        items=items,
        details=details,
        **given,
    )
