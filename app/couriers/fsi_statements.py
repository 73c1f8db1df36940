"""The insurer's accounts of a day (3201 对总账, 3202 对明细账) and the files that go with them (9101, 9102)."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from app.couriers import fsi_answers as answers
from app.couriers.fsi_envelope import Envelope, yuan
from app.insurance.ports import AnswerFlawed, InsurerAway, InsurerRefused
from app.kernel.clock import Clock
from app.reconciliation.ports import DayTotals, Settled, StatementNotReady
from config import FsiSettings

OUTPATIENT = "11"  # clr_type 清算类别: 门诊
EQUAL = "000000"  # stmt_rslt of 3201
NOTHING = "null"  # an empty cell of a file
ONE_BY_ONE = "000"  # refd_setl_flag of a settlement that stands


class FsiStatements:
    """Asks the insurer's gateway; an answer that is none, or not to be believed, is asked for again later."""

    def __init__(self, settings: FsiSettings, clock: Clock) -> None:
        """Nothing is called before it is asked."""
        self._envelope = Envelope(settings, clock)
        self._settings = settings

    def is_equal(self, ours: DayTotals) -> bool:
        """3201 医药机构费用结算对总账, for one kind of insurance and outpatients' settlements."""
        data = {**self._totals(ours), "insutype": ours.insutype, "acct_pay": yuan(ours.account_fen)}
        with _later():
            told = answers.node(self._envelope.ask("3201", {"data": data}), "stmtinfo")
            return answers.text(told, "stmt_rslt") == EQUAL

    def pack(self, settled: Iterable[Settled], into: BinaryIO) -> None:
        """表200: a line for each settlement, its cells between tabs, as a text in a ZIP."""
        with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as packed, packed.open("3202.txt", "w") as text:
            for each in settled:
                amounts = (yuan(each.total_fen), yuan(each.fund_fen), yuan(each.account_fen))
                cells = (each.setl_id, each.mdtrt_id, each.psn_no, *amounts, ONE_BY_ONE, NOTHING)
                text.write("\t".join(cell or NOTHING for cell in cells).encode() + b"\n")

    def differences(self, ours: DayTotals, packed: BinaryIO, into: BinaryIO) -> None:
        """9101 文件上传, 3202 医药机构费用结算对明细账, 9102 文件下载."""
        packed.seek(0)
        given = {**self._file(f"3202_{ours.day:%Y%m%d}.zip"), "in": list(packed.read())}
        with _later():
            sent = answers.text(self._envelope.ask("9101", {"fsUploadIn": given}), "file_qury_no")
            data = {**self._totals(ours), "file_qury_no": sent, "cash_payamt": yuan(ours.cash_fen)}
            told = answers.node(self._envelope.ask("3202", {"data": data}), "fileinfo")
            wanted = self._file(answers.text(told, "filename", 200))
            wanted["file_qury_no"] = answers.text(told, "file_qury_no")
            self._envelope.fetch_file("9102", {"fsDownloadIn": wanted}, into)

    def _totals(self, ours: DayTotals) -> dict[str, str]:
        return {
            "clr_type": OUTPATIENT,
            "setl_optins": self._settings.area_code,
            "stmt_begndate": ours.day.isoformat(),
            "stmt_enddate": ours.day.isoformat(),
            "medfee_sumamt": yuan(ours.total_fen),
            "fund_pay_sumamt": yuan(ours.fund_fen),
            "fixmedins_setl_cnt": str(ours.count),
        }

    def _file(self, name: str) -> dict[str, Any]:
        return {"filename": name, "fixmedins_code": self._settings.hospital_code}


@contextmanager
def _later() -> Iterator[None]:
    """Whatever is wrong with an answer, the day's accounts are asked for again."""
    try:
        yield
    except InsurerAway:
        raise StatementNotReady("insurer_away") from None
    except InsurerRefused:
        raise StatementNotReady("insurer_refused") from None
    except AnswerFlawed:
        raise StatementNotReady("insurer_unclear") from None
