"""What the hospital system booked on a day, fetched from where it writes that down: a batch of DFT^P03."""

from __future__ import annotations

from datetime import date
from typing import BinaryIO
from urllib.parse import urlencode

from app.couriers.files import download
from app.reconciliation.ports import StatementKind
from config import HospitalStatementSettings


class HospitalBookings:
    """Fetches the batch of a day; one that is not written yet is asked for again."""

    def __init__(self, settings: HospitalStatementSettings) -> None:
        """Nothing is called before it is asked."""
        self._settings = settings

    def fetch(self, _kind: StatementKind, day: date, into: BinaryIO) -> str:
        """The batch stands in `into` as it was sent; it counts itself (BTS-1, BTS-3)."""
        settings = self._settings
        headers = {"Authorization": f"Bearer {settings.token}"} if settings.token else {}
        url = f"{settings.url}?{urlencode({'day': day.isoformat()})}"
        download(url, into, seconds=settings.timeout_seconds, headers=headers)
        return ""
