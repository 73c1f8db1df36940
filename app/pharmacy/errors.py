"""How the pharmacy says no to what a person does there; what a scan hears is a verdict, not an error."""

from __future__ import annotations

from app.kernel.errors import BadInput, Refused


class SamePerson(Refused):
    """Whoever picked the bag may not check it; a second pharmacist does."""

    code = "same_person"


class AlreadyCollected(Refused):
    """The bag is in somebody's hands; `collected_at` and `window` say since when and from where."""

    code = "already_collected"


class BagCancelled(Refused):
    """The prescription was voided or its money goes back; the bag goes back to the shelf."""

    code = "cancelled"


class NotServedHere(Refused):
    """This terminal does not hold the bag (any more): scan the patient's code again."""

    code = "not_served_here"


class BagNotMatched(Refused):
    """The bag's own label has not been scanned against this patient."""

    code = "bag_not_matched"


class ChecksMissing(Refused):
    """Not all of the four checks 四查十对 were made; `missing` names the others."""

    code = "checks_missing"


class TooLateToUndo(Refused):
    """A hand-over can be taken back for two minutes; after that the drugs are returned."""

    code = "too_late_to_undo"


class WrongWindow(Refused):
    """Only the window that handed the bag over can take that back; `window` names it."""

    code = "wrong_window"


class ReasonMissing(Refused):
    """A hand-over is taken back for a reason, and the reason is written down in at most 200 characters."""

    code = "reason_missing"
    http_status = 422


class NonceReused(Refused):
    """The same form was sent again with another code in it; scan again on a fresh page."""

    code = "nonce_reused"


class BadNonce(BadInput):
    """The form's one-time mark is missing or damaged; load the page again."""

    code = "bad_nonce"
