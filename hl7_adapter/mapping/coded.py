"""A message together with what its sender's codes mean here."""

from __future__ import annotations

from app.kernel.code_tables import Codes
from hl7_adapter.er7 import Group, Message

_USUAL = Codes()


class Coded(Message):
    """The message as it was read; `codes` are those agreed with its sender, then the hospital's."""

    __slots__ = ("codes",)

    def __init__(self, message: Message, codes: Codes) -> None:
        """Holds the same bytes; nothing is read again."""
        super().__init__(message.raw, message.decoded)
        self.codes = codes


def codes_of(group: Group) -> Codes:
    """What codes mean in this message; in one of nobody's, what they usually do."""
    return group.codes if isinstance(group, Coded) else _USUAL
