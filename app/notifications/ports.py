"""What notifications needs of the outside world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Numbered:
    """A template as the provider knows it: its number, its keyword for each of our fields, and words that never change.

    A field whose keyword is '' is not sent.
    """

    number: str
    keywords: Mapping[str, str]
    fixed: Mapping[str, str]


@dataclass(frozen=True)
class Letter:
    """A message as its courier needs it.

    `client_ref` is the same at every try; `to` is an openid or a phone (E.164); `fields` are the template's finished
    words, number, room, time or amount; `url` leads to our page; `numbered` is there where the provider has numbers
    for templates and gave this one its own.
    """

    client_ref: str
    to: str
    template: str
    title: str
    body: str
    fields: Mapping[str, str]
    url: str
    numbered: Numbered | None = None


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
