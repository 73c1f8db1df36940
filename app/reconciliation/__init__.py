"""Reconciliation 对账: a day's money as others tell it, laid beside our own; what differs is a case with a next step.

Owns the runs (one for each source and day), the rows others told, the cases, and the signature of each day. Does
not own bills, orders or refunds: it compares them, and mends only what is safe, by the same path on which money
always comes in.
"""
