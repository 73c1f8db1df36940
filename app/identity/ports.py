"""What identity needs of the outside world."""

from __future__ import annotations

from typing import Protocol


class CodeCourier(Protocol):
    """Carries a log-in code to a phone."""

    def send_code(self, *, phone: str, code: str, client_ref: str) -> None:
        """The provider has taken the code for `phone` (E.164); the same `client_ref` again sends nothing new.

        Raises an exception with a `code` attribute when the provider is away or refuses.
        """


class WebAuthorization(Protocol):
    """WeChat's web authorization (网页授权): who holds the phone, as an openid."""

    def authorize_url(self, *, redirect_uri: str, state: str) -> str:
        """Where to send the browser so that it comes back to `redirect_uri` with a one-time code and `state`."""

    def openid_of(self, code: str) -> str:
        """The openid behind a one-time `code`; raises an exception with a `code` attribute when it is not good."""
