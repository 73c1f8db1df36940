"""The envelope every FSI transaction travels in, and the signature on its outside."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO
from zoneinfo import ZoneInfo

from app.couriers.http import CONNECT_SECONDS
from app.insurance.ports import InsurerAway, InsurerRefused
from app.kernel.clock import Clock
from app.kernel.money import yuan_text as yuan
from config import FsiSettings

if TYPE_CHECKING:
    import requests

PATH = "/fsi/api/rsfComIfsService/callService"
CHINA = ZoneInfo("Asia/Shanghai")
MOBILE = "3"  # opter_type 移动终端

__all__ = ["Envelope", "yuan"]


class Envelope:
    """Wraps, signs, sends and opens; amounts come back as the text the insurer wrote, never as floats."""

    def __init__(self, settings: FsiSettings, clock: Clock) -> None:
        """`settings` say where and who we are."""
        self._settings = settings
        self._clock = clock

    def new_message_id(self) -> str:
        """30 characters: the hospital's code (12), yyyyMMddHHmmss, four figures."""
        stamp = self._clock.wall_now().astimezone(CHINA).strftime("%Y%m%d%H%M%S")
        return f"{self._settings.hospital_code}{stamp}{secrets.randbelow(10_000):04d}"

    def ask(self, infno: str, given: Mapping[str, Any], message_id: str = "") -> dict[str, Any]:
        """`output` of a good answer to this very message; InsurerAway or InsurerRefused otherwise."""
        message_id = message_id or self.new_message_id()
        answer = _object(self._post(self._wrapped(infno, given, message_id)).content)
        _check(infno, answer)
        if answer.get("inf_refmsgid") != message_id:
            raise InsurerAway(f"{infno}: the answer is to another message")
        output = answer.get("output")
        return output if isinstance(output, dict) else {}

    def fetch_file(self, infno: str, given: Mapping[str, Any], into: BinaryIO) -> None:
        """The file that is answered stands in `into`; InsurerAway or InsurerRefused when an envelope came instead."""
        answer = self._post(self._wrapped(infno, given, self.new_message_id()))
        if answer.headers.get("Content-Type", "").startswith("application/json"):
            _check(infno, _object(answer.content))
            raise InsurerAway(f"{infno}: the answer holds no file")
        into.write(answer.content)

    def _wrapped(self, infno: str, given: Mapping[str, Any], message_id: str) -> dict[str, Any]:
        settings = self._settings
        return {
            "infno": infno,
            "msgid": message_id,
            "mdtrtarea_admvs": settings.area_code,
            "insuplc_admdvs": settings.area_code,
            "recer_sys_code": "FSI",
            "dev_no": "",
            "dev_safe_info": "",
            "cainfo": "",
            "signtype": "SM3",
            "infver": "V1.0",
            "opter_type": MOBILE,
            "opter": "MENZHEN",
            "opter_name": "门诊通",
            "inf_time": self._clock.wall_now().astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S"),
            "fixmedins_code": settings.hospital_code,
            "fixmedins_name": settings.hospital_name,
            "sign_no": "",
            "input": given,
        }

    def signed_headers(self) -> dict[str, str]:
        """`x-tif-*`: the signature is over time, token, nonce and time again."""
        stamp, nonce = str(int(self._clock.wall_now().timestamp())), secrets.token_hex(16)
        token = self._settings.token
        return {
            "Content-Type": "application/json; charset=utf-8",
            "x-tif-paasid": self._settings.paasid,
            "x-tif-timestamp": stamp,
            "x-tif-nonce": nonce,
            "x-tif-signature": hashlib.sha256(f"{stamp}{token}{nonce}{stamp}".encode()).hexdigest(),
        }

    def _post(self, envelope: Mapping[str, Any]) -> requests.Response:
        import requests  # noqa: PLC0415 - most processes never ask an insurer

        try:
            answer = requests.post(
                self._settings.base_url + PATH,
                data=json.dumps(envelope, ensure_ascii=False).encode(),
                headers=self.signed_headers(),
                timeout=(CONNECT_SECONDS, self._settings.timeout_seconds),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise InsurerAway(type(error).__name__) from None
        if answer.status_code != 200:
            raise InsurerAway(f"HTTP {answer.status_code}")
        return answer


def _object(content: bytes) -> dict[str, Any]:
    try:
        told = json.loads(content, parse_float=str)
    except ValueError:
        raise InsurerAway("the answer is not JSON") from None
    if not isinstance(told, dict):
        raise InsurerAway("the answer is not an object")
    return told


def _check(infno: str, answer: Mapping[str, Any]) -> None:
    if str(answer.get("infcode")) != "0":
        raise InsurerRefused(f"{infno}: {str(answer.get('err_msg', ''))[:120]}")
