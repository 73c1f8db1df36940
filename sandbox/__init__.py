"""The outside world in miniature: payment, insurance, invoices, texts and a hospital system by their real protocols.

Nothing here knows the hospital's software. It is reached by URLs and keys only, so the same software runs against
the real providers when those URLs and keys are theirs.
"""
