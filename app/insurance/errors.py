"""How insurance says no."""

from __future__ import annotations

from app.kernel.errors import Refused, TryLater


class SplitDoesNotAddUp(Refused):
    """A split breaks one of its identities (facts: identity, line_no); nothing is charged, a person must look."""

    code = "split_does_not_add_up"


class PolicyUnknown(Refused):
    """No policy is on file under this code (facts: policy)."""

    code = "policy_unknown"
    http_status = 422


class MemberNumberNotValid(Refused):
    """The insurance number is empty, too long, or holds characters no number has."""

    code = "member_no_not_valid"
    http_status = 422


class CoverageNotValid(Refused):
    """The figures of a coverage (what is used, what is left) are negative or beyond any policy."""

    code = "coverage_not_valid"
    http_status = 422


class CoverageBusy(TryLater):
    """The coverage was changed by others each time this settlement looked at it; ask again."""

    code = "coverage_busy"


class SplitChanged(Refused):
    """What insurance pays is no longer what the patient was shown (facts: split); look at the new figures."""

    code = "split_changed"


class SettlementUnderWay(TryLater):
    """Insurance's part is being settled at this moment; how the prescription is paid cannot be changed meanwhile."""

    code = "settlement_under_way"


class ConsentMissing(Refused):
    """The patient has not agreed yet to pay what no insurance covers (facts: lines); nothing is charged before."""

    code = "consent_missing"


class LineNotOptional(Refused):
    """The line is covered, or paid, or gone: only what the patient would pay alone, and has not, can be declined."""

    code = "line_not_optional"


class CardNotAccepted(Refused):
    """The insurer knows nobody insured by this card or token."""

    code = "card_not_accepted"
    http_status = 422


class CardOfAnother(Refused):
    """The card or token is another person's."""

    code = "card_of_another"
    http_status = 422


class InsurerUnavailable(TryLater):
    """The insurer does not answer, or this house has none; ask again later."""

    code = "insurer_unavailable"
