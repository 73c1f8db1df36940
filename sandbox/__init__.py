"""The outside world in miniature: who pays, insures, tells and files, each by its real protocol.

Nothing here knows the hospital's software. It is reached by URLs and keys only, so the same software runs against
the real providers when those URLs and keys are theirs.
"""
