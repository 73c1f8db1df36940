"""From an invoice's fields to its sheet of paper, and to the page where anyone can verify it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import url_for

from app.paper.invoice import USUAL_FORM, InvoiceDetail, InvoiceItem, InvoicePaper, render_invoices
from app.runtime import runtime
from app.web.printing import printed


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


def pdf_of(papers: Sequence[InvoicePaper], form: str = USUAL_FORM) -> bytes:
    """The sheets as one PDF, signed where the hospital has a key. Refuses `pdf_unavailable`, `pdf_failed`."""
    pdf = printed(lambda: render_invoices(papers, form))
    signer = runtime().signer
    return signer.signed(pdf) if signer else pdf
