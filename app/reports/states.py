"""A report's life as its laboratory tells it (HL7 table 0123, OBR-25)."""

from __future__ import annotations

import enum

from app.kernel.moves import Machine


class ReportState(enum.StrEnum):
    """`preliminary` may change, `final` is released, `corrected` replaces what was, `withdrawn` says nothing."""

    PRELIMINARY = "preliminary"
    FINAL = "final"
    CORRECTED = "corrected"
    WITHDRAWN = "withdrawn"


class ReportAction(enum.StrEnum):
    """What the laboratory does."""

    AMEND = "amend"
    RELEASE = "release"
    CORRECT = "correct"
    WITHDRAW = "withdraw"


S, A = ReportState, ReportAction
MOVES = {
    (S.PRELIMINARY, A.AMEND): S.PRELIMINARY,
    (S.PRELIMINARY, A.RELEASE): S.FINAL,
    (S.PRELIMINARY, A.CORRECT): S.CORRECTED,
    (S.PRELIMINARY, A.WITHDRAW): S.WITHDRAWN,
    (S.FINAL, A.RELEASE): S.FINAL,  # laboratories release part after part under one number
    (S.FINAL, A.CORRECT): S.CORRECTED,
    (S.FINAL, A.WITHDRAW): S.WITHDRAWN,
    (S.CORRECTED, A.RELEASE): S.CORRECTED,
    (S.CORRECTED, A.CORRECT): S.CORRECTED,
    (S.CORRECTED, A.WITHDRAW): S.WITHDRAWN,
    (S.WITHDRAWN, A.RELEASE): S.FINAL,
    (S.WITHDRAWN, A.CORRECT): S.CORRECTED,
    (S.WITHDRAWN, A.WITHDRAW): S.WITHDRAWN,
}
REPORT = Machine("report", S.PRELIMINARY, MOVES)
