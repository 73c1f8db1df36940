"""WeChat Pay's statements of a day, 交易账单 and 资金账单: asked for, then downloaded piece by piece into a file."""

from __future__ import annotations

from datetime import date
from typing import BinaryIO
from urllib.parse import urlsplit

from app.couriers.files import download
from app.couriers.provider_answers import text_of
from app.couriers.wechat_pay import WeChatPayCourier
from app.payment.ports import ProviderAway, ProviderRefused
from app.reconciliation.ports import StatementAbsent, StatementKind, StatementNotReady


class WeChatBills(WeChatPayCourier):
    """Fetches statements; the address that is answered lives for five minutes, its file is signed for and unsigned."""

    def fetch(self, kind: StatementKind, day: date, into: BinaryIO) -> str:
        """The statement stands in `into` as it was sent; returns the SHA1 told with its address."""
        ask = self._client.trade_bill if kind is StatementKind.TRADE else self._client.fundflow_bill
        try:
            told = self._call(ask, bill_date=day.isoformat(), tar_type="GZIP")
            url, sha1 = text_of(told, "download_url"), text_of(told, "hash_value")
            self._download(url, into)
        except ProviderRefused as error:
            if error.code == "NO_STATEMENT_EXIST":
                raise StatementAbsent from None
            raise StatementNotReady(error.code) from None
        except ProviderAway:
            raise StatementNotReady("provider_away") from None
        return sha1

    def _download(self, url: str, into: BinaryIO) -> None:
        """Our signature goes to the gateway that the settings name and to nobody else."""
        from wechatpayv3.utils import build_authorization  # noqa: PLC0415 - most processes never need it

        parts, ours = urlsplit(url), urlsplit(self._settings.base_url)
        if (parts.scheme, parts.netloc) != (ours.scheme, ours.netloc):
            raise ProviderAway("the statement is at another address")
        core = self._client._core  # noqa: SLF001 - the library signs only what it sends itself
        signed = build_authorization(
            f"{parts.path}?{parts.query}",
            "GET",
            self._settings.mchid,
            self._settings.merchant_serial,
            core._private_key,  # noqa: SLF001 - as above
        )
        seconds = self._settings.timeout_seconds
        download(url, into, seconds=seconds, headers={"Authorization": signed})
