"""What must hold in the ledger at all times: each statement counts what is wrong with it."""

from __future__ import annotations

from app.ledger.proofs import PROOFS

INVARIANTS = {
    **{name: f"SELECT count(*) FROM ({found}) AS found" for name, found in PROOFS.items()},  # noqa: S608 - our own
    "trial_balance_is_nought": "SELECT abs(coalesce(sum(amount_fen), 0)) FROM ledger_posting",
}
