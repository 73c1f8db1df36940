"""The questions by which the ledger is proven: each finds what is wrong, names it and says by how much.

A row found is (journal id or None, bill id or None, fen by which the ledger differs). The ledger holds when none finds
any: every journal is balanced, the ledger says what orders, bills, refunds, splits and invoices say, and the balances
kept for closed days are the sums of all postings until their ends.
"""

from __future__ import annotations


# Statements of our own: every name in them is written here.
def _compared(movement: str, account: str, thing: str, expected: str, bill: str) -> str:
    """Each `thing` (a query of id, bill_id, fen) against its journal's postings on `account`, both ways."""
    posted = (
        "SELECT j.subject_id AS id, j.id AS journal_id, j.bill_id AS bill_id, sum(p.amount_fen) AS fen"  # noqa: S608
        " FROM ledger_journal j JOIN ledger_posting p ON p.journal_id = j.id"
        f" WHERE j.movement = '{movement}' AND p.account IN ({account}) GROUP BY j.subject_id, j.id, j.bill_id"
    )
    return (
        f"SELECT b.journal_id, {bill} AS bill_id, coalesce(b.fen, 0) - t.fen AS off_fen FROM ({thing}) t"  # noqa: S608
        f" LEFT JOIN ({posted}) b ON b.id = t.id WHERE coalesce(b.fen, 0) <> t.fen"
        f" UNION ALL SELECT b.journal_id, b.bill_id, b.fen FROM ({posted}) b"
        f" WHERE NOT EXISTS ({expected} = b.id)"
    )


_EARNED = "'paid', 'partly_refunded', 'refunding', 'refunded'"
_INSURED = "'fund', 'other_fund', 'personal_account'"
_SPLIT = (
    "SELECT s.id, {fen} AS fen,"
    " (SELECT min(b.id) FROM bill b WHERE b.split_id = s.id) AS bill_id FROM split s WHERE s.state IN ({states})"
)
_LEFT = "s.returned_fund_fen + s.returned_other_fen + s.returned_account_fen - s.fund_fen - s.other_fen - s.account_fen"
_NET_OF_BILL = (
    "SELECT j.bill_id, sum(p.amount_fen) AS fen FROM ledger_journal j JOIN ledger_posting p ON p.journal_id = j.id"
    " WHERE p.account = '{account}' GROUP BY j.bill_id"
)
# Each kept day with every account there is, a balance that was not kept counting as nought, among the days' movements.
_MOVED = (
    "SELECT p.account, p.party, j.day, sum(p.amount_fen) AS fen FROM ledger_posting p"
    " JOIN ledger_journal j ON j.id = p.journal_id GROUP BY p.account, p.party, j.day"
)
_KEPT = (
    "SELECT a.account, a.party, d.day, 0 AS fen, coalesce(k.amount_fen, 0) AS kept_fen"
    " FROM (SELECT account, party FROM ledger_posting UNION SELECT account, party FROM ledger_day_balance) a"
    " CROSS JOIN (SELECT DISTINCT day FROM ledger_day_balance) d LEFT JOIN ledger_day_balance k"
    " ON k.day = d.day AND k.account = a.account AND k.party = a.party"
)
_RUNNING = (
    "SELECT kept_fen, sum(fen) OVER (PARTITION BY account, party ORDER BY day, kept_fen IS NOT NULL"  # noqa: S608 - see above
    " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS told_fen"
    f" FROM (SELECT account, party, day, fen, NULL AS kept_fen FROM ({_MOVED}) m UNION ALL {_KEPT}) days"
)

PROOFS = {
    "journal_unbalanced": (
        "SELECT j.id AS journal_id, j.bill_id, coalesce(sum(p.amount_fen), 0) AS off_fen FROM ledger_journal j"
        " LEFT JOIN ledger_posting p ON p.journal_id = j.id GROUP BY j.id, j.bill_id"
        " HAVING coalesce(sum(p.amount_fen), 0) <> 0 OR count(p.id) < 2"
    ),
    "received_differs": _compared(
        "receive",
        "'in_transit'",
        "SELECT id, bill_id, paid_fen AS fen FROM payment_order WHERE paid_fen > 0",
        "SELECT 1 FROM payment_order o WHERE o.paid_fen > 0 AND o.id",
        "t.bill_id",
    ),
    "earned_differs": _compared(
        "earn",
        "'income'",
        f"SELECT id, id AS bill_id, -total_fen AS fen FROM bill WHERE state IN ({_EARNED})",  # noqa: S608 - see above
        f"SELECT 1 FROM bill o WHERE o.state IN ({_EARNED}) AND o.id",  # noqa: S608 - see above
        "t.bill_id",
    ),
    "given_back_differs": _compared(
        "give_back",
        "'refunds_payable'",
        "SELECT id, bill_id, -amount_fen AS fen FROM refund",
        "SELECT 1 FROM refund o WHERE o.id",
        "t.bill_id",
    ),
    "returned_differs": _compared(
        "give_back",
        _INSURED,
        "SELECT id, bill_id, -(fund_fen + other_fen + account_fen) AS fen FROM refund"
        " WHERE NOT ends_bill AND NOT resettles",
        "SELECT 1 FROM refund o WHERE NOT o.ends_bill AND NOT o.resettles AND o.id",
        "t.bill_id",
    ),
    "arrived_back_differs": _compared(
        "arrive_back",
        "'in_transit'",
        "SELECT id, bill_id, -amount_fen AS fen FROM refund WHERE state = 'succeeded'",
        "SELECT 1 FROM refund o WHERE o.state = 'succeeded' AND o.id",
        "t.bill_id",
    ),
    "insured_differs": _compared(
        "insure",
        _INSURED,
        _SPLIT.format(fen="s.fund_fen + s.other_fen + s.account_fen", states="'settled', 'reversed'"),
        "SELECT 1 FROM split o WHERE o.state IN ('settled', 'reversed') AND o.id",
        "t.bill_id",
    ),
    "uninsured_differs": _compared(
        "uninsure",
        _INSURED,
        _SPLIT.format(fen=_LEFT, states="'reversed'"),
        "SELECT 1 FROM split o WHERE o.state = 'reversed' AND o.id",
        "t.bill_id",
    ),
    "advance_left_over": (
        "SELECT NULL AS journal_id, n.bill_id, n.fen AS off_fen"  # noqa: S608 - see above
        f" FROM ({_NET_OF_BILL.format(account='advance')}) n JOIN bill b ON b.id = n.bill_id"
        f" WHERE n.fen <> 0 AND b.state IN ({_EARNED})"
        " AND NOT EXISTS (SELECT 1 FROM payment_order o WHERE o.bill_id = b.id AND o.state = 'paid'"
        " AND NOT o.settles_bill)"
        # What the insurer had taken upon itself is undone, and it is not known yet what it takes of what is left.
        " AND NOT EXISTS (SELECT 1 FROM refund r WHERE r.bill_id = b.id AND r.resettles AND NOT r.ends_bill"
        " AND r.state IN ('reversing', 'resettling'))"
    ),
    "invoiced_differs": (
        "SELECT NULL AS journal_id, n.bill_id, n.fen + coalesce(i.fen, 0) AS off_fen"  # noqa: S608 - see above
        f" FROM ({_NET_OF_BILL.format(account='income')}) n JOIN bill b ON b.id = n.bill_id"
        " LEFT JOIN (SELECT bill_id, sum(total_fen) AS fen FROM invoice GROUP BY bill_id) i ON i.bill_id = n.bill_id"
        " WHERE b.state IN ('paid', 'partly_refunded', 'refunded') AND n.fen + coalesce(i.fen, 0) <> 0"
        " AND NOT EXISTS (SELECT 1 FROM refund r WHERE r.bill_id = b.id AND r.state <> 'succeeded')"
    ),
    "day_balance_differs": (
        "SELECT NULL AS journal_id, NULL AS bill_id, kept_fen - told_fen AS off_fen"  # noqa: S608 - see above
        f" FROM ({_RUNNING}) running WHERE kept_fen IS NOT NULL AND kept_fen <> told_fen"
    ),
}
