"""The receipt of the cashier's window, on a roll of 80 mm: what was paid or handed back; it says it is no invoice."""

from dataclasses import dataclass

from app.kernel.money import capitals, yuan_text
from app.paper.sheet import printed


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptPaper:
    """What stands on a receipt; the payer comes masked, `facts` are label and value."""

    hospital: str
    is_back: bool
    payer: str
    purpose: str
    amount_fen: int
    facts: tuple[tuple[str, str], ...]
    cashier: str


def render_receipt(receipt: ReceiptPaper) -> bytes:
    """The receipt as a PDF of one page; raises PdfUnavailable or PdfFailed of `app.paper.worker`."""
    return printed(
        "receipt.html",
        receipt=receipt,
        amount=f"¥{yuan_text(receipt.amount_fen)}",
        capitals=capitals(receipt.amount_fen),
    )
