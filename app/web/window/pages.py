"""Scan or type, see what there is to print or why not, and print; which print it is stands on the paper."""

from __future__ import annotations

from typing import Any

from flask import flash, jsonify, redirect, request, session, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.invoice import filing, for_staff
from app.invoice import service as invoices
from app.invoice.models import Filing, Invoice
from app.invoice.printing import PrintResult
from app.invoice.states import FilingState, PrintCode
from app.kernel.errors import BadInput, NotFound
from app.kernel.ids import new_digits
from app.paper.invoice import FORMS, USUAL_FORM, InvoicePaper
from app.paper.worker import pdf_available
from app.pharmacy.scanning import Terminal
from app.registration.visit_code import read_digits
from app.runtime import runtime
from app.web import edge, show, work
from app.web.invoice_paper import paper_of, pdf_of
from app.web.window import CLERK, PLACE, blueprint

MOST_SCANS_PER_MINUTE = 120
# Kind of the verdict, big words, what to do.
WORDS: dict[PrintCode, tuple[str, object, object]] = {
    PrintCode.OK: ("granted", _l("可以打印"), _l("请核对交款人后打印。")),
    PrintCode.UNPAID: ("refused", _l("尚未支付"), _l("支付后才有票据，请患者先在手机上支付。")),
    PrintCode.NO_INVOICE: ("warn", _l("没有可打印的票据"), _l("还没有开票，或票据已因退费冲红。")),
    PrintCode.UNKNOWN_VISIT: ("refused", _l("没有这个就诊号"), _l("请核对就诊号后重新输入。")),
    PrintCode.CODE_EXPIRED: ("refused", _l("取药码已过期"), _l("请患者刷新手机页面，出示新的码；截图无效。")),
    PrintCode.UNKNOWN_CODE: ("refused", _l("不认识这个码"), _l("请核对是否为本院的码，或改输就诊号。")),
    PrintCode.NOT_A_PICKUP_CODE: ("refused", _l("这不是取药码"), _l("请患者打开取药码页面，或改输就诊号。")),
    PrintCode.POSTER_CODE: ("refused", _l("这是海报码"), _l("海报码用于预约挂号，不能打印票据。")),
}

PAPERS = {"a5": _l("A5 横向"), "a4": _l("A4（附明细）"), "241": _l("241 毫米连续纸")}


def terminal() -> Terminal:
    """This window's terminal; named when it is first used on this browser."""
    if not isinstance(session.get("invoice_terminal"), str):
        session["invoice_terminal"] = f"INV-{new_digits(8)}"
    return Terminal(session["invoice_terminal"], "", edge.actor().id)


@blueprint.get("/")
@work.needs(CLERK)
def home() -> edge.Answer:
    """The box for the patient's code, and the field for a visit's number."""
    return work.page(
        "window/home.html",
        PLACE,
        nonce=edge.once_key(),
        typed_nonce=edge.once_key(),
        pdf=_pdf_state(),
        troubled=[_troubled(*row) for row in filing.troubled(edge.current_uow())],
    )


def _troubled(filed: Filing, invoice: Invoice) -> dict[str, object]:
    """An invoice without its issuer's number: what it is, why, and whether it can be asked for again from here."""
    return {
        "id": filed.public_id,
        "number": invoice.number,
        "amount": show.yuan(invoice.total_fen),
        "why": filed.last_error,
        "can_ask": filed.state == FilingState.FAILED,
    }


@blueprint.post("/filings/<filing_id>/again")
@work.needs(CLERK)
def file_again(filing_id: str) -> edge.Answer:
    """A refused invoice is asked for again, under the same business number; leads back to the list."""
    filing.ask_again(edge.current_uow(), filing_id)
    flash(gettext("已重新申请开票，稍后刷新查看"), "ok")
    return redirect(url_for("window.home"))


def _pdf_state() -> dict[str, object]:
    can_print, why = pdf_available()
    return {"can_print": can_print, "why": why}


def _nonce() -> str:
    nonce = work.typed("nonce", 65)
    if not 8 <= len(nonce) <= 64:
        raise BadInput(fields={"nonce": "length"})
    return nonce


@blueprint.post("/scan")
@work.needs(CLERK)
def scan() -> edge.Answer:
    """The patient's pickup code, or their visit's, is answered once; leads to the invoices or to the refusal.

    The visit's number, which its own field takes on the first page, is taken here too.
    """
    here = terminal()
    edge.limit("window.scan", here.code, at_most=MOST_SCANS_PER_MINUTE, window_seconds=60)
    uow, digits, nonce = edge.current_uow(), work.typed("digits", 200), _nonce()
    visit_number = read_digits(digits) or (digits if digits.upper().startswith("V") else "")
    if visit_number:
        return _lead_on(invoices.print_visit(uow, visit_number=visit_number, nonce=nonce, terminal=here))
    key = runtime().settings.pickup_key
    return _lead_on(invoices.print_at_window(uow, digits=digits, nonce=nonce, terminal=here, key=key))


@blueprint.post("/visit")
@work.needs(CLERK)
def by_visit() -> edge.Answer:
    """The visit a clerk typed the number of; leads to its invoices or to the refusal."""
    here = terminal()
    edge.limit("window.visit", here.code, at_most=60, window_seconds=60)
    result = invoices.print_visit(
        edge.current_uow(), visit_number=work.typed("visit_number", 20), nonce=_nonce(), terminal=here
    )
    return _lead_on(result)


def _lead_on(result: PrintResult) -> edge.Answer:
    if request.accept_mimetypes.best == "application/json":
        return jsonify(
            code=result.code.value,
            print=result.print_public_id,
            invoices=[{"invoice": public_id, "print_no": print_no} for public_id, print_no in result.invoices],
            is_repeat=result.is_repeat,
        )
    return redirect(url_for("window.sheets", print_id=result.print_public_id))


def form_of_paper() -> str:
    """The paper that lies in this window's printer, as it was chosen on this browser."""
    form = session.get("invoice_form")
    return form if isinstance(form, str) and form in FORMS else USUAL_FORM


@blueprint.post("/paper")
@work.needs(CLERK)
def choose_paper() -> edge.Answer:
    """This browser's window prints on the chosen paper from now on; leads back to what was to be printed."""
    form = work.typed("form", 8)
    if form not in FORMS:
        raise BadInput(fields={"form": "unknown"})
    session["invoice_form"] = form
    back = work.typed("print", 26)
    return redirect(url_for("window.sheets", print_id=back) if back else url_for("window.home"))


@blueprint.get("/prints/<print_id>")
@work.needs(CLERK)
def sheets(print_id: str) -> edge.Answer:
    """What this window asked for: the invoices with their PDF links, or why there are none."""
    uow = edge.current_uow()
    row = for_staff.print_of_terminal(uow, print_id, terminal())
    kind, title, text = WORDS[row.code]
    found = invoices.sheets(uow, print_public_id=print_id, terminal=terminal()) if row.code == PrintCode.OK else []
    return work.page(
        "window/sheets.html",
        PLACE,
        verdict_of={"kind": kind, "title": str(title), "text": str(text), "code": row.code.value, "bins": []},
        invoices=[_shown(print_id, invoice, print_no) for invoice, print_no in found],
        all_href=url_for("window.sheets_pdf", print_id=print_id) if len(found) > 1 else "",
        papers=[{"form": form, "label": str(words)} for form, words in PAPERS.items()],
        paper=form_of_paper(),
        print_id=print_id,
        nonce=edge.once_key(),
        pdf=_pdf_state(),
    )


def _shown(print_id: str, invoice: Invoice, print_no: int) -> dict[str, object]:
    fields = _fields(invoice, print_no)
    return {
        "payer": fields["payer"],
        "total": show.yuan(invoice.total_fen),
        "categories": " · ".join(item["category"] for item in fields["items"]),
        "facts": [
            {"label": gettext("票据代码"), "value": fields["code"]},
            {"label": gettext("票据号码"), "value": fields["number"]},
            {"label": gettext("种类"), "value": gettext("财政票据") if fields["is_fiscal"] else gettext("非财政票据")},
            {"label": gettext("开票日期"), "value": fields["issued_on"].isoformat()},
            {"label": gettext("就诊号"), "value": fields["outpatient_number"]},
        ],
        "print_words": gettext("首次打印") if print_no <= 1 else gettext("第 %(count)s 次补打", count=print_no - 1),
        "href": url_for("window.sheet_pdf", print_id=print_id, invoice_id=invoice.public_id),
    }


def _fields(invoice: Invoice, print_no: int) -> dict[str, Any]:
    payee = runtime().settings.hospital_name
    return invoices.paper_fields(edge.current_uow(), invoice, payee=payee, print_no=print_no)


@blueprint.get("/prints/<print_id>.pdf")
@work.needs(CLERK)
def sheets_pdf(print_id: str) -> edge.Answer:
    """All of the granted invoices as one PDF, to be printed in one go; refuses `pdf_unavailable`."""
    return _pdf(list(_papers(print_id).values()), f"invoices-{print_id}")


@blueprint.get("/prints/<print_id>/<invoice_id>.pdf")
@work.needs(CLERK)
def sheet_pdf(print_id: str, invoice_id: str) -> edge.Answer:
    """One of the granted invoices as a PDF; refuses `pdf_unavailable` where this machine cannot print."""
    papers = _papers(print_id)
    if invoice_id not in papers:
        raise NotFound
    return _pdf([papers[invoice_id]], f"invoice-{papers[invoice_id].number}")


def _papers(print_id: str) -> dict[str, InvoicePaper]:
    """The granted invoices, ready to be printed, by their public ids; NotFound when none was granted."""
    granted = invoices.sheets(edge.current_uow(), print_public_id=print_id, terminal=terminal())
    return {invoice.public_id: paper_of(_fields(invoice, print_no)) for invoice, print_no in granted}


def _pdf(papers: list[InvoicePaper], name: str) -> edge.Answer:
    return work.pdf(pdf_of(papers, form_of_paper()), name)
