"""What notifications needs of the outside world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Letter:
    """A message as its courier needs it.

    `client_ref` is the same at every try; `to` is an openid or a phone (E.164); `fields` are the template's finished
    words, number, room, time or amount; `url` leads to our page.
    """

    client_ref: str
    to: str
    template: str
    title: str
    body: str
    fields: Mapping[str, str]
    url: str


@dataclass(frozen=True)
class Sent:
    """The provider has taken the message and calls it `provider_message_id`."""

    provider_message_id: str


class MessageCourier(Protocol):
    """Carries messages to one kind of address."""

    def send(self, letter: Letter) -> Sent:
        """The provider has taken `letter`; the same `client_ref` again sends nothing new.

        Raises CourierAway when it does not answer, CourierRefused when it says no.
        """
