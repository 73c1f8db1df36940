"""Hands text messages (短信) to the provider; the same reference is one text, however often it is handed over."""

from __future__ import annotations

from collections.abc import Mapping

from app.couriers.http import call_json
from app.notifications.errors import CourierAway, CourierRefused
from app.notifications.ports import Letter, Sent
from config import SmsSettings

# The provider's HTTP answers and what they mean for one message: our word, and whether another try cannot help.
_REFUSALS: Mapping[int, tuple[str, bool]] = {
    400: ("bad_message", True),
    401: ("bad_credentials", False),
    403: ("blocked", True),
    404: ("unknown_recipient", True),
    409: ("bad_message", True),
}


class SmsCourier:
    """Fits notifications' MessageCourier and identity's CodeCourier."""

    def __init__(self, settings: SmsSettings) -> None:
        """`settings` name the provider's address and our key."""
        self._settings = settings

    def send(self, letter: Letter) -> Sent:
        """The provider has taken the text; raises CourierAway or CourierRefused."""
        params = {**letter.fields, "link": letter.url}
        return self._send(letter.to, letter.template, params, letter.client_ref)

    def send_code(self, *, phone: str, code: str, client_ref: str) -> None:
        """The provider has taken a log-in code for `phone` (E.164); raises CourierAway or CourierRefused."""
        self._send(phone, "login_code", {"code": code}, client_ref)

    def _send(self, phone: str, template: str, params: Mapping[str, str], client_ref: str) -> Sent:
        if not self._settings.base_url:
            raise CourierAway(error="not_set_up")
        status, said = call_json(
            "POST",
            f"{self._settings.base_url}/sms/send",
            timeout_seconds=self._settings.timeout_seconds,
            json={"phone": phone, "template": template, "params": dict(params), "client_ref": client_ref},
            headers={"Authorization": f"Bearer {self._settings.key}"},
        )
        if status != 200:
            reason, is_final = _REFUSALS.get(status, ("system", False))
            raise CourierRefused(reason, is_final=is_final)
        if said.get("state") == "failed":
            raise CourierRefused("blocked", is_final=True)
        return Sent(str(said.get("message_id", ""))[:64] or client_ref)
