"""What must hold of invoices at all times: each statement counts the rows that break it."""

from __future__ import annotations

INVARIANTS = {
    "one_valid_invoice_per_bill": (
        "SELECT count(*) FROM (SELECT bill_id FROM invoice WHERE kind = 'blue' AND state = 'issued'"
        " GROUP BY bill_id HAVING count(*) > 1) doubled"
    ),
    "invoice_numbers_have_no_gap": (
        "SELECT count(*) FROM (SELECT batch_code FROM invoice GROUP BY batch_code"
        " HAVING count(*) <> max(CAST(number AS BIGINT))) gaps"
    ),
    "invoice_items_are_its_total": (
        "SELECT count(*) FROM invoice LEFT JOIN (SELECT invoice_id, sum(amount_fen) AS items FROM invoice_item"
        " GROUP BY invoice_id) sums ON sums.invoice_id = invoice.id WHERE items IS NULL OR items <> total_fen"
    ),
    "invoice_payers_add_up": (
        "SELECT count(*) FROM invoice WHERE total_fen <> fund_fen + other_fen + account_fen + cash_fen"
    ),
    "invoice_is_its_bills_amount": (
        "SELECT count(*) FROM invoice JOIN bill ON bill.id = invoice.bill_id WHERE invoice.kind = 'blue'"
        " AND invoice.replaces_id IS NULL AND (invoice.total_fen <> bill.total_fen OR invoice.cash_fen <> bill.cash_fen"
        " OR invoice.fund_fen <> bill.fund_fen OR invoice.patient_id <> bill.patient_id)"
    ),
    "remainder_is_less_than_what_it_replaces": (
        "SELECT count(*) FROM invoice rest JOIN invoice whole ON whole.id = rest.replaces_id"
        " WHERE rest.total_fen >= whole.total_fen OR rest.fund_fen > whole.fund_fen OR rest.cash_fen > whole.cash_fen"
        " OR rest.bill_id <> whole.bill_id OR rest.kind <> 'blue' OR whole.state <> 'red_lettered'"
    ),
    "red_invoice_negates_its_original": (
        "SELECT count(*) FROM invoice red JOIN invoice blue ON blue.id = red.original_id"
        " WHERE red.total_fen + blue.total_fen <> 0 OR red.fund_fen + blue.fund_fen <> 0"
        " OR red.cash_fen + blue.cash_fen <> 0 OR blue.state <> 'red_lettered' OR blue.kind <> 'blue'"
    ),
    "red_lettered_invoice_has_its_red_one": (
        "SELECT count(*) FROM invoice WHERE state = 'red_lettered' AND NOT EXISTS"
        " (SELECT 1 FROM invoice red WHERE red.original_id = invoice.id)"
    ),
    "paid_bill_has_its_invoice": (
        "SELECT count(*) FROM bill WHERE state IN ('paid', 'partly_refunded') AND NOT EXISTS (SELECT 1 FROM invoice"
        " WHERE invoice.bill_id = bill.id AND invoice.kind = 'blue' AND invoice.state = 'issued')"
    ),
    "refunded_bill_has_no_valid_invoice": (
        "SELECT count(*) FROM bill JOIN invoice ON invoice.bill_id = bill.id"
        " WHERE bill.state = 'refunded' AND invoice.kind = 'blue' AND invoice.state = 'issued'"
    ),
}
