"""The fiscal e-invoice platform 财政电子票据平台, in the wire protocol of its dominant maker.

One JSON POST each: `{appid, data, noise, version, sign}`, where `data` is Base64 of the question in JSON and `sign` the
MD5 of all with the shared key; the answer's `data` comes signed the same way. Region by region the charge codes and
places differ; the platform's own handbook has them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from app.couriers.http import CONNECT_SECONDS
from app.invoice.ports import IssuerAway, IssuerRefused, Numbers, RedSheet, Sheet, SheetLine
from app.invoice.rules import CATEGORIES, INSTITUTION_TYPE
from app.kernel.money import yuan_text
from config import FiscalSettings

PATH = "/medical-web/api/medical/"
LOOK_UP = "getEBillStatesByBillInfo"
VERSION = "1.0"
GOOD = "S0000"
OUTPATIENT, REGISTRATION = "02", "06"  # busType 门诊, 挂号
CHINA = ZoneInfo("Asia/Shanghai")
# The platform knows the number already: what it issued for it is to be looked up.
KNOWN_NUMBER = "E0002"
ABSENT = "E0004"


def signature(appid: str, data: str, noise: str, key: str) -> str:
    """`sign` of a question or an answer: the protocol's MD5, in capitals."""
    text = f"appid={appid}&data={data}&noise={noise}&key={key}&version={VERSION}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()


class FiscalPlatform:
    """Carries invoices to the platform; safe to use from many threads."""

    name = "fiscal"
    is_fiscal = True

    def __init__(self, settings: FiscalSettings) -> None:
        """Nothing is called before it is asked."""
        self._settings = settings

    def issue(self, sheet: Sheet) -> Numbers:
        """Asked for by `invoiceEBillOutpatient` 门诊 or `invEBillRegistration` 挂号."""
        method = "invEBillRegistration" if sheet.is_registration else "invoiceEBillOutpatient"
        return self._issued(method, _question(sheet, self._settings.place_code))

    def take_back(self, sheet: RedSheet) -> Numbers:
        """Asked for by `writeOffEBill` 冲红."""
        question = {
            "billBatchCode": sheet.original.batch_code,
            "billNo": sheet.original.number,
            "reason": sheet.reason,
            "operator": sheet.clerk,
            "busDateTime": _instant(sheet),
            "placeCode": self._settings.place_code,
        }
        return self._issued("writeOffEBill", question, prefix="eScarlet")

    def _issued(self, method: str, question: Mapping[str, Any], prefix: str = "") -> Numbers:
        """What the platform issued now; IssuerAway also when it had done so before, since that is to be looked up."""
        try:
            return _numbers(self._ask(method, question), prefix)
        except IssuerRefused as refused:
            if refused.code == KNOWN_NUMBER:
                raise IssuerAway(refused.code) from None
            raise

    def look_up(self, sheet: Sheet | RedSheet) -> Numbers | None:
        """A blue one is known by its business number, a red one by the numbers of its blue one."""
        if isinstance(sheet, RedSheet):
            blue = {"billBatchCode": sheet.original.batch_code, "billNo": sheet.original.number}
            told = self._ask(LOOK_UP, blue)
            return _numbers(told, prefix="scarlet") if str(told.get("isScarlet")) == "1" else None
        try:
            return _numbers(self._ask(LOOK_UP, {"busNo": sheet.bus_no}))
        except IssuerRefused as refused:
            if refused.code == ABSENT:
                return None
            raise

    def _ask(self, method: str, question: Mapping[str, Any]) -> dict[str, Any]:
        """The `message` of a good answer, opened; IssuerAway or IssuerRefused otherwise."""
        settings = self._settings
        data = base64.b64encode(json.dumps(question, ensure_ascii=False).encode()).decode()
        noise = uuid.uuid4().hex
        envelope = {
            "appid": settings.appid,
            "data": data,
            "noise": noise,
            "version": VERSION,
            "sign": signature(settings.appid, data, noise, settings.key),
        }
        told = _opened(self._checked(self._post(method, envelope)))
        if told.get("result") != GOOD:
            raise IssuerRefused(str(told.get("result", ""))[:32] or "no_code")
        message = _opened(told.get("message"))
        if not message:
            raise IssuerAway("the answer is empty")
        return message

    def _checked(self, answer: dict[str, Any]) -> object:
        """The answer's `data`, when it was signed with our key."""
        data, noise, sign = (str(answer.get(name, "")) for name in ("data", "noise", "sign"))
        wanted = signature(self._settings.appid, data, noise, self._settings.key)
        if not hmac.compare_digest(wanted.encode(), sign.encode()):
            raise IssuerAway("the answer is not signed")
        return data

    def _post(self, method: str, envelope: Mapping[str, str]) -> dict[str, Any]:
        import requests  # noqa: PLC0415 - most processes never ask a platform

        try:
            answer = requests.post(
                f"{self._settings.base_url}{PATH}{method}",
                json=envelope,
                timeout=(CONNECT_SECONDS, self._settings.timeout_seconds),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise IssuerAway(type(error).__name__) from None
        if answer.status_code != 200:
            raise IssuerAway(f"HTTP {answer.status_code}")
        try:
            told = json.loads(answer.content)
        except ValueError:
            raise IssuerAway("the answer is not JSON") from None
        if not isinstance(told, dict):
            raise IssuerAway("the answer is not an object")
        return told


def _opened(sealed: object) -> dict[str, Any]:
    """A JSON object out of its Base64."""
    try:
        told = json.loads(base64.b64decode(str(sealed), validate=True))
    except (binascii.Error, ValueError):
        raise IssuerAway("the answer cannot be read") from None
    if not isinstance(told, dict):
        raise IssuerAway("the answer is not an object")
    return told


def _numbers(told: Mapping[str, Any], prefix: str = "") -> Numbers:
    """Code, number and check code, under the names of a blue or (with `prefix`) of a red one; none may be missing."""
    names = [
        f"{prefix}{name}" if prefix else name[:1].lower() + name[1:] for name in ("BillBatchCode", "BillNo", "Random")
    ]
    batch_code, number, check_code = (str(told.get(name, "")) for name in names)
    if not (batch_code.isalnum() and number.isalnum() and check_code.isalnum()):
        raise IssuerAway("the answer has no numbers")
    url = str(told.get("scarletPictureUrl" if prefix == "scarlet" else "pictureUrl", ""))
    return Numbers(
        batch_code[:20], number[:20], check_code[:20], url if url.startswith(("https://", "http://")) else ""
    )


def _question(sheet: Sheet, place_code: str) -> dict[str, Any]:
    """The body of an invoice, by the names of the protocol."""
    return {
        "busNo": sheet.bus_no,
        "busType": REGISTRATION if sheet.is_registration else OUTPATIENT,
        "payer": sheet.payer,
        "payerType": "1",
        "busDateTime": _instant(sheet),
        "placeCode": place_code,
        "payee": sheet.clerk,
        "author": sheet.clerk,
        "checker": sheet.clerk,
        "totalAmt": _yuan(sheet.total_fen),
        "cardNo": sheet.document_masked,
        "medicalInstitution": INSTITUTION_TYPE,
        "medicalCareType": sheet.insurance_type,
        "medicalInsuranceID": sheet.insurance_number,
        "patientNo": sheet.outpatient_number,
        "caseNumber": sheet.outpatient_number,
        "patientCategory": sheet.insurance_type,
        "consultationDate": sheet.visit_day.isoformat(),
        "sex": sheet.sex,
        "fundPay": _yuan(sheet.fund_fen),
        "otherfundPay": _yuan(sheet.other_fen),
        "accountPay": _yuan(sheet.account_fen),
        "selfCashPay": _yuan(sheet.cash_fen),
        "ownPay": _yuan(sheet.account_fen + sheet.cash_fen),
        "selfConceitedAmt": _yuan(sheet.self_part_fen),
        "selfPayAmt": _yuan(sheet.self_fee_fen),
        "balancedNumber": sheet.bus_no,
        "otherInfo": [],
        "chargeDetail": [_charge(number, *item) for number, item in enumerate(sheet.items, start=1)],
        "listDetail": [_detail(number, line) for number, line in enumerate(sheet.lines, start=1)],
    }


def _charge(number: int, category: str, amount_fen: int) -> dict[str, Any]:
    return {
        "sortNo": number,
        "chargeCode": _code(category),
        "chargeName": category,
        "unit": "项",
        "std": _yuan(amount_fen),
        "number": 1,
        "amt": _yuan(amount_fen),
        "selfAmt": 0,
    }


def _detail(number: int, line: SheetLine) -> dict[str, Any]:
    return {
        "sortNo": number,
        "listDetailNo": str(number),
        "chargeCode": _code(line.category),
        "chargeName": line.category,
        "name": line.name,
        "spec": line.specification,
        "unit": line.unit,
        "number": line.quantity,
        "amt": _yuan(line.amount_fen),
        "medCareItemCode": line.insurance_class,
    }


def _code(category: str) -> str:
    """A category's charge code: its place on the form, as long as the region's list says nothing else."""
    return f"{CATEGORIES.index(category) + 1:02d}"


def _yuan(amount_fen: int) -> float:
    """Yuan as the JSON number that reads back to the same two decimals."""
    return float(yuan_text(amount_fen))


def _instant(sheet: Sheet | RedSheet) -> str:
    """`yyyyMMddHHmmssSSS` by China's clock."""
    return sheet.issued_at.astimezone(CHINA).strftime("%Y%m%d%H%M%S000")
