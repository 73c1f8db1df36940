"""The outpatient invoice 医疗门诊收费票据 on paper, with the ministry's fields in the ministry's order.

Fields and their order: 财综〔2019〕29号, outpatient form and its annex 医疗收费明细.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from app.paper import qr
from app.paper.sheet import picture_of, printed_together

# The look of an invoice is part of it: one printed again from its rows must name the template that drew it first.
TEMPLATE_VERSION = "invoice-3"

CATEGORIES = (
    "诊察费",
    "检查费",
    "化验费",
    "治疗费",
    "手术费",
    "卫生材料费",
    "西药费",
    "中药饮片",
    "中成药费",
    "一般诊疗费",
    "挂号费",
    "其他门(急)诊收费",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceItem:
    """What one of the twelve categories cost; negative on a red-letter invoice."""

    category: str
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceDetail:
    """One line of the annex: what was done or handed out, how much of it, and how insurance sees it."""

    name: str
    specification: str
    quantity: str
    amount_fen: int
    insurance_class: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePaper:
    """One invoice as it stands on paper. Texts are printed as given: mask what must be masked before.

    ValueError when a category is unknown or comes twice, or when the four ways of paying do not add up to the items:
    an invoice that does not add up is not printed.
    """

    # head
    code: str
    number: str
    check_code: str
    issued_on: date
    payer: str
    payer_document_masked: str
    # body
    items: tuple[InvoiceItem, ...]
    details: tuple[InvoiceDetail, ...] = ()
    # other information 其他信息
    business_number: str
    institution_type: str
    sex: str
    outpatient_number: str
    visit_day: date
    insurance_type: str
    insurance_number: str
    fund_fen: int
    other_fen: int
    account_fen: int
    cash_fen: int
    self_part_fen: int
    self_fee_fen: int
    negotiated_drug_fen: int
    # foot
    payee: str
    reviewer: str
    cashier: str
    verify_text: str
    is_fiscal: bool
    # a red-letter invoice 红字票据 names the invoice it takes back
    original_code: str = ""
    original_number: str = ""
    # 0 for the first print; from 1 on the paper says which reprint it is
    reprint_no: int = 0

    def __post_init__(self) -> None:
        """Refuses what does not add up."""
        names = [item.category for item in self.items]
        if len(set(names)) != len(names) or not set(names) <= set(CATEGORIES):
            raise ValueError("each item is one of the twelve categories, and comes once")
        if self.total_fen != self.fund_fen + self.other_fen + self.account_fen + self.cash_fen:
            raise ValueError("the items and the ways of paying add up to different totals")
        if self.total_fen < 0 and not self.is_red:
            raise ValueError("a negative invoice names the invoice it takes back")

    @property
    def total_fen(self) -> int:
        """The sum of the items."""
        return sum(item.amount_fen for item in self.items)

    @property
    def is_red(self) -> bool:
        """Whether this invoice takes another one back."""
        return bool(self.original_number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A size of paper and what goes with it; lengths are CSS.

    `ink` draws the form's lines and labels. With `annex_below` the details 明细 follow on the same sheet, else they
    begin a sheet of their own, and a single detail, which says what the invoice says, is left out.
    """

    size: str
    margin: str
    ink: str
    row_height: str
    foot_height: str
    annex_below: bool
    mark: str


# The electronic receipt's half sheet; a whole sheet with its details below; and continuous paper of 241 mm by half of
# 11 inches for dot-matrix printers: one ribbon, hence black, and 12.7 mm on either side are for the tractor.
FORMS = {
    "a5": Form(
        size="210mm 148mm",
        margin="8mm 11mm 9mm",
        ink="#7a2e22",
        row_height="6.5mm",
        foot_height="10mm",
        annex_below=False,
        mark="#ecdcd8",
    ),
    "a4": Form(
        size="210mm 297mm",
        margin="14mm 11mm 12mm",
        ink="#7a2e22",
        row_height="6.5mm",
        foot_height="10mm",
        annex_below=True,
        mark="#ecdcd8",
    ),
    "241": Form(
        size="241mm 139.7mm",
        margin="4mm 18mm 7mm",
        ink="#000",
        row_height="6mm",
        foot_height="8mm",
        annex_below=False,
        mark="#ccc",
    ),
}
USUAL_FORM = "a5"


def render_invoice(invoice: InvoicePaper, form: str = USUAL_FORM) -> bytes:
    """The invoice as a PDF on the form's paper, its annex with it when there are details to tell.

    The same invoice gives the same bytes. Raises PdfUnavailable or PdfFailed of `app.paper.worker`.
    """
    return render_invoices([invoice], form)


def render_invoices(invoices: Sequence[InvoicePaper], form: str = USUAL_FORM) -> bytes:
    """The invoices one after the other as one PDF, each counting its own pages, to be printed in one go."""
    paper = FORMS[form]
    return printed_together("invoice.html", [rows_of(invoice, paper) for invoice in invoices])


def rows_of(invoice: InvoicePaper, form: Form) -> dict[str, object]:
    """What the template is filled with."""
    amounts = {item.category: item.amount_fen for item in invoice.items}
    rows = [(name, amounts.get(name)) for name in CATEGORIES]
    half = len(rows) // 2
    tells_more = form.annex_below or len(invoice.details) > 1
    return {
        "invoice": invoice,
        "form": form,
        "details": invoice.details if tells_more else (),
        "item_columns": (rows[:half], rows[half:]),
        "verify_image": picture_of(qr.url_png(invoice.verify_text)),
        "template_version": TEMPLATE_VERSION,
    }
