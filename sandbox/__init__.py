"""The outside world in miniature: payment, messages, texts and a small hospital system, each by its real protocol.

Nothing here knows the hospital's software. It is reached by URLs and keys only, so the same software runs
against the real providers when those URLs and keys are theirs.
"""
