"""The ledger (总账): every movement of money in double entry 复式记账, appended and never edited.

Owns journals with their postings, the nightly proofs and the balances of closed days. Does not own bills, orders,
refunds or splits: it follows them and is compared with them; a balance is always a sum of postings, and one that is
kept is proven to be that each night.
"""
