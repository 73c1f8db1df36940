"""How reports say no to the system that sends them; each lands on a person's work list."""

from __future__ import annotations

from app.kernel.errors import BadInput, Refused, TryLater


class BadReport(BadInput):
    """What was sent is no report that can be filed; `place` names the field."""

    code = "bad_report"


class ReportOfAnotherPatient(Refused):
    """The report's number, or the visit it names, belongs to another patient; nothing was filed."""

    code = "report_of_another_patient"


class ReportSuperseded(Refused):
    """A preliminary report came after the released one; what is on file (`state`) stands."""

    code = "report_superseded"


class ReportBusy(TryLater):
    """The same report is being filed at this moment; send it again."""

    code = "report_busy"
