"""The national insurance interface for hospitals (医保定点医疗机构接口, FSI): its transactions, field by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.couriers import fsi_answers as answers
from app.couriers.fsi_envelope import Envelope, yuan
from app.insurance.ports import Certificate, Claim, Graded, Person, Sums, Visit
from app.kernel.clock import Clock
from config import FsiSettings

OUTPATIENT = "11"  # med_type 普通门诊
BY_ITEM = "01"  # psn_setlway 按项目结算
ALL_BATCHES = "0000"
CHINA = ZoneInfo("Asia/Shanghai")


class FsiInsurer:
    """Carries questions to the insurer's gateway; safe to use from many threads."""

    name = "fsi"

    def __init__(self, settings: FsiSettings, clock: Clock) -> None:
        """Nothing is called before it is asked."""
        self._envelope = Envelope(settings, clock)
        self._area_code = settings.area_code

    def identify(self, certificate: Certificate) -> Person:
        """1101 人员信息获取: the first insurance in force that the insurer names."""
        told = self._ask("1101", {"data": {**_proof(certificate), "psn_name": certificate.name, "card_sn": ""}})
        return answers.person(told, self._area_code)

    def register(self, person: Person, claim: Claim) -> Visit:
        """2201 门诊挂号."""
        data = {
            "psn_no": person.psn_no,
            "insutype": person.insutype,
            "begntime": _instant(claim.begun_at),
            **_proof(claim.certificate),
            "ipt_otp_no": claim.visit_no,
            "atddr_no": claim.doctor_code,
            "dr_name": claim.doctor_name,
            "dept_code": claim.department,
            "dept_name": claim.department,
            "caty": "",
        }
        told = answers.node(self._ask("2201", {"data": data}), "data")
        answers.same(told, "psn_no", person.psn_no)
        return Visit(person.psn_no, person.insutype, answers.text(told, "mdtrt_id"), claim.certificate)

    def cancel_register(self, visit: Visit, visit_no: str) -> None:
        """2202 门诊挂号撤销."""
        self._ask("2202", {"data": {"psn_no": visit.psn_no, "mdtrt_id": visit.mdtrt_id, "ipt_otp_no": visit_no}})

    def diagnose(self, visit: Visit, claim: Claim) -> None:
        """2203A 门诊就诊信息上传: one main diagnosis."""
        begun = _instant(claim.begun_at)
        self._ask(
            "2203A",
            {
                "mdtrtinfo": {
                    "mdtrt_id": visit.mdtrt_id,
                    "psn_no": visit.psn_no,
                    "med_type": OUTPATIENT,
                    "begntime": begun,
                    "dise_codg": "",
                },
                "diseinfo": [
                    {
                        "diag_type": "1",
                        "diag_srt_no": "1",
                        "diag_code": claim.diagnosis_code,
                        "diag_name": claim.diagnosis_name,
                        "diag_dept": claim.department,
                        "dise_dor_no": claim.doctor_code,
                        "dise_dor_name": claim.doctor_name,
                        "diag_time": begun,
                        "vali_flag": "1",
                    }
                ],
            },
        )

    def upload(self, visit: Visit, claim: Claim) -> Sequence[Graded]:
        """2204 门诊费用明细信息上传."""
        details = [
            {
                "feedetl_sn": fee.number,
                "mdtrt_id": visit.mdtrt_id,
                "psn_no": visit.psn_no,
                "chrg_bchno": claim.batch_no,
                "rxno": claim.visit_no,
                "rx_circ_flag": "0",
                "fee_ocur_time": _instant(claim.begun_at),
                "med_list_codg": fee.code,
                "medins_list_codg": fee.code,
                "medins_list_name": fee.name,
                "det_item_fee_sumamt": yuan(fee.amount_fen),
                "cnt": f"{fee.quantity}.00",
                "pric": yuan(fee.unit_price_fen),
                "bilg_dept_codg": claim.department,
                "bilg_dept_name": claim.department,
                "bilg_dr_codg": claim.doctor_code,
                "bilg_dr_name": claim.doctor_name,
                "hosp_appr_flag": "1",
            }
            for fee in claim.fees
        ]
        return answers.graded(self._ask("2204", {"feedetail": details}), claim.fees)

    def withdraw(self, visit: Visit, batch_no: str = ALL_BATCHES) -> None:
        """2205 门诊费用明细信息撤销."""
        self._ask("2205", {"data": {"mdtrt_id": visit.mdtrt_id, "chrg_bchno": batch_no, "psn_no": visit.psn_no}})

    def presettle(self, visit: Visit, batch_no: str, graded: Sequence[Graded]) -> Sums:
        """2206 门诊预结算."""
        return answers.sums(self._ask("2206", {"data": _settling(visit, batch_no, graded)}), visit, graded)

    def new_message_id(self) -> str:
        """The hospital's code, the second, and four figures by chance."""
        return self._envelope.new_message_id()

    def settle(self, visit: Visit, batch_no: str, graded: Sequence[Graded], message_id: str) -> Sums:
        """2207 门诊结算."""
        data = {"data": _settling(visit, batch_no, graded)}
        made = answers.sums(self._ask("2207", data, message_id), visit, graded)
        return answers.settled(made)

    def cancel(self, visit: Visit, setl_id: str, message_id: str) -> None:
        """2208 门诊结算撤销."""
        data = {"setl_id": setl_id, "mdtrt_id": visit.mdtrt_id, "psn_no": visit.psn_no}
        self._ask("2208", {"data": data}, message_id)

    def undo(self, visit: Visit, message_id: str) -> None:
        """2601 冲正交易, of a 2207 whose end is unknown."""
        self._undo(visit, message_id, "2207")

    def undo_cancel(self, visit: Visit, message_id: str) -> None:
        """2601 冲正交易, of a 2208 whose end is unknown."""
        self._undo(visit, message_id, "2208")

    def _undo(self, visit: Visit, message_id: str, infno: str) -> None:
        self._ask("2601", {"data": {"psn_no": visit.psn_no, "omsgid": message_id, "oinfno": infno}})

    def _ask(self, infno: str, given: Mapping[str, Any], message_id: str = "") -> dict[str, Any]:
        return self._envelope.ask(infno, given, message_id)


def _proof(certificate: Certificate) -> dict[str, str]:
    return {
        "mdtrt_cert_type": certificate.kind,
        "mdtrt_cert_no": certificate.number,
        "psn_cert_type": "01",
        "certno": certificate.number if certificate.kind == "02" else "",
    }


def _instant(at: datetime) -> str:
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _settling(visit: Visit, batch_no: str, graded: Sequence[Graded]) -> dict[str, str]:
    return {
        "psn_no": visit.psn_no,
        **_proof(visit.certificate),
        "med_type": OUTPATIENT,
        "medfee_sumamt": yuan(sum(line.amount_fen for line in graded)),
        "psn_setlway": BY_ITEM,
        "mdtrt_id": visit.mdtrt_id,
        "chrg_bchno": batch_no,
        "acct_used_flag": "1",
        "insutype": visit.insutype,
        "invono": "",
        "fulamt_ownpay_amt": yuan(sum(line.full_self_fen for line in graded)),
        "overlmt_selfpay": yuan(sum(line.over_limit_fen for line in graded)),
        "preselfpay_amt": yuan(sum(line.pre_self_fen for line in graded)),
        "inscp_scp_amt": yuan(sum(line.in_scope_fen for line in graded)),
    }
