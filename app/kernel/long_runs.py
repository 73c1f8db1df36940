"""Work by night that reads the books of years: no request waits for it, so it may take longer than one."""

from __future__ import annotations

from sqlalchemy import text

from app.kernel.uow import Uow

LONGEST = "15min"


def run_long(uow: Uow) -> None:
    """The unit's statements may take a quarter of an hour each; they must lock nothing that others wait for."""
    if uow.session.get_bind().dialect.name == "postgresql":
        uow.session.execute(text(f"SET LOCAL statement_timeout = '{LONGEST}'"))
