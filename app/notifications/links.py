"""Where each message leads: paths of the patient's pages, by the public id of what it is about."""

from __future__ import annotations


def visit(public_id: str) -> str:
    """The page of a registration: its place, queue number and timeline."""
    return f"/visits/{public_id}"


def registration(public_id: str) -> str:
    """The page of a registration's place, with what is offered instead when the hospital took it back."""
    return f"/registrations/{public_id}"


def waitlist() -> str:
    """The page of what the account's patients wait for, offers first."""
    return "/waitlist"


def bill(public_id: str) -> str:
    """The page on which a bill is read and paid."""
    return f"/bills/{public_id}"


def pickup(public_id: str) -> str:
    """The page of a bag with its pickup code."""
    return f"/pickup/{public_id}"


def report(public_id: str) -> str:
    """The page of a test's report."""
    return f"/reports/{public_id}"


def revisit(public_id: str) -> str:
    """The page on which a revisit is booked with one tap."""
    return f"/revisits/{public_id}"
