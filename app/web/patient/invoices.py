"""Electronic invoices: their fields on the phone, and the sheet as a PDF."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Response, flash, redirect, render_template, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.invoice import service as invoices_service
from app.invoice.models import Invoice
from app.invoice.states import FilingState, InvoiceKind, InvoiceState
from app.kernel.clock import hospital_day
from app.kernel.uow import Uow
from app.paper import qr
from app.paper.worker import pdf_available
from app.registration import visit_code
from app.runtime import runtime
from app.web import edge, show
from app.web.invoice_paper import paper_of, pdf_of, verify_url
from app.web.invoice_words import form_words
from app.web.patient import blueprint, family
from app.web.printing import CannotPrint, PrintFailed

# How an invoice stands: (kind, state) → a tag's colour and words.
STANDINGS: dict[tuple[InvoiceKind, InvoiceState], tuple[str, object]] = {
    (InvoiceKind.BLUE, InvoiceState.ISSUED): ("ok", _l("已开具")),
    (InvoiceKind.BLUE, InvoiceState.RED_LETTERED): ("warn", _l("已冲红")),
    (InvoiceKind.RED, InvoiceState.ISSUED): ("bad", _l("红字票据")),
}
# What stands above an invoice that the fiscal platform has not numbered yet.
FILINGS: dict[FilingState, tuple[str, object]] = {
    FilingState.REQUESTED: ("info", _l("财政电子票据开具中，一般几秒钟完成；完成前的票据不能用于报销")),
    FilingState.UNKNOWN: ("info", _l("财政电子票据开具中，一般几秒钟完成；完成前的票据不能用于报销")),
    FilingState.FAILED: ("warn", _l("财政电子票据暂未开出，医院正在处理；付款有效，不用重复支付")),
}
# What the other one of a pair is to an invoice of this kind.
OTHERS = {InvoiceKind.BLUE: _l("冲红票据"), InvoiceKind.RED: _l("被冲销的票据")}


@blueprint.get("/invoices")
def invoices() -> edge.Answer:
    """The account's invoices, newest first."""
    uow = edge.current_uow()
    names = family.names(uow)
    rows = [_row(uow, found) | {"name": names[found.patient_id]} for found in invoices_service.list_of_account(uow)]
    return render_template("patient/invoices.html", invoices=rows)


def _row(uow: Uow, found: Invoice) -> dict[str, object]:
    kind, words = STANDINGS[(found.kind, found.state)]
    return {
        "number": invoices_service.numbers_of(uow, found).number,
        "amount": show.yuan(found.total_fen),
        "day": show.day_words(hospital_day(found.issued_at, uow.zone)),
        "kind": kind,
        "state": str(words),
        "href": url_for("patient.invoice", invoice_id=found.public_id),
    }


@blueprint.get("/invoices/<invoice_id>")
def invoice(invoice_id: str) -> edge.Answer:
    """One invoice's fields, the way to its PDF, and where anyone can verify it."""
    uow = edge.current_uow()
    found = invoices_service.of_account(uow, invoice_id)
    fields = invoices_service.paper_fields(uow, found, payee=runtime().settings.hospital_name)
    can_print, _ = pdf_available()
    return render_template(
        "patient/invoice.html",
        invoice=_row(uow, found),
        filing=_filing(uow, found),
        facts=[*_facts(fields), *_other(uow, found)],
        items=[
            {"label": form_words(item["category"]), "value": show.yuan(item["amount_fen"])} for item in fields["items"]
        ],
        details=[_detail(line) for line in fields["details"]],
        sums=_sums(fields),
        pdf_href=url_for("patient.invoice_pdf", invoice_id=invoice_id) if can_print else "",
        verify_href=verify_url(fields),
        visit_code=_visit_code(fields["outpatient_number"]),
    )


def _filing(uow: Uow, found: Invoice) -> tuple[str, str]:
    """What the fiscal platform makes of the invoice while it has no number of it: a notice's kind and words."""
    filing = invoices_service.filing_of(uow, found.id)
    if filing is None or not runtime().couriers.invoices.is_fiscal:
        return "", ""
    kind, words = FILINGS.get(filing.state, ("", ""))
    return kind, str(words)


def _visit_code(visit_number: str) -> dict[str, object]:
    """The code that the invoice window scans to print all of the visit's invoices; empty without a visit of ours."""
    digits = visit_code.to_digits(visit_number)
    return {"svg": qr.svg(digits, version=1, label=gettext("就诊码")), "digits": show.grouped(digits)} if digits else {}


def _facts(fields: dict[str, Any]) -> list[dict[str, str]]:
    day: date = fields["issued_on"]
    rows = [
        (gettext("票据代码"), fields["code"]),
        (gettext("票据号码"), fields["number"]),
        (gettext("校验码"), fields["check_code"]),
        (gettext("开票日期"), day.isoformat()),
        (gettext("交款人"), fields["payer"]),
        (gettext("收款单位"), fields["payee"]),
        (gettext("医保类型"), fields["insurance_type"]),
    ]
    return [{"label": label, "value": value} for label, value in rows if value]


def _other(uow: Uow, found: Invoice) -> list[dict[str, str]]:
    """The red invoice that took this one back, or the one that this one takes back, to be opened."""
    other = invoices_service.other_of(uow, found)
    if other is None:
        return []
    href = url_for("patient.invoice", invoice_id=other.public_id)
    number = invoices_service.numbers_of(uow, other).number
    return [{"label": str(OTHERS[found.kind]), "value": number, "href": href, "action": gettext("查看")}]


def _detail(line: dict[str, Any]) -> dict[str, str]:
    """One line of the details 清单: what, how much of it, how insurance sees it, and what it cost."""
    amounts = (show.amount_words(line[name]) for name in ("specification", "quantity"))
    about = (*amounts, form_words(line["insurance_class"]))
    return {
        "label": form_words(line["name"]),
        "value": show.yuan(line["amount_fen"]),
        "note": " · ".join(filter(None, about)),
    }


def _sums(fields: dict[str, Any]) -> list[dict[str, str]]:
    total_fen = sum(item["amount_fen"] for item in fields["items"])
    rows = [
        (gettext("合计"), total_fen),
        (gettext("医保统筹支付"), fields["fund_fen"]),
        (gettext("其他支付"), fields["other_fen"]),
        (gettext("个人账户支付"), fields["account_fen"]),
        (gettext("个人现金支付"), fields["cash_fen"]),
    ]
    return [{"label": label, "value": show.yuan(fen)} for label, fen in rows]


@blueprint.get("/invoices/<invoice_id>.pdf")
def invoice_pdf(invoice_id: str) -> edge.Answer:
    """The sheet; without a printer on this machine, the invoice's page says so."""
    uow = edge.current_uow()
    found = invoices_service.of_account(uow, invoice_id)
    paper = paper_of(invoices_service.paper_fields(uow, found, payee=runtime().settings.hospital_name))
    try:
        pdf = pdf_of([paper])
    except (CannotPrint, PrintFailed):
        flash(gettext("暂时无法生成 PDF，下面的票据信息同样有效；也可到票据窗口打印"), "warn")
        return redirect(url_for("patient.invoice", invoice_id=invoice_id))
    answer = Response(pdf, mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'inline; filename="invoice-{paper.number}.pdf"'
    return answer
