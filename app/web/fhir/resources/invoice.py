"""An invoice as FHIR Invoice."""

from __future__ import annotations

from app.invoice.exchange import FullInvoice
from app.invoice.models import Invoice
from app.invoice.ports import Numbers
from app.invoice.states import InvoiceState
from app.web.fhir.resources.parts import Here, Json, concept, to_patient, without_empty, yuan

STATUS = {InvoiceState.ISSUED: "issued", InvoiceState.RED_LETTERED: "cancelled"}
PAYERS = {
    "fund_fen": "医保统筹基金支付",
    "other_fen": "其他支付",
    "account_fen": "个人账户支付",
    "cash_fen": "个人现金支付",
}


def invoice(full: FullInvoice, here: Here) -> Json:
    """The resource; sums of a red invoice are below zero, and it names in `note` the blue one it takes back.

    With a fiscal platform the first identifier is its number, and that of our own book stands second.
    """
    row = full.invoice
    return without_empty(
        {
            "resourceType": "Invoice",
            "id": row.public_id,
            "identifier": _identifiers(full, here),
            "status": STATUS[row.state],
            "type": concept("红票" if row.original_id else "蓝票", (here.system("invoice-kind"), row.kind.value)),
            "subject": to_patient(full.patient.public_id, full.patient.name_masked),
            "date": here.instant(row.issued_at),
            "lineItem": [
                {
                    "sequence": item.seq + 1,
                    "chargeItemCodeableConcept": concept(item.category),
                    "priceComponent": [{"type": "base", "amount": yuan(item.amount_fen)}],
                }
                for item in full.items
            ],
            "totalPriceComponent": _payers(row),
            "totalNet": yuan(row.total_fen),
            "totalGross": yuan(row.total_fen),
            "note": _note(full),
        }
    )


def _payers(row: Invoice) -> list[Json]:
    """Who bears how much of the total, as informational components."""
    amounts = {words: int(getattr(row, column)) for column, words in PAYERS.items()}
    return [
        {"type": "informational", "code": concept(words), "amount": yuan(amount_fen)}
        for words, amount_fen in amounts.items()
        if amount_fen
    ]


def _identifiers(full: FullInvoice, here: Here) -> list[Json]:
    own: Json = {"system": here.system("invoice"), "value": _value(full.invoice)}
    if full.fiscal is None:
        return [own]
    fiscal: Json = {"use": "official", "system": here.system("fiscal-invoice"), "value": _value(full.fiscal)}
    return [fiscal, {"use": "secondary", **own}]


def _value(numbers: Invoice | Numbers) -> str:
    return f"{numbers.batch_code}-{numbers.number}"


def _note(full: FullInvoice) -> list[Json]:
    original = full.original_fiscal or full.original
    return [{"text": f"冲红 {_value(original)}"}] if original else []
