"""Alipay's statement of a day (业务明细): its address is asked for, and the file fetched within half a minute."""

from __future__ import annotations

from datetime import date
from typing import BinaryIO
from urllib.parse import urlsplit

from app.couriers.alipay import AlipayCourier
from app.couriers.files import download
from app.payment.ports import ProviderAway, ProviderRefused
from app.reconciliation.ports import StatementAbsent, StatementKind, StatementNotReady

ASKED = "alipay.data.dataservice.bill.downloadurl.query"
NO_BILL = "bill_not_exist"  # 账单不存在, with isp. or isv. before it
THEIRS = ".alipay.com"  # the files lie at another address than the gateway


class AlipayBills(AlipayCourier):
    """Fetches statements; Alipay says no sum of a file, which is checked by its packing and by its own counts."""

    def fetch(self, _kind: StatementKind, day: date, into: BinaryIO) -> str:
        """The statement of trades stands in `into` as it was sent."""
        try:
            told = self._call(ASKED, {"bill_type": "trade", "bill_date": day.isoformat()})
        except ProviderRefused as error:
            if error.code.lower().endswith(NO_BILL):
                raise StatementAbsent from None
            raise StatementNotReady(error.code) from None
        except ProviderAway:
            raise StatementNotReady("provider_away") from None
        url = told.get("bill_download_url")
        if not isinstance(url, str) or not self._is_theirs(url):
            raise StatementNotReady("provider_away")
        download(url, into, seconds=self._settings.timeout_seconds)
        return ""

    def _is_theirs(self, url: str) -> bool:
        parts, gateway = urlsplit(url), urlsplit(self._settings.base_url)
        is_gateway = (parts.scheme, parts.netloc) == (gateway.scheme, gateway.netloc)
        return is_gateway or (parts.scheme == "https" and (parts.hostname or "").endswith(THEIRS))
